"""The wire form of an address. Refuses what it would have to repair.

Libraries have rewritten `"x\\r\\ny"@x.org` to `<x>` and `b@x.org, v@y.org` to `<b@x.org>`: mail to
the wrong person. Here an address is taken as it stands or not at all. The one rewriting is the
domain's A-label (RFC 5891), which names the same domain.
"""

from __future__ import annotations

import re

import idna

from paceline.errors import InvalidInput

MAX_ADDRESS_OCTETS = 254  # RFC 5321 §4.5.3.1.3 less the angle brackets
MAX_LOCAL_PART_OCTETS = 64  # RFC 5321 §4.5.3.1.1

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_DOMAIN = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# The dot-atom of RFC 5321 §4.1.2. Quoted local parts and address literals are legal and refused:
# nobody's mailbox needs them, and every mangling that we know of went through one of them.
_ASCII_ADDRESS = re.compile(rf"({_ATEXT}+(?:\.{_ATEXT}+)*)@({_DOMAIN}(?:\.{_DOMAIN})*)")
_ANY_LOCAL_PART = re.compile(rf"(?:{_ATEXT}|[^\x00-\x7f])+(?:\.(?:{_ATEXT}|[^\x00-\x7f])+)*")


def wire_address(address: str, *, field: str) -> str:
    """The address as it goes on the wire: itself, with an international domain as A-labels.

    Raises `InvalidInput` naming `field` for anything that is not one plain address. A non-ASCII
    local part is kept; it needs a server with SMTPUTF8 (RFC 6531).
    """
    matched = _ASCII_ADDRESS.fullmatch(address)
    if matched is None:
        if address.isascii():
            raise InvalidInput.of(field, f"is not one plain email address: {_shown(address)}")
        address = _international(address, field=field)
        local_octets = len(address.rpartition("@")[0].encode())
    else:
        local_octets = matched.end(1)
    if local_octets > MAX_LOCAL_PART_OCTETS:
        limit = f"{MAX_LOCAL_PART_OCTETS} octets before the @"
        raise InvalidInput.of(field, f"has more than {limit}: {_shown(address)}")
    if len(address.encode()) > MAX_ADDRESS_OCTETS:
        raise InvalidInput.of(field, f"is longer than {MAX_ADDRESS_OCTETS} octets")
    return address


def _international(address: str, *, field: str) -> str:
    local, at, domain = address.rpartition("@")
    # isprintable() refuses every separator, control, format and unassigned character.
    if not at or not _ANY_LOCAL_PART.fullmatch(local) or not local.isprintable():
        raise InvalidInput.of(field, f"is not one plain email address: {_shown(address)}")
    try:
        wire_domain = idna.encode(domain.lower(), std3_rules=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise InvalidInput.of(field, f"has an invalid domain ({error})") from None
    wire = f"{local}@{wire_domain}"
    if not _ASCII_ADDRESS.fullmatch(f"x@{wire_domain}"):
        raise InvalidInput.of(field, f"has an invalid domain: {_shown(address)}")
    return wire


def _shown(address: str) -> str:
    return ascii(address if len(address) <= 80 else address[:80] + "…")
