"""Puts a message together: header block and text parts, as the bytes that go on the wire.

The same input gives the same bytes, so that all attempts at one email are identical. CRLF only,
7-bit only, lines within RFC 5322: no relay on the way has a reason to change anything.
"""

from __future__ import annotations

import functools
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from paceline.delivery.attachments import Attached
from paceline.delivery.body_encoding import Body
from paceline.delivery.headers import (
    RenderError,
    mailbox,
    message_id,
    structured,
    unstructured,
)
from paceline.delivery.wire import CrlfBytes

MAX_EXTRA_HEADERS = 50
MAX_HEADER_NAME = 50  # leaves room for an encoded word beside it

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_TWO_DIGITS = tuple(f"{number:02}" for number in range(60))
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


@dataclass(kw_only=True, slots=True)  # to freeze it would take longer than to make it
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
) -> bytes:
    """The complete message. Raises `RenderError` for a header that is unsafe or unknown, and for
    half a character."""
    if html is not None and attached is not None:
        html = attached.linked(html)
    return composed(
        headers,
        subject=subject,
        text=None if text is None else _body("text", text),
        html=None if html is None else _body("html", html),
        attached=attached,
    )


def composed(
    headers: Headers,
    *,
    subject: str,
    text: Body | None,
    html: Body | None,
    attached: Attached | None = None,
) -> bytes:
    """The same of bodies whose links lead to the files already."""
    boundary = _boundary(headers.boundary_seed)
    pieces = [_head(headers, subject), b"MIME-Version: 1.0\r\n"]
    if text is None or html is None:
        pieces += _part(b"plain", text, boundary) + _part(b"html", html, boundary)
    else:
        rule = b"\r\n--%b\r\n" % boundary
        pieces += (b'Content-Type: multipart/alternative; boundary="%b"\r\n' % boundary, rule)
        pieces += _part(b"plain", text, boundary)  # the plainest first (RFC 2046)
        pieces.append(rule)
        pieces += _part(b"html", html, boundary)
        pieces.append(b"\r\n--%b--\r\n" % boundary)
    bare = b"".join(pieces)
    return CrlfBytes(bare if attached is None else attached.added_to(bare, boundary=boundary))


def _body(name: str, text: str) -> Body:
    try:
        return Body.of(text)
    except UnicodeEncodeError:
        raise RenderError(name, "contains half of a surrogate pair") from None


def _head(headers: Headers, subject: str) -> bytes:
    lines = [
        f"Date: {_date(headers.date)}\r\n",
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


# By hand, as one is made for each email: `format_datetime` takes several times as long.
def _date(date: datetime) -> str:
    if date.tzinfo is None:
        raise RenderError("Date", "has no time zone")
    if date.tzinfo is not UTC:  # nearly never
        return format_datetime(date)
    day = f"{_DAYS[date.weekday()]}, {_TWO_DIGITS[date.day]} {_MONTHS[date.month - 1]}"
    clock = f"{_TWO_DIGITS[date.hour]}:{_TWO_DIGITS[date.minute]}:{_TWO_DIGITS[date.second]}"
    return f"{day} {date.year:04} {clock} +0000"


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


def _part(subtype: bytes, body: Body | None, boundary: bytes) -> list[bytes]:
    if body is None:
        return []
    encoding, content = body.encoded(boundary)
    return [_part_head(subtype, encoding), *content]


@functools.cache
def _part_head(subtype: bytes, encoding: bytes) -> bytes:
    head = b"Content-Type: text/%b; charset=utf-8\r\nContent-Transfer-Encoding: %b\r\n\r\n"
    return head % (subtype, encoding)


def _boundary(seed: str) -> bytes:
    # "=_" occurs in neither base64 nor quoted-printable (RFC 2045 §6.7); 7-bit parts are looked at.
    return b"=_" + hashlib.blake2s(seed.encode(), digest_size=12).hexdigest().encode("ascii")
