"""What is told about a message before its launch, the same at every entrance.

What can certainly not be sent is refused, in `validation.py`. This is what is likely to be wrong:
the author reads it and decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from functools import lru_cache

from paceline.delivery import MessageTemplate, remarks
from paceline.domain.blocked_files import notes_on_files

_MAX_KEPT = 16  # messages; the same draft is looked at several times


async def notes_on(
    subject: str,
    text: str | None,
    html: str | None,
    *,
    fields: Collection[str] = (),
    inline: Collection[str] | None = None,
    files: Iterable[str] = (),
) -> tuple[str, ...]:
    """Sentences, each with its part and line. A large message takes a while: on a thread.

    `fields` and `inline` as `remarks` has them; `files` are the names of all that go along.
    """
    images = None if inline is None else frozenset(inline)
    told = await asyncio.to_thread(_remarks, subject, text, html, frozenset(fields), images)
    return told + notes_on_files(files)


def notes_by_columns(
    subject: str, text: str | None, html: str | None, *, fields: Collection[str]
) -> tuple[str, ...]:
    """What is found only once the columns of the list are known."""
    before = {_tag(note) for note in _remarks(subject, text, html, frozenset(), None)}
    notes = _remarks(subject, text, html, frozenset(fields), None)
    return tuple(note for note in notes if _tag(note) not in before)


def _tag(note: str) -> str:
    """Part, line and what stands there."""
    return note.partition("” ")[0]


@lru_cache(maxsize=_MAX_KEPT)
def _remarks(
    subject: str,
    text: str | None,
    html: str | None,
    fields: frozenset[str],
    inline: frozenset[str] | None,
) -> tuple[str, ...]:
    return remarks(subject=subject, text=text, html=html, fields=fields, inline=inline)


def unknown_fields(template: MessageTemplate, available: Collection[str]) -> tuple[str, ...]:
    """Fields with a default that no recipient has: everybody would get the default."""
    unknown = sorted(template.optional - set(available))
    if not unknown:
        return ()
    names = ", ".join(f"{{{{ {name} }}}}" for name in unknown)
    has = "has a value for" if len(unknown) == 1 else "has values for"
    return (f"no recipient {has} {names}; there are: {', '.join(sorted(available))}",)
