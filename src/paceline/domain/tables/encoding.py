"""Guesses the encoding of a table that is not UTF-8, and says how sure it is.

A fixed list is weighed, no more: what spreadsheets of this world write. Titles of columns, and
answers, that are known words in one reading settle it; else the most plausible text does
(`plausibility`), and in doubt Windows-1252. Whoever knows better chooses.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from paceline.domain.tables import consent_title_words, consent_words
from paceline.domain.tables.plausibility import plausibility
from paceline.domain.tables.words import (
    FIRST_NAME_TITLES,
    FULL_NAME_TITLES,
    IS_ADDRESS_TITLE,
    LAST_NAME_TITLES,
    comparable,
)

DEFAULT = "cp1252"
_MAX_WEIGHED = 6_000  # octets around foreign bytes; more does not change the verdict
_CONTEXT = 12  # octets on either side of a run of foreign bytes
_SCRIPTS = {
    "cp1252": "latin",
    "cp1250": "central",
    "cp1254": "turkish",
    "cp1257": "baltic",
    "cp1251": "cyrillic",
    "koi8-r": "cyrillic",
    "cp866": "cyrillic",
    "mac-roman": "latin",
    "cp850": "latin",
    "cp1253": "greek",
    "cp1255": "hebrew",
    "cp1256": "arabic",
    "cp874": "thai",
    "cp932": "japanese",
    "euc-jp": "japanese",
    "gb18030": "chinese",
    "big5": "taiwanese",
    "cp949": "korean",
}
# What a reading must be better by than Windows-1252, which is what a western machine writes.
_HANDICAP = {"mac-roman": 0.15, "cp850": 0.2, "cp866": 0.1, "cp1250": 0.06, "cp1256": 0.1}
_HANDICAP |= {"cp1254": 0.1, "cp1257": 0.12, "cp874": 0.25}
_KNOWN_TITLE = 0.8
_TITLE_BREAK = re.compile(r"[,;\t|\r\n\"']+")
_DRAWN = re.compile("[\u2500-\u259f]")  # what code pages of terminals make of foreign letters
_RUN = re.compile(rb"[\x80-\xff]")


class Guess(NamedTuple):
    """The encoding taken, and the others that would do nearly as well."""

    encoding: str
    others: tuple[str, ...]


def guess_encoding(window: bytes, *, whole: bool) -> Guess:
    """The likeliest encoding of some text that is not UTF-8. `whole`: nothing comes after it."""
    weighed = _worth_weighing(window)
    scores: dict[str, float] = {}
    for codec, script in _SCRIPTS.items():
        text = _decoded(weighed, codec, whole=whole or len(weighed) < len(window))
        if text is not None:
            scores[codec] = (
                plausibility(text, script=script)
                + _KNOWN_TITLE * min(_known_titles(text), 2)
                - _HANDICAP.get(codec, 0.0)
            )
    if not scores:
        return Guess(DEFAULT, ())
    ranked = sorted(scores, key=lambda codec: (-scores[codec], list(_SCRIPTS).index(codec)))
    best = ranked[0]
    close = tuple(codec for codec in ranked[1:4] if scores[best] - scores[codec] < 0.5)
    return Guess(best, close)


def _worth_weighing(window: bytes) -> bytes:
    """The first lines, for their titles, and then whole lines with foreign bytes."""
    lines = window.splitlines(keepends=True)
    kept, size = lines[:3], sum(map(len, lines[:3]))
    for line in lines[3:]:
        if size > _MAX_WEIGHED:
            break
        if _RUN.search(line):
            kept.append(line)
            size += len(line)
    return b"".join(kept)[: 4 * _MAX_WEIGHED]


def _decoded(data: bytes, codec: str, *, whole: bool) -> str | None:
    """None where these bytes cannot be in this encoding; a last character may be cut."""
    for cut in range(1 if whole else 4):
        try:
            return data[: len(data) - cut].decode(codec)
        except UnicodeDecodeError as error:
            if error.start < len(data) - 4:
                break
    # A stray byte is no reason to rule out an alphabet, where nearly everything else fits.
    text = data.decode(codec, errors="replace")
    bad, foreign = text.count("\ufffd"), len(_RUN.findall(data))
    return text if bad * 25 < foreign else None


def _known_titles(text: str) -> int:
    known = 0
    for cell in _TITLE_BREAK.split(text[:2_000]):
        if not cell.isascii() and comparable(cell) in _TITLES and not _DRAWN.search(cell):
            known += 1
    return known


_TITLES = (
    IS_ADDRESS_TITLE
    | FULL_NAME_TITLES
    | FIRST_NAME_TITLES
    | LAST_NAME_TITLES
    | consent_words.OUT
    | frozenset(part for part in consent_title_words.OPT_IN_TITLES if len(part) > 3)
    | frozenset(part for part in consent_title_words.OPT_OUT_TITLES if len(part) > 3)
    | frozenset(part for part in consent_words.YES | consent_words.NO if len(part) > 1)
)
