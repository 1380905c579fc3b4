"""Finds text that its reader cannot see all of: cut off, covered by a neighbour, out of the page.

axe does not look for this. What is shortened on purpose (`text-overflow: ellipsis`) counts as well,
unless the whole of it is in a `title`; what can be scrolled to does not.
"""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

_SCRIPT = Path(__file__).with_name("clipping.js").read_text()


def clipped(page: Page) -> list[str]:
    """Each text that cannot be read in full, and what hides it."""
    return list(page.evaluate(f"() => {{ {_SCRIPT}\n return clippedText(); }}"))


def small_targets(page: Page, *, least: int = 44) -> list[str]:
    """Each control that a finger would miss: below `least` px wide or high."""
    return list(page.evaluate(f"(least) => {{ {_SCRIPT}\n return smallTargets(least); }}", least))
