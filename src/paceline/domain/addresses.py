"""Reads one email address, as people type it, into the form that is stored and sent to.

Takes one plain address (RFC 5321's dot-atom form, international domains and, with SMTPUTF8,
international local parts). Refuses everything that would have to be repaired or guessed, with a
reason that the person who typed it understands. What it accepts, `delivery.Envelope` accepts.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import idna
from email_validator import EmailNotValidError, validate_email

from paceline.errors import DomainError

MAX_ADDRESS_OCTETS = 254  # RFC 5321 §4.5.3.1.3 less the angle brackets
MAX_LOCAL_PART_OCTETS = 64  # RFC 5321 §4.5.3.1.1
_MAX_SHOWN = 80

_ATEXT = r"[A-Za-z0-9#$&'*+/=?^_`{|}~-]"  # without % and !, see _ROUTING
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# The fast path, ~0.3 µs: nearly every address there is. Hyphens in the third and fourth place of
# a label mean Punycode, which has to be looked at (RFC 5891 §4.2.3.1).
_PLAIN = re.compile(
    rf"({_ATEXT}+(?:\.{_ATEXT}+)*)@((?:(?!..--){_LABEL}\.)+[A-Za-z]{{2,63}}|localhost)"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Relays used to read these as "send it on from there" (RFC 5321 §F.2); several still do.
_ROUTING = re.compile(r"[%!]")
_BLANK = " \t\u00a0"
_RESEMBLING = re.compile(r"\s*[^\s@,;|<>\"]+@[^\s@,;|<>\"]+\s*")


class InvalidAddress(DomainError):
    """This is not one address that mail can be sent to; the message says why."""


class Address(NamedTuple):
    """`address` is what is sent to (its domain lower-case, as A-labels), `key` what is compared."""

    address: str
    key: str


def parse_address(text: str) -> Address:
    """Read one address; blanks around it are ignored. Raises `InvalidAddress`."""
    text = text.strip(_BLANK)
    matched = _PLAIN.fullmatch(text)
    if matched is None:
        return _look_closely(text)
    if matched.end(1) > MAX_LOCAL_PART_OCTETS or len(text) > MAX_ADDRESS_OCTETS:
        raise InvalidAddress(_too_long(text))
    domain = matched[2].lower()
    address = text if domain == matched[2] else f"{matched[1]}@{domain}"
    return Address(address, address.lower())


def spellings(key: str) -> tuple[str, ...]:
    """How an address may be written, in lower case: an international domain in both its forms."""
    local, _, domain = key.rpartition("@")
    try:
        read = idna.decode(domain) if "xn--" in domain else domain
    except UnicodeError:  # which idna's are
        return (key,)
    return tuple(dict.fromkeys((key, f"{local}@{read}".lower())))


def looks_like_an_address(text: str) -> bool:
    """Whether somebody may have meant this as one address; a cheap glance, no verdict."""
    return _RESEMBLING.fullmatch(text) is not None


def _look_closely(text: str) -> Address:
    """The slow path: says what is wrong, or finds that it is an international address."""
    _refuse_the_obvious(text)
    try:
        found = validate_email(text, strict=True, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise InvalidAddress(str(error)) from None
    local, domain = found.local_part, found.ascii_domain.lower()
    top = domain.rpartition(".")[2]
    if len(top) < 2 or top.isdigit():
        raise InvalidAddress(f"no domain ends in “.{top}”: {_shown(text)}")
    address = f"{local}@{domain}"
    if len(address.encode()) > MAX_ADDRESS_OCTETS or len(local.encode()) > MAX_LOCAL_PART_OCTETS:
        raise InvalidAddress(_too_long(text))
    return Address(address, address.lower())


def _refuse_the_obvious(text: str) -> None:
    if not text:
        raise InvalidAddress("the address is empty")
    if _CONTROL.search(text):
        raise InvalidAddress(
            f"an address cannot hold line breaks or control characters: {_shown(text)}"
        )
    if len(text) > MAX_ADDRESS_OCTETS:
        raise InvalidAddress(_too_long(text))
    if "<" in text or ">" in text:
        raise InvalidAddress(f"write the address alone, without a name and <>: {_shown(text)}")
    if "@" not in text:
        raise InvalidAddress(f"there is no @ in it: {_shown(text)}")
    if text.count("@") > 1 or "," in text or ";" in text:
        raise InvalidAddress(f"this is not one address but several: {_shown(text)}")
    local, _, domain = text.partition("@")
    if '"' in local:
        raise InvalidAddress(f"quoted addresses are not supported: {_shown(text)}")
    if _ROUTING.search(local):
        raise InvalidAddress(
            f"“%” and “!” before the @ ask for a detour (source routing): {_shown(text)}"
        )
    if domain.startswith("["):
        raise InvalidAddress(f"give a domain name instead of an IP address: {_shown(text)}")


def _too_long(text: str) -> str:
    return (
        f"longer than {MAX_ADDRESS_OCTETS} octets, or {MAX_LOCAL_PART_OCTETS} before the @: "
        f"{_shown(text)}"
    )


def _shown(text: str) -> str:
    """One printable line, whatever was typed."""
    cut = text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in cut)
