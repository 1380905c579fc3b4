"""The built files: where they are, and what each is called in this build."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "static/dist"
URL = "/static"


class AssetsMissing(RuntimeError):
    """The package was installed without its web assets."""


@cache
def manifest() -> dict[str, str]:
    """Plain names to the names with hashes."""
    try:
        names: dict[str, str] = json.loads((FOLDER / "manifest.json").read_text())
    except FileNotFoundError:
        raise AssetsMissing(
            "the web assets are not built; run `npm ci --ignore-scripts && node frontend/build.mjs`"
        ) from None
    return names


def asset(name: str) -> str:
    """The URL of a built file. A name that is not in the build is a bug, so it raises."""
    return f"{URL}/{manifest()[name]}"
