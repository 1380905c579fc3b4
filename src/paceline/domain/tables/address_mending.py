"""Takes the one address out of a cell that holds more than it: what programs wrap around it.

Only what is certain is taken off: blanks and marks that nobody sees, quotation marks, `mailto:`, a
display name, Access's and Markdown's links, formulas. A misspelt address stays one, and is refused.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from paceline.domain.addresses import InvalidAddress, parse_address

MAX_LOOKED_AT = 1_000  # characters of a cell that is searched for an address

INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_FULL_WIDTH = {0xFF01 + i: 0x21 + i for i in range(94)} | {0x3002: 0x2E, 0xFE6B: 0x40}
_BLANKS = " \t\r\n\v\f\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_STRIPPED = _BLANKS + '"´<>()[]{}“”„‟‘’‚«»‹›•·'
_PAIRED = "'`*_"  # these may begin an address: taken off where they stand at both ends
_TRAILING = ",;.:!?|"
_SCHEME = re.compile(
    r"\A(?:mailto|smtp|e-?mail|x-apple-data-detectors)\s*:\s*(?://)?", re.IGNORECASE
)
_LINKED = re.compile(r"\[[^\]]*\]\((?:mailto:)?([^()\s@]+@[^()\s?]+)(?:\?[^()]*)?\)", re.IGNORECASE)
_BRACKETS = re.compile(r"<\s*(?:mailto:)?([^<>\s@]*@[^<>\s]*)\s*>", re.IGNORECASE)
_NAMED = re.compile(r"[^<>@]*<[^<>@]*@[^<>@]*>[\s,;.]*", re.DOTALL)
_PARENTHESES = re.compile(r"(.*\S)\s*\(([^()]*)\)", re.DOTALL)
_HOLDS_MORE = re.compile(r"[\s<>()\[\]#,;:|/]")
_BETWEEN = re.compile(r"\s*(?::::|[,;|/\s])\s*")
_ANCHOR = re.compile(r"<a\b[^>]*href=[\"']?mailto:([^\"'>?]+)[^>]*>.*", re.IGNORECASE | re.DOTALL)

_FORMULA = re.compile(
    r"=(?:HYPERLINK\(\s*)?\"(?:mailto:)?([^\"?\s@]+@[^\"?\s@]+)(?:\?[^\"]*)?\"\s*(?:[,;][^@]*(?:@[^@]*)?)?\)?",
    re.IGNORECASE,
)
_BULLET = re.compile(r"\s*(?:[-–—*]|\d{1,4}[.)])\s+(?=[^\s@]+@)")


class Mended(NamedTuple):
    """The address of a cell, the name that stood beside it, and which others there were."""

    address: str
    key: str
    name: str
    more: tuple[str, ...]


def mend(cell: str) -> Mended:
    """The first address of a cell. Raises `InvalidAddress` where there surely is none."""
    text = _unbulleted(visible(cell[:MAX_LOOKED_AT]))
    if formula := _FORMULA.fullmatch(text.strip()):
        text = formula[1]
    for take in (_plain, _linked, _named, _first_of_several):
        found = take(text)
        if found is not None:
            return found
    bare = _unwrapped(text)
    return Mended(*parse_address(bare if "@" in bare else cell), "", ())


def _unbulleted(text: str) -> str:
    begun = _BULLET.match(text)
    return text[begun.end() :] if begun else text


def visible(text: str) -> str:
    """The text without the characters that take no room, and full-width ones as they are meant."""
    text = text if text.isascii() else INVISIBLE.sub("", text)
    return text.translate(_FULL_WIDTH) if "\uff20" in text or "\uff0e" in text else text


def holds_an_address(cell: str) -> bool:
    """Whether an email could go to what stands in a cell."""
    try:
        mend(cell)
    except InvalidAddress:
        return False
    return True


def resembles_an_address(cell: str) -> bool:
    """Whether a cell is, or wraps, an address, and nothing else; for telling columns apart."""
    if len(cell) > MAX_LOOKED_AT or not ("@" in cell or "\uff20" in cell):
        return False
    return _resembles(cell)


@lru_cache(maxsize=2_048)  # the same few cells are looked at for each question about a table
def _resembles(cell: str) -> bool:
    return holds_an_address(cell) or _ALMOST.fullmatch(_unwrapped(visible(cell))) is not None


_ALMOST = re.compile(r"[^\s@,;|<>\"]+@[^\s@,;|<>\"]+")


def _plain(text: str) -> Mended | None:
    bare = _unwrapped(text)
    if bare.count("@") != 1:
        return None
    local, _, domain = bare.partition("@")
    bare = f"{local.rstrip()}@{domain.lstrip()}"
    if _HOLDS_MORE.search(bare) is not None:
        return None
    return Mended(*parse_address(bare), "", ())  # there is nothing else in it


def _linked(text: str) -> Mended | None:
    """Access's `shown#address#`, Markdown's `[shown](mailto:address)`, HTML's anchor."""
    bare = text.strip()
    matched = _LINKED.fullmatch(bare) or _ANCHOR.fullmatch(bare)
    if matched is not None:
        return _parsed(_unwrapped(matched[1]))
    parts = text.split("#")
    if len(parts) < 3:
        return None
    for part in (parts[1], parts[0]):
        found = _parsed(_unwrapped(part.removeprefix("http://").rstrip("/")))
        if found is not None:
            return found
    return None


def _named(text: str) -> Mended | None:
    """`Ada Example <ada@example.com>`, `ada@example.com (Ada Example)`, `ada@x.org <ada@x.org>`."""
    bracketed = _BRACKETS.findall(text)
    if len(bracketed) == 1 and (_NAMED.fullmatch(text) or _same_twice(text, bracketed[0])):
        found = _parsed(_unwrapped(bracketed[0]))
        return found and found._replace(name=_name_in(text.partition("<")[0]))
    matched = _PARENTHESES.fullmatch(text.strip())
    if matched is None:
        return None
    outer, inner = _unwrapped(matched[1]), _unwrapped(matched[2])
    if "@" in inner and "@" not in outer:
        outer, inner = inner, outer
    found = _parsed(outer)
    return found and found._replace(name="" if "@" in inner else _name_in(inner))


def _same_twice(text: str, address: str) -> bool:
    return _unwrapped(text.partition("<")[0]).lower() == address.lower()


def _first_of_several(text: str) -> Mended | None:
    parts = [part for part in _BETWEEN.split(text.strip()) if part.strip(_STRIPPED)]
    found = [_parsed(_unwrapped(part)) for part in parts if "@" in part]
    if len(found) < 2 or len(found) != len(parts) or found[0] is None:
        return _several_named(text)
    first = found[0]
    others = {other.key: other.address for other in found if other is not None}
    others.pop(first.key, None)
    return first._replace(more=tuple(others.values()))


def _several_named(text: str) -> Mended | None:
    """`Ada <ada@x.org>, Bob <bob@x.org>`."""
    bracketed = _BRACKETS.findall(text)
    if len(bracketed) < 2 or text.count("@") != len(bracketed):
        return None
    first = _parsed(_unwrapped(bracketed[0]))
    return first and first._replace(
        name=_name_in(text.partition("<")[0]),
        more=tuple({other.lower(): other for other in bracketed if other != bracketed[0]}.values()),
    )


def _unwrapped(text: str) -> str:
    while True:
        bare = _SCHEME.sub("", text.strip(_STRIPPED).rstrip(_TRAILING).lstrip(",;:|"), count=1)
        if len(bare) > 2 and bare[0] == bare[-1] and bare[0] in _PAIRED:
            bare = bare[1:-1]
        bare = bare.removeprefix("'")  # a spreadsheet's mark for text
        if bare == text or not bare:
            break
        text = bare
    # What follows a `mailto:` address after the question mark is the letter's subject.
    return bare.partition("?")[0] if "?" in bare.partition("@")[2] else bare


def _name_in(text: str) -> str:
    name = " ".join(text.strip(_STRIPPED + _TRAILING + "'").split())
    return "" if "@" in name else name.replace('\\"', '"')


def _parsed(text: str) -> Mended | None:
    try:
        return Mended(*parse_address(text), "", ())
    except InvalidAddress:
        return None
