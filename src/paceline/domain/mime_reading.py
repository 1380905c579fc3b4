"""Reads a caught message: its headers, what it says, and what is attached. It may be anything.

Not the library's parser: on hostile headers and nestings that takes seconds, or more stack than
there is. This one looks at each octet a bounded number of times, goes `MAX_DEPTH` levels deep, and
calls nothing by a name that it did not check. What it cannot read it shows as it is.
"""

from __future__ import annotations

import binascii
import codecs
import quopri
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header

MAX_HEAD_OCTETS = 64 * 1024
MAX_HEADERS = 300
MAX_VALUE_CHARACTERS = 2_000  # of a header's value, before its words are decoded
MAX_DEPTH = 8
MAX_PARTS = 100
# Python's own, for names and sources: the first takes a minute over a megabyte.
_NO_CHARSETS = frozenset({"punycode", "idna", "unicode-escape", "raw-unicode-escape", "undefined"})
_NOT_TEXT = {0: "\N{REPLACEMENT CHARACTER}"}

_BLANK_LINE = re.compile(rb"\r?\n\r?\n|\A\r?\n")
_FIELD = re.compile(r"([!-9;-~]{1,100}):[ \t]?(.*)", re.DOTALL)
_PARAMETER = re.compile(r';\s*([\w-]{1,40})(\*?)\s*=\s*(?:"([^"]{0,500})"|([^\s;"]{1,500}))')
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A leaf of the message. `file_name` is the sender's word for it: never a path of ours."""

    media_type: str
    charset: str
    file_name: str | None
    content_id: str | None
    is_attachment: bool
    encoding: str
    body: bytes  # as it was on the wire

    @property
    def content(self) -> bytes:
        """Its octets; as they are on the wire where they cannot be decoded."""
        if self.encoding == "quoted-printable":
            return quopri.decodestring(self.body)
        if self.encoding == "base64":
            try:
                return binascii.a2b_base64(self.body)
            except binascii.Error:
                return self.body
        return self.body

    @property
    def text(self) -> str:
        """Its text, whatever it says of its letters."""
        charset = self.charset if is_charset(self.charset) else "utf-8"
        try:
            return self.content.decode(charset, "replace")
        except (LookupError, ValueError, TypeError):  # no charset; one that is none for octets
            return self.content.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A message, read. `headers` in their order, decoded; `parts` are its leaves."""

    headers: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]

    def body(self, media_type: str) -> Part | None:
        """The first text of this kind that is not attached."""
        texts = (p for p in self.parts if p.media_type == media_type and not p.is_attachment)
        return next(texts, None)

    @property
    def attachments(self) -> tuple[tuple[int, Part], ...]:
        """What can be downloaded, by its number among the parts."""
        shown = (self.body("text/html"), self.body("text/plain"))
        return tuple((n, p) for n, p in enumerate(self.parts) if not any(p is s for s in shown))


def read_mail(raw: bytes) -> Mail:
    """The message, as far as it can be read. Never raises for what is in it."""
    head, body = _divided(raw)
    fields = list(_fields(head))
    parts: list[Part] = []
    _gather(dict(_first(fields)), body, depth=0, parts=parts)
    headers = tuple((name, decoded_words(value)) for name, value in fields)
    return Mail(headers=headers, parts=tuple(parts))


def decoded_words(value: str) -> str:
    """A header's value as it reads, on one line; as it came where its words cannot be decoded."""
    value = value[:MAX_VALUE_CHARACTERS]
    try:
        decoded = str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        decoded = value
    one_line = " ".join(decoded.translate(_NOT_TEXT).split())
    return one_line.encode("utf-8", "replace").decode()  # lone surrogates stand for raw octets


def is_charset(name: str) -> bool:
    """Whether Python's codec of this name is one for mail, and takes linear time."""
    try:
        return codecs.lookup(name).name not in _NO_CHARSETS
    except (LookupError, ValueError):
        return False


def head_of(raw: bytes) -> str:
    """The headers as they came."""
    return _divided(raw)[0].decode("utf-8", "replace")


def _divided(raw: bytes) -> tuple[bytes, bytes]:
    blank = _BLANK_LINE.search(raw, 0, MAX_HEAD_OCTETS)
    if blank is None:
        return raw[:MAX_HEAD_OCTETS], b""
    return raw[: blank.start()], raw[blank.end() :]


def _fields(head: bytes) -> Iterator[tuple[str, str]]:
    """(name, value) of each header, unfolded; lines that are none are passed over."""
    lines: list[str] = []
    for line in head.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n"):
        if line[:1] in (" ", "\t") and lines:
            lines[-1] += f" {line.strip()}" if len(lines[-1]) < MAX_VALUE_CHARACTERS else ""
        elif len(lines) == MAX_HEADERS:
            break
        else:
            lines.append(line)
    for line in lines:
        if field := _FIELD.fullmatch(line):
            yield field[1], field[2].strip()


def _first(fields: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The first of each name wins: later ones come earlier here."""
    return ((name.lower(), value) for name, value in reversed(fields))


def _gather(head: Mapping[str, str], body: bytes, *, depth: int, parts: list[Part]) -> None:
    if len(parts) >= MAX_PARTS:
        return
    kind, parameters = _typed(head.get("content-type", "text/plain"))
    boundary = parameters.get("boundary", "")
    if kind.startswith("multipart/") and boundary and depth < MAX_DEPTH:
        for piece in _pieces(body, boundary):
            inner_head, inner_body = _divided(piece)
            inner = dict(_first(list(_fields(inner_head))))
            _gather(inner, inner_body, depth=depth + 1, parts=parts)
        return
    disposition, told = _typed(head.get("content-disposition", ""), default="")
    name = told.get("filename") or parameters.get("name")
    is_text = kind in ("text/plain", "text/html")
    parts.append(
        Part(
            media_type=kind,
            charset=parameters.get("charset", "utf-8"),
            file_name=decoded_words(name) if name else None,
            content_id=head.get("content-id", "").strip("<> ") or None,
            is_attachment=disposition == "attachment" or not is_text,
            encoding=head.get("content-transfer-encoding", "").strip().lower(),
            body=body,
        )
    )


def _pieces(body: bytes, boundary: str) -> Iterator[bytes]:
    """What stands between the boundaries; after the last one nothing counts."""
    marks = _marks(body, boundary)
    mark = next(marks, None)
    for _ in range(MAX_PARTS):
        if mark is None or mark[1]:
            return
        begin = body.find(b"\n", mark.end()) + 1
        if not begin:
            return
        mark = next(marks, None)
        yield body[begin : _line_end(body, mark.start()) if mark else len(body)]


def _marks(body: bytes, boundary: str) -> Iterator[re.Match[bytes]]:
    """The lines that are this boundary, each from the end of the line before it on.

    Looked for by what they begin with: an alternative there takes a second for 25 MB of empty
    lines, and lets nobody else have the interpreter meanwhile.
    """
    named = re.escape(boundary.encode("utf-8", "surrogateescape"))
    line = rb"--" + named + rb"(--)?[ \t]*+(?=\r?\n|\Z)"
    if first := re.match(line, body):
        yield first
    yield from re.compile(rb"\n" + line).finditer(body, first.end() if first else 0)


def _line_end(body: bytes, at: int) -> int:
    """Where the line ends whose LF stands there: at the CR before it, where there is one."""
    return at - 1 if body[at - 1 : at] == b"\r" else at


def _typed(value: str, *, default: str = "text/plain") -> tuple[str, dict[str, str]]:
    """(media type or disposition, its parameters) in small letters, as far as they are in order."""
    value = value[:MAX_VALUE_CHARACTERS]
    kind = value.partition(";")[0].strip().lower()
    if default and not _MEDIA_TYPE.fullmatch(kind):
        kind = default
    found: dict[str, str] = {}
    for name, extended, quoted, plain in _PARAMETER.findall(value):
        given = quoted or plain
        if extended:  # RFC 2231: utf-8''na%C3%AFve.txt
            given = _unquoted(given.rpartition("'")[2])
        found.setdefault(name.lower(), given)
    return kind, found


def _unquoted(text: str) -> str:
    octets = re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), text.encode("utf-8"))
    return octets.decode("utf-8", "replace")
