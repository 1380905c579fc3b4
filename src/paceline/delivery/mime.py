"""Puts a message together: header block and text parts, as the bytes that go on the wire.

The same input gives the same bytes, so that all attempts at one email are identical. CRLF only,
7-bit only, lines within RFC 5322: no relay on the way has a reason to change anything.
"""

from __future__ import annotations

import binascii
import functools
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from paceline.delivery.attachments import Attached
from paceline.delivery.headers import (
    RenderError,
    mailbox,
    message_id,
    structured,
    unstructured,
)
from paceline.delivery.quoted_printable import FixedLines, FixedParts, quoted_printable
from paceline.delivery.wire import crlf_only

MAX_LINE = 76  # octets of a body line before it is encoded as quoted-printable
MAX_EXTRA_HEADERS = 50
MAX_HEADER_NAME = 50  # leaves room for an encoded word beside it
# Past this share of non-ASCII octets base64 is shorter than quoted-printable, and no less readable.
_BASE64_FROM_SHARE = 1 / 6

_ASCII = bytes(range(0x80))
_NOTHING_FIXED = FixedParts()
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_FREE_TEXT_EXTRAS = frozenset({"comments", "keywords", "organization"})
_STRUCTURED_EXTRAS = frozenset(
    {
        "auto-submitted",
        "feedback-id",
        "in-reply-to",
        "list-help",
        "list-id",
        "list-unsubscribe",
        "list-unsubscribe-post",
        "precedence",
        "references",
        "resend-idempotency-key",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Headers:
    """What one message's header is made of. Checked when it is rendered.

    `boundary_seed` is any text that is this email's own and stays the same over its attempts, such
    as the id of its job. `extra` takes `X-…` and the known names of list and automation headers.
    """

    from_address: str
    to_address: str
    message_id: str
    date: datetime
    boundary_seed: str
    from_name: str | None = None
    to_name: str | None = None
    reply_to: str | None = None
    extra: tuple[tuple[str, str], ...] = ()


def message(
    headers: Headers,
    *,
    subject: str,
    text: str | None,
    html: str | None,
    attached: Attached | None = None,
    fixed: FixedParts = _NOTHING_FIXED,
) -> bytes:
    """The complete message. Raises `RenderError` for a header that is unsafe or unknown, and for
    half a character.

    `fixed` changes no octet of it: it is what has been encoded beforehand.
    """
    if attached is not None:
        html = html and attached.linked(html)
        bare = message(headers, subject=subject, text=text, html=html, fixed=fixed)
        return attached.added_to(bare, boundary=_boundary(headers.boundary_seed))
    boundary = _boundary(headers.boundary_seed)
    parts = [
        _part(subtype, body, boundary, same)
        for subtype, body, same in (
            (b"plain", text, fixed.text),  # the plainest first (RFC 2046)
            (b"html", html, fixed.html),
        )
        if body is not None
    ]
    head = _head(headers, subject)
    if len(parts) == 1:
        return b"%bMIME-Version: 1.0\r\n%b" % (head, parts[0])
    content_type = b'Content-Type: multipart/alternative; boundary="%b"' % boundary
    rule = b"\r\n--%b\r\n" % boundary
    return b"%bMIME-Version: 1.0\r\n%b\r\n%b%b\r\n--%b--\r\n" % (
        head,
        content_type,
        rule,
        rule.join(parts),
        boundary,
    )


def _head(headers: Headers, subject: str) -> bytes:
    if headers.date.tzinfo is None:
        raise RenderError("Date", "has no time zone")
    lines = [
        f"Date: {_date(headers.date.replace(microsecond=0))}\r\n",
        _sender_mailbox("From", headers.from_name, headers.from_address),
        mailbox("To", headers.to_name, headers.to_address),
        unstructured("Subject", subject),
        message_id(headers.message_id),
    ]
    if headers.reply_to is not None:
        lines.append(_sender_mailbox("Reply-To", None, headers.reply_to))
    if headers.extra:
        lines += _extra(headers.extra)
    return "".join(lines).encode()


# The same for every email of a second.
_date = functools.lru_cache(maxsize=1024)(format_datetime)
# The same for every email of a sender.
_sender_mailbox = functools.lru_cache(maxsize=1024)(mailbox)


def _extra(extra: tuple[tuple[str, str], ...]) -> list[str]:
    if len(extra) > MAX_EXTRA_HEADERS:
        raise RenderError("extra", f"has more than {MAX_EXTRA_HEADERS} headers")
    lines = []
    for name, value in extra:
        lowered = name.lower()
        if len(name) > MAX_HEADER_NAME or not _HEADER_NAME.fullmatch(name):
            raise RenderError("extra", f"is not a header name: {name[:80]!a}")
        if lowered in _STRUCTURED_EXTRAS:
            lines.append(structured(name, value))
        elif lowered.startswith("x-") or lowered in _FREE_TEXT_EXTRAS:
            lines.append(unstructured(name, value))
        else:
            raise RenderError(name, "is not a header that may be added")
    return lines


def _part(subtype: bytes, body: str, boundary: bytes, fixed: tuple[FixedLines, ...]) -> bytes:
    try:
        data = crlf_only(body.encode())
    except UnicodeEncodeError:
        name = "text" if subtype == b"plain" else "html"
        raise RenderError(name, "contains half of a surrogate pair") from None
    encoding, content = _encoded(data, boundary, fixed)
    return b"Content-Type: text/%b; charset=utf-8\r\nContent-Transfer-Encoding: %b\r\n\r\n%b" % (
        subtype,
        encoding,
        content,
    )


def _encoded(data: bytes, boundary: bytes, fixed: tuple[FixedLines, ...]) -> tuple[bytes, bytes]:
    if data.isascii():
        longest = max(map(len, data.split(b"\r\n")))
        if longest <= MAX_LINE and b"\0" not in data and boundary not in data:
            return b"7bit", data
    elif len(data.translate(None, _ASCII)) > len(data) * _BASE64_FROM_SHARE:
        return b"base64", _base64(data)
    return b"quoted-printable", quoted_printable(data, fixed)


def _base64(data: bytes) -> bytes:
    encoded = binascii.b2a_base64(data, newline=False)
    lines = [encoded[start : start + MAX_LINE] for start in range(0, len(encoded), MAX_LINE)]
    return b"\r\n".join([*lines, b""])


def _boundary(seed: str) -> bytes:
    # "=_" occurs in neither base64 nor quoted-printable (RFC 2045 §6.7); 7-bit parts are looked at.
    return b"=_" + hashlib.blake2s(seed.encode(), digest_size=12).hexdigest().encode("ascii")
