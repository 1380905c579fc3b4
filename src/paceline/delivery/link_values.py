"""Values inside addresses: encoded so that they stay what they are, each for its place.

`?q={{ company }}` with "A&B #1" would lose all but an A. What stands behind a written beginning of
an address is percent-encoded; what is the whole of one goes as it is, unless it would be a script.
Settled once, when the template is compiled: the engine's own filter does the work, and `| safe` or
`| urlencode` says that the author has done it. Expressions that put an address together are left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from urllib.parse import quote

from paceline.delivery.template_rules import Tag

_VALUE, _STATEMENT = "\ufdd7", "\ufdd8"  # one for each character of a tag
_ATTRIBUTE = re.compile(
    r"[\s\"'/](?:href|src|action|formaction|background|poster|cite|longdesc)\s{0,9}=\s{0,9}"
    r"(?:\"(?P<double>[^\"<>]*)|'(?P<single>[^'<>]*)|(?P<bare>[^\s\"'<>]+))",
    re.IGNORECASE,
)
_IN_TEXT = re.compile(r"(?:https?://|\bwww\.)(?P<bare>[^\s<>\"]*)", re.IGNORECASE)
_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]{0,20}:)?//[^/?#]*", re.IGNORECASE)
_OPAQUE = re.compile(r"(?:mailto|tel|sms|callto|whatsapp|skype|geo):[^?]*", re.IGNORECASE)
_DONE = frozenset({"safe", "urlencode"})
_SCRIPT = re.compile(r"(?:javascript|vbscript|livescript|mocha|data(?!:image/)):", re.IGNORECASE)
_IGNORED = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028\u2029\ufeff]")
NOWHERE = "#"

HOST, OPAQUE, WHOLE = "_host", "_opaque", "_whole"  # filters of ours, which no template may name


def _host(value: str) -> str:
    return quote(value, safe="/:[]")


def _opaque(value: str) -> str:
    return quote(value, safe="/@+,;:*()!'")


def _whole(value: str) -> str:
    return NOWHERE if is_script(value) else value


FILTERS: dict[str, Callable[[str], str]] = {HOST: _host, OPAQUE: _opaque, WHOLE: _whole}


def is_script(value: str) -> bool:
    """Whether an address would run something, in the eyes of the most lenient reader."""
    return _SCRIPT.match(_IGNORED.sub("", value[:200])) is not None


def encoded(source: str, found: Iterable[Tag], *, html: bool) -> str:
    """A sound source with its values in addresses encoded. `found` are its tags."""
    if "{{" not in source or (html and "=" not in source) or not (html or "://" in source):
        return source
    tags = [tag for tag in found if tag.tokens]
    masked = _masked(source, tags)
    pieces, position, places = [], 0, _filters(masked, html=html)
    for tag in tags:
        name = places.get(tag.start)
        if name is not None and _is_one_field(tag):
            written = source[tag.start : tag.end]
            pieces += [source[position : tag.start], _filtered(written, name)]
            position = tag.end
    return "".join([*pieces, source[position:]])


def whole_links(source: str) -> frozenset[str]:
    """The fields that some `href` consists of."""
    found = re.findall(rf"\{{\{{[-+]? ?\((\w+)[^{{}}]{{0,200}}? ~ \"\"\) \| {WHOLE}", source)
    return frozenset(found)


def _masked(source: str, tags: list[Tag]) -> str:
    pieces, position = [], 0
    for tag in tags:
        mark = _VALUE if tag.tokens[0].text == "{{" else _STATEMENT
        pieces += [source[position : tag.start], mark * (tag.end - tag.start)]
        position = tag.end
    return "".join([*pieces, source[position:]])


def _filters(masked: str, *, html: bool) -> dict[int, str]:
    """The filter for each tag that stands in an address, by where the tag begins."""
    places: dict[int, str] = {}
    for found in (_ATTRIBUTE if html else _IN_TEXT).finditer(masked):
        group = found.lastgroup or "bare"
        start = found.start(group) if html else found.start()
        value = masked[start : found.end(group)]
        for tag in re.finditer(f"{_VALUE}+", value):
            before = value[: tag.start()].replace(_STATEMENT, "").strip()
            places[start + tag.start()] = _filter_behind(before)
    return places


def _filter_behind(before: str) -> str:
    if not before:
        return WHOLE
    if _HOST.fullmatch(before):
        return HOST
    return OPAQUE if _OPAQUE.fullmatch(before) else "urlencode"


def _is_one_field(tag: Tag) -> bool:
    """`{{ field | filters }}`, and none of the filters says that it is encoded already."""
    opening, *tokens = tag.tokens
    if opening.text != "{{" or not tokens or tokens[0].kind != "name":
        return False
    if len(tokens) > 1 and tokens[1].text != "|":
        return False
    return not any(token.text in _DONE or token.text in ("~", "if") for token in tokens)


def _filtered(written: str, name: str) -> str:
    start = 3 if written[2] in "-+" else 2
    end = -3 if written[-3] in "-+" else -2
    # Joined with nothing: a value that is missing is then an error, as without the filter.
    return f'{written[:start]} ({written[start:end].strip()} ~ "") | {name} {written[end:]}'
