"""Text of strangers on a line for people; pure."""

from __future__ import annotations

UNPRINTABLE = "\ufffd"


def printable(text: str) -> str:
    """The same, with U+FFFD for each character that cannot be printed, line breaks among them."""
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    return character if character.isprintable() else UNPRINTABLE
