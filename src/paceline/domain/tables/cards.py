"""Address books that are no tables: vCards (RFC 6350) and LDIF (RFC 2849), a block per person.

Read as a table of a fixed header: each card is a row, with the preferred address or else the first.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator

from paceline.domain.bounds import MAX_CELL
from paceline.domain.tables.lines import Lines
from paceline.domain.tables.rows import Row

HEADER = ["Email", "Name", "First name", "Last name", "Company", "Title", "Other email"]
_VCARD = re.compile(r"\s*BEGIN:VCARD\b", re.IGNORECASE)
_BEFORE_LDIF = re.compile(r"#|version\s*:", re.IGNORECASE)
_MAX_BEFORE = 50  # lines of comments
_PROPERTY = re.compile(r"(?:[\w-]+\.)?([\w-]+)((?:;[^:]*)?):(.*)", re.DOTALL)
_LDIF_LINE = re.compile(r"([\w-]+)(?:;[\w-]+)*:(:?)\s*(.*)", re.DOTALL)
_UNESCAPED = re.compile(r"\\(.)")
_LDIF_NAMES = {
    **{"mail": "email", "rfc822mailbox": "email", "cn": "fn", "displayname": "fn"},
    **{"givenname": "given", "sn": "family", "o": "org", "company": "org", "title": "title"},
}


def card_form(text: str) -> str | None:
    """ "vcard" or "ldif", where the text begins like one."""
    if _VCARD.match(text):
        return "vcard"
    for line in text[: 80 * _MAX_BEFORE].splitlines():
        if line.strip() and not _BEFORE_LDIF.match(line):
            return "ldif" if line.lower().startswith(("dn: ", "dn:: ")) else None
    return None


class CardRows:
    """Feed it cards; rows come out, the header first."""

    def __init__(self, form: str, *, first_line: int = 1) -> None:
        self._is_vcard = form == "vcard"
        self._lines = Lines(first_line=first_line)
        self._unfolded = ""
        self._card: dict[str, list[str]] = {}
        self._began = first_line
        self._header_given = False

    def feed(self, text: str, *, final: bool = False) -> Iterator[Row]:
        """The cards that this piece completes."""
        if not self._header_given:
            self._header_given = True
            yield Row(0, HEADER)
        for number, line in self._lines.feed(text, final=final):
            if line[:1] in (" ", "\t") and len(self._unfolded) < MAX_CELL:
                self._unfolded += line[1:]
                continue
            if self._is_soft_break():
                self._unfolded = self._unfolded[:-1] + line
                continue
            yield from self._take(self._unfolded)
            self._unfolded = line
            if not self._card:
                self._began = number
        if final:
            yield from self._take(self._unfolded)
            yield from self._end()

    def _is_soft_break(self) -> bool:
        """Whether the value goes on in the next line, as quoted-printable does."""
        unfolded = self._unfolded
        if not unfolded.endswith("=") or len(unfolded) >= MAX_CELL:
            return False
        return "QUOTED-PRINTABLE" in unfolded.partition(":")[0].upper()

    def _take(self, line: str) -> Iterator[Row]:
        if self._is_vcard:
            if line.strip().upper() == "END:VCARD":
                yield from self._end()
            else:
                self._vcard_line(line)
        elif not line.strip():
            yield from self._end()
        elif matched := _LDIF_LINE.fullmatch(line):
            name = _LDIF_NAMES.get(matched[1].lower(), "other")
            self._keep(name, _decoded(matched[3]) if matched[2] else matched[3])

    def _vcard_line(self, line: str) -> None:
        matched = _PROPERTY.fullmatch(line)
        if matched is None:
            return
        name, parameters, value = matched[1].lower(), matched[2].upper(), matched[3]
        if "QUOTED-PRINTABLE" in parameters:
            octets = quopri.decodestring(value.encode(errors="surrogateescape"))
            value = octets.decode("utf-8", "replace")
        if name == "n":
            family, given, *_ = [*map(_plain, re.split(r"(?<!\\);", value)), "", ""]
            self._keep("family", family)
            self._keep("given", given)
        elif name == "email" and "PREF" in parameters:
            self._card.setdefault("email", []).insert(0, _plain(value))
        else:
            self._keep(name, _plain(value.replace(";", " ") if name == "org" else value))

    def _keep(self, name: str, value: str) -> None:
        values = self._card.setdefault(name, [])
        if len(values) < 10:
            values.append(value.strip())

    def _end(self) -> Iterator[Row]:
        card, self._card = self._card, {}
        if not card:
            return

        def first(name: str) -> str:
            return next(iter(card.get(name, ())), "")

        addresses = card.get("email", [])
        yield Row(
            self._began,
            [
                *(first("email"), first("fn"), first("given"), first("family"), first("org")),
                *(first("title"), ", ".join(addresses[1:])),
            ],
        )


def _plain(value: str) -> str:
    return _UNESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return value
