"""Prometheus' own programs, where scripts/need-promtool could get them."""

from __future__ import annotations

import shutil
from pathlib import Path

UNPACKED = Path(__file__).parents[3] / ".venv" / "prometheus" / "usr" / "bin"


def found(program: str) -> Path | None:
    on_path = shutil.which(program)
    if on_path is not None:
        return Path(on_path)
    unpacked = UNPACKED / program
    return unpacked if unpacked.exists() else None


# Without it, need-promtool has said that they are left out.
collect_ignore = (
    [] if found("promtool") and found("prometheus") else ["test_rules.py", "test_scraped.py"]
)
