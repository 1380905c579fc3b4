"""Who gets a subject again by another campaign: how many are looked for, and how it is said."""

from __future__ import annotations

MAX_COMPARED = 50_000  # recipients of the campaign that are looked for in others


def these_recipients_get(count: int) -> str:
    """A sentence's beginning. Where all that were looked for were found, there may be more."""
    at_least = "at least " if count >= MAX_COMPARED else ""
    return f"{at_least}{count:,} of these recipients {'gets' if count == 1 else 'get'}"
