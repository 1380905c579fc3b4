"""The files that go with a campaign's emails: encoded once, the same octets for every recipient.

Owns the outer structure, mixed(related(alternative(text, HTML), inline images), attachments), and
the headers of those parts. A file name or an id that is unsafe in a header is refused; a media type
that is not certainly one becomes `application/octet-stream`.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from paceline.delivery.headers import RenderError, refuse_unsafe
from paceline.errors import FieldProblem, InvalidInput

OCTET_STREAM = "application/octet-stream"
MAX_FILE_NAME = 200  # characters
MAX_CONTENT_ID = 64  # characters
MAX_LINE = 76  # octets, where a line can be cut
# What a file of so many octets has when encoded: lines of 57 octets become 76 and a CRLF.
_LINE_OCTETS, _ENCODED_LINE_OCTETS = 57, 78

# RFC 6838 §4.2, both halves together within its limit for one.
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")
_MAX_MEDIA_TYPE = 127
_CHARSET = re.compile(r'(?:^|;)\s*charset="?([a-z0-9][a-z0-9_.:-]{0,39})"?\s*(?:;|$)', re.ASCII)
# Composite types must not be encoded (RFC 2046 §5); a form is what clients say who say nothing.
_NOT_AS_A_FILE = re.compile(r"(?:multipart|message)/.*|application/x-www-form-urlencoded")
_CONTENT_ID = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")
# Directions and invisible marks: how `gpj.exe` is made to look like `exe.jpg`. Not the two that
# join and part letters (U+200C, U+200D): Persian words and families of emoji are made with them.
_DISGUISE = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
# Needs neither escapes nor RFC 2231, in the eyes of any reader.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.,()+@~-]+(?: [A-Za-z0-9_.,()+@~-]+)*")
_ATTRIBUTE_CHARACTERS = "!#$&+^`{|}~"  # beside letters, digits and `_.-` (RFC 2231 §7)
_SEGMENT = MAX_LINE - len(" filename*99*=;")


def media_type(declared: str) -> str:
    """What the part will say it is: the declared type where it is one that a file can have."""
    kind, _, parameters = declared.strip().lower().partition(";")
    kind = kind.rstrip()
    if len(kind) > _MAX_MEDIA_TYPE or not _MEDIA_TYPE.fullmatch(kind):
        return OCTET_STREAM
    if _NOT_AS_A_FILE.fullmatch(kind):
        return OCTET_STREAM
    charset = _CHARSET.search(parameters) if kind.startswith("text/") else None
    return f'{kind}; charset="{charset[1]}"' if charset else kind


def encoded_octets(octets: int) -> int:
    """How many octets a file of this size has in a message, headers aside."""
    return -(-octets // _LINE_OCTETS) * _ENCODED_LINE_OCTETS


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """One file. With a `content_id` it is an image that the HTML shows, as `cid:` and that id or
    the file's name. Raises `InvalidInput` naming file_name, content_id or content_type."""

    file_name: str
    content_type: str
    content: bytes = field(repr=False)
    content_id: str | None = None

    def __post_init__(self) -> None:
        problems = []
        if reason := _unusable_name(self.file_name):
            problems.append(FieldProblem("file_name", reason))
        if self.content_id is not None:
            if len(self.content_id) > MAX_CONTENT_ID or not _CONTENT_ID.fullmatch(self.content_id):
                message = "must be ASCII letters and digits, with single dots, - or _ in between"
                problems.append(FieldProblem("content_id", message))
            if not media_type(self.content_type).startswith("image/"):
                problems.append(FieldProblem("content_type", "only images can be shown inline"))
        if problems:
            raise InvalidInput(problems)

    @property
    def wire_id(self) -> str:
        """What its Content-ID is: the same in all emails of a campaign, and of nothing else."""
        digest = hashlib.blake2s(self.content, digest_size=8).hexdigest()
        return f"{self.content_id}.{digest}@paceline"


class Attached:
    """The files of a campaign, ready to be put into its emails. Made by `compile`; shared."""

    __slots__ = ("_ids", "_links", "_parts", "octets")

    def __init__(self, files: Sequence[Attachment]) -> None:
        self._parts = [(file.content_id is not None, _part(file)) for file in files]
        self._ids = {name: file.wire_id for file in reversed(files) for name in _names(file)}
        self._links = _links(self._ids)
        self.octets = sum(len(part) for _, part in self._parts)

    @classmethod
    def compile(cls, files: Sequence[Attachment]) -> Attached:
        """Encode them; takes some milliseconds per megabyte."""
        return cls(files)

    def linked(self, body: str) -> str:
        """HTML with each `cid:NAME` that names an inline image leading to that image."""
        if self._links is None:
            return body
        return self._links.sub(lambda link: f"cid:{self._ids[link[1]]}", body)

    def added_to(self, message: bytes, *, boundary: bytes) -> bytes:
        """The message with these files in it; `boundary` is its own, or would be.

        The outer boundaries contain that one without beginning with it. So they, too, occur in no
        text, and no reader takes one for another (RFC 2046 §5.1.2).
        """
        head, mime_version, entity = message.partition(b"\r\nMIME-Version: 1.0\r\n")
        return b"".join([head, mime_version, *self._around(entity, boundary)])

    def _around(self, entity: bytes, boundary: bytes) -> list[bytes]:
        """The octets in pieces: the files are many, and are copied only once."""
        kind = entity.removeprefix(b"Content-Type: ").partition(b";")[0]
        has_html = kind != b"text/plain"
        inline = [part for is_inline, part in self._parts if is_inline and has_html]
        others = [part for is_inline, part in self._parts if not (is_inline and has_html)]
        pieces = [entity]
        if inline:
            related = b'related; type="%b"' % kind
            pieces = _multipart(related, b"related" + boundary, pieces, inline)
        if others:
            pieces = _multipart(b"mixed", b"mixed" + boundary, pieces, others)
        return pieces


def _unusable_name(name: str) -> str | None:
    if not name or name != name.strip() or name.strip(".") == "":
        return "must be a file's name, without blanks around it"
    if len(name) > MAX_FILE_NAME:
        return f"is longer than {MAX_FILE_NAME} characters"
    if "/" in name or "\\" in name:
        return "must be the name alone, without a folder"
    if _DISGUISE.search(name):
        return "contains an invisible character that would disguise it"
    try:
        refuse_unsafe("file_name", name)
    except RenderError as error:
        return str(error).removeprefix("file_name: ")
    return None


def _part(file: Attachment) -> bytes:
    encoded = base64.encodebytes(file.content).rstrip(b"\n").replace(b"\n", b"\r\n")
    lines = [
        f"Content-Type: {media_type(file.content_type)}",
        "Content-Transfer-Encoding: base64",
    ]
    if file.content_id is not None:
        lines.append(f"Content-ID: <{file.wire_id}>")
    kind = "attachment" if file.content_id is None else "inline"
    lines += [_disposition(kind, file.file_name), "", ""]
    return b"%b%b" % ("\r\n".join(lines).encode("ascii"), encoded)


def _disposition(kind: str, file_name: str) -> str:
    start = f"Content-Disposition: {kind};"
    plain = f'{start} filename="{file_name}"'
    if len(plain) <= MAX_LINE and _PLAIN_NAME.fullmatch(file_name):
        return plain
    return ";\r\n ".join([start[:-1], *_extended(file_name)])


def _extended(file_name: str) -> list[str]:
    """The name as RFC 2231 has it, one parameter per line, cut between characters."""
    segments = ["utf-8''"]
    for character in file_name:
        encoded = quote(character, safe=_ATTRIBUTE_CHARACTERS)
        if len(segments[-1]) + len(encoded) > _SEGMENT:
            segments.append("")
        segments[-1] += encoded
    if len(segments) == 1:
        return [f"filename*={segments[0]}"]
    return [f"filename*{number}*={segment}" for number, segment in enumerate(segments)]


def _names(file: Attachment) -> set[str]:
    """What an inline image may be called by: its id, and its name in each form that HTML has it."""
    if file.content_id is None:
        return set()
    name = file.file_name
    return {file.content_id, name, quote(name), html.escape(name), html.escape(name, quote=False)}


def _links(names: dict[str, str]) -> re.Pattern[str] | None:
    if not names:
        return None
    longest_first = sorted(names, key=len, reverse=True)
    alternatives = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?<![A-Za-z0-9])(?i:cid):({alternatives})(?=[\"'\s)>&?#]|$)")


def _multipart(
    kind: bytes, boundary: bytes, first: list[bytes], others: Sequence[bytes]
) -> list[bytes]:
    rule = b"\r\n--%b\r\n" % boundary
    start = b'Content-Type: multipart/%b;\r\n boundary="%b"\r\n' % (kind, boundary)
    following = [piece for part in others for piece in (rule, part)]
    return [start, rule, *first, *following, b"\r\n--%b--\r\n" % boundary]
