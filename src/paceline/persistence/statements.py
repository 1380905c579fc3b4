"""The named statements in `sql/`: one file, one statement, read once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def statement(name: str) -> str:
    """The text of `sql/<name>.sql`."""
    return (files("paceline.persistence") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
