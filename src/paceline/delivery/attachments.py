"""The files that go with a campaign's emails: encoded once, the same octets for every recipient.

Owns the outer structure, mixed(related(alternative(text, HTML), inline images), attachments), and
the headers of those parts. An invitation is an alternative besides. A file name or an id that is
unsafe in a header is refused; a media type that is not certainly one becomes
`application/octet-stream`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from paceline.delivery.file_names import content_type, disposition, unusable_name
from paceline.delivery.inline_images import InlineImages
from paceline.delivery.media_types import media_type, method_of
from paceline.errors import FieldProblem, InvalidInput

MAX_CONTENT_ID = 64  # characters
# What a file of so many octets has when encoded: lines of 57 octets become 76 and a CRLF.
_LINE_OCTETS, _ENCODED_LINE_OCTETS = 57, 78

_CONTENT_ID = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")
_ONLY_PUBLISHED = "PUBLISH"  # to be looked at; every other method asks for something


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
        if reason := unusable_name(self.file_name):
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

    __slots__ = ("_images", "_invitation", "_parts", "_wire_ids", "octets")

    def __init__(self, files: Sequence[Attachment]) -> None:
        self._parts = [(file.content_id is not None, _part(file)) for file in files]
        inline = [(file.content_id, file) for file in files if file.content_id is not None]
        self._wire_ids = {content_id: file.wire_id for content_id, file in inline}
        self._images = InlineImages((id, file.file_name) for id, file in inline)
        self._invitation = _invitation(files)
        self.octets = sum(len(part) for _, part in self._parts) + len(self._invitation or b"")

    @classmethod
    def compile(cls, files: Sequence[Attachment]) -> Attached:
        """Encode them; takes some milliseconds per megabyte."""
        return cls(files)

    def linked(self, body: str) -> str:
        """HTML with each `cid:NAME` that names an inline image leading to that image.

        Raises `RenderError` where that makes it too long.
        """
        wire_ids = self._wire_ids
        return self._images.led_on_the_wire(body, lambda content_id: f"cid:{wire_ids[content_id]}")

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
        if self._invitation is not None:
            pieces, kind = self._invited(entity, kind, boundary), b"multipart/alternative"
        if inline:
            related = b'related; type="%b"' % kind
            pieces = _multipart(related, b"related" + boundary, pieces, inline)
        if others:
            pieces = _multipart(b"mixed", b"mixed" + boundary, pieces, others)
        return pieces

    def _invited(self, entity: bytes, kind: bytes, boundary: bytes) -> list[bytes]:
        """The entity with the invitation as its last, and best, alternative."""
        invitation = self._invitation or b""
        if kind != b"multipart/alternative":
            return _multipart(b"alternative", boundary, [entity], [invitation])
        end = b"\r\n--%b--\r\n" % boundary
        rule = b"\r\n--%b\r\n" % boundary
        return [entity.removesuffix(end), rule, invitation, end]


def _part(file: Attachment) -> bytes:
    lines = [
        content_type(media_type(file.content_type), file.file_name),
        "Content-Transfer-Encoding: base64",
    ]
    if file.content_id is not None:
        lines.append(f"Content-ID: <{file.wire_id}>")
    kind = "attachment" if file.content_id is None else "inline"
    lines += [disposition(kind, file.file_name), "", ""]
    return b"%b%b" % ("\r\n".join(lines).encode("ascii"), _base64(file.content))


def _base64(content: bytes) -> bytes:
    return base64.encodebytes(content).rstrip(b"\n").replace(b"\n", b"\r\n")


def _invitation(files: Sequence[Attachment]) -> bytes | None:
    """The one invitation among the files, as a reading of the message beside text and HTML.

    Outlook looks for one in the first branch of a mixed message only, and takes what lies beside
    that for a file ([MS-STANOICAL] V0343). So it goes out twice, as Google's invitations do.
    """
    methods = [(method_of(file.content_type), file) for file in files]
    asking = [file for method, file in methods if method not in (None, _ONLY_PUBLISHED)]
    if len(asking) != 1:
        return None
    head = content_type(media_type(asking[0].content_type), asking[0].file_name)
    lines = [head, "Content-Transfer-Encoding: base64", "", ""]
    return b"%b%b" % ("\r\n".join(lines).encode("ascii"), _base64(asking[0].content))


def _multipart(
    kind: bytes, boundary: bytes, first: list[bytes], others: Sequence[bytes]
) -> list[bytes]:
    rule = b"\r\n--%b\r\n" % boundary
    start = b'Content-Type: multipart/%b;\r\n boundary="%b"\r\n' % (kind, boundary)
    following = [piece for part in others for piece in (rule, part)]
    return [start, rule, *first, *following, b"\r\n--%b--\r\n" % boundary]
