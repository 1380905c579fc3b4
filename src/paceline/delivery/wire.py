"""The body as it goes on the wire: CRLF line ends only, dots doubled (RFC 5321 §4.5.2).

Nothing here can end the message: that dot is written elsewhere, after the guard. A bare CR or LF is
made CRLF first, because servers that take one for a line end were how messages were smuggled
(CVE-2023-51764 and its kin).
"""

from __future__ import annotations

import io
from typing import NamedTuple

from paceline.delivery.account import Envelope


class CrlfBytes(bytes):
    """What `crlf_only` would leave as it is, because whoever made it saw to that."""

    __slots__ = ()


def crlf_only(content: bytes) -> bytes:
    """The content with every line end as CRLF, and one at its end."""
    if type(content) is CrlfBytes:
        return content
    line_ends = io.IncrementalNewlineDecoder(None, translate=False)
    line_ends.decode(content.decode("latin-1"), final=True)  # for what it finds on its way
    if line_ends.newlines not in (None, "\r\n"):
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    return content if content.endswith(b"\r\n") else content + b"\r\n"


def crlf_text(text: str) -> bytes:
    """`crlf_only` of a text, quicker where no line end of it has a CR. Raises
    `UnicodeEncodeError`."""
    if "\r" in text:
        return crlf_only(text.encode())
    content = text.replace("\n", "\r\n").encode()
    return content if content.endswith(b"\n") else content + b"\r\n"


def dot_stuffed(content: bytes) -> bytes:
    """Content of `crlf_only`, with the dot of each line that begins with one doubled."""
    if content.startswith(b"."):
        content = b"." + content
    if content.rfind(b"\n.") < 0:  # nearly always, and found out in half the time of `find`
        return content
    return content.replace(b"\n.", b"\n..")


class Mail(NamedTuple):
    """One email in wire form: `content` has CRLF line ends, and no doubled dots yet."""

    mail_from: bytes
    rcpt_to: bytes
    content: bytes
    ascii_only: bool
    smtp_utf8: bool

    @classmethod
    def of(cls, envelope: Envelope, content: bytes, *, smtp_utf8: bool = False) -> Mail:
        """Content of any line ends; SMTPUTF8 also where the envelope alone needs it."""
        content = crlf_only(content)
        return cls(
            envelope.mail_from.encode(),
            envelope.rcpt_to.encode(),
            content,
            content.isascii(),
            smtp_utf8 or envelope.needs_smtp_utf8,
        )
