"""Signs messages (DKIM, RFC 6376), relaxed in header and body.

What is signed is fixed here: everything that a reader or a filter acts on, and of the fields that
matter most also that there is no second one (RFC 6376 §8.15). Never `l=`: it would let anybody add
to a signed body. The same message gives the same bytes, so that all attempts are identical.
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime

from paceline.delivery.dkim_key import DkimAlgorithm, DkimKey, record_name
from paceline.delivery.wire import CrlfBytes, crlf_only

# Named once more than they occur, so that one added on the way breaks the signature.
OVERSIGNED = (
    b"from",
    b"to",
    b"subject",
    b"date",
    b"reply-to",
    b"content-type",
    b"list-unsubscribe",
    b"list-unsubscribe-post",  # receivers act on it only where it is signed (RFC 8058 §4)
)
SIGNED_WHERE_PRESENT = (
    b"message-id",
    b"mime-version",
    b"content-transfer-encoding",
    b"in-reply-to",
    b"references",
    b"list-id",
    b"list-help",
    b"auto-submitted",
    b"feedback-id",
)
MAX_LINE = 76  # octets, where a line can be cut

_SIGNED = OVERSIGNED + SIGNED_WHERE_PRESENT
_ALGORITHMS = {DkimAlgorithm.RSA: "rsa-sha256", DkimAlgorithm.ED25519: "ed25519-sha256"}
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_BLANKS = re.compile(rb"[ \t]+")


class DkimSigner:
    """One sender's signature. Made once per sender; safe to share between tasks."""

    __slots__ = ("_key", "_tags")

    def __init__(self, key: DkimKey, *, selector: str, domain: str) -> None:
        """Raises `InvalidInput` naming selector or domain."""
        record_name(selector=selector, domain=domain)
        self._key = key
        algorithm = _ALGORITHMS[key.algorithm]
        self._tags = f"v=1; a={algorithm}; c=relaxed/relaxed;\r\n d={domain};\r\n s={selector}; t="

    def sign(self, content: bytes, *, signed_at: datetime) -> bytes:
        """The message with its signature as the first field, CRLF line ends.

        `signed_at` must stay the same over the attempts at one email: it is the message's Date.
        """
        content = crlf_only(content)
        head, _, body = content.partition(b"\r\n\r\n")
        names, lines = _chosen(head)
        unsigned = self._field(names, body, signed_at)
        lines.append(canonical_header(unsigned))
        signature = base64.b64encode(self._key.sign(b"\r\n".join(lines)))
        cut = range(0, len(signature), MAX_LINE - 2)
        folded = b"\r\n ".join(signature[start : start + MAX_LINE - 2] for start in cut)
        return CrlfBytes(b"%b%b\r\n%b" % (unsigned, folded, content))

    def _field(self, names: list[bytes], body: bytes, signed_at: datetime) -> bytes:
        """The signature's own field, up to and with its empty `b=`."""
        body_hash = base64.b64encode(hashlib.sha256(canonical_body(body)).digest())
        return b"DKIM-Signature: %b%d;\r\n %b;\r\n bh=%b;\r\n b=" % (
            self._tags.encode("ascii"),
            int(signed_at.timestamp()),
            _folded(names),
            body_hash,
        )


def canonical_header(field: bytes) -> bytes:
    """One field in the relaxed form, without its line end (RFC 6376 §3.4.2)."""
    name, _, value = _FOLD.sub(b"", field).partition(b":")
    return b"%b:%b" % (name.strip(b" \t").lower(), _BLANKS.sub(b" ", value).strip(b" "))


def canonical_body(body: bytes) -> bytes:
    """A body of CRLF line ends in the relaxed form (RFC 6376 §3.4.4)."""
    body = body.replace(b"\t", b" ")
    while b"  " in body:  # four times as quick as a regular expression over a large attachment
        body = body.replace(b"  ", b" ")
    if b" \r\n" in body:
        body = body.replace(b" \r\n", b"\r\n")
    body = body.rstrip(b"\r\n")
    return body + b"\r\n" if body else b""


def _chosen(head: bytes) -> tuple[list[bytes], list[bytes]]:
    """The names for `h=`, and the fields that they stand for in the form that is signed."""
    found: dict[bytes, list[bytes]] = {}
    for field in _FOLD.sub(b"", head).split(b"\r\n"):
        found.setdefault(field.partition(b":")[0].strip(b" \t").lower(), []).append(field)
    names: list[bytes] = []
    lines: list[bytes] = []
    for name in _SIGNED:
        fields = found.get(name, ())
        names += [name] * (len(fields) + (name in OVERSIGNED))
        lines += map(canonical_header, reversed(fields))  # the lowest first (RFC 6376 §5.4.2)
    return names, lines


def _folded(names: list[bytes]) -> bytes:
    """`h=` with its names, cut after colons."""
    lines: list[bytes] = []
    line = b"h=" + names[0]
    for name in names[1:]:
        if len(line) + len(name) + 2 > MAX_LINE:
            lines.append(line + b":")
            line = name
        else:
            line += b":" + name
    return b"\r\n ".join([*lines, line])
