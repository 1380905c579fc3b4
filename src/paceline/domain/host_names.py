"""What a machine may call itself in EHLO (RFC 5321 §4.1.4): a public name, or an address literal.

Many servers refuse whoever introduces itself as `localhost.localdomain` or `laptop.local`, most of
them only at RCPT, where it looks like the recipient's fault. So a name is used only where it could
be a real one, and the address of the connection where there is none.
"""

from __future__ import annotations

import ipaddress
import re

MAX_NAME = 253  # RFC 1035 §2.3.4, in text form

_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
# What ends so tells a server nothing, not even the one next door: RFC 2606, 6761, 6762, 7686, 9476,
# ICANN's .internal, and what systems and routers have when they are given no name.
NO_NAMES = frozenset(
    {"alt", "arpa", "example", "invalid", "local", "localhost", "onion", "test"}
    | {"internal", "lan", "localdomain"}
)
# No name of the public DNS ends so: besides those RFC 8375, the names that ICANN will not give
# away, and what routers, clouds and containers make up.
_NOT_PUBLIC = (
    NO_NAMES
    | {"corp", "domain", "home", "intranet", "mail", "private"}
    | {"belkin", "cluster", "dhcp", "docker", "gateway", "ip", "localnet", "node"}
    | {"router", "svc", "vpn", "workgroup"}
)
_ROUTERS = (".fritz.box", ".speedport.ip")
_CONTAINER_ID = re.compile(r"(?=.*[0-9])(?:[0-9a-f]{12}|[0-9a-f]{64})")
_LITERAL = re.compile(r"\[(IPv6:)?([0-9A-Fa-f:.]+)\]", re.IGNORECASE)


def is_full_name(name: str) -> bool:
    """Whether it is a host name with a domain, in the form that DNS knows it."""
    labels = name.split(".")
    return (
        len(name) <= MAX_NAME
        and len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()
    )


def public_name(name: str) -> str | None:
    """The name that a machine gives itself, if the world could know it by that."""
    name = name.strip().rstrip(".")
    first, _, domain = name.lower().partition(".")
    top = domain.rpartition(".")[2]
    is_ours_alone = (
        top in _NOT_PUBLIC
        or not (top.isalpha() or top.startswith("xn--"))  # RFC 3696 §2
        or f".{domain}".endswith(_ROUTERS)
    )
    made_up = first == "localhost" or _CONTAINER_ID.fullmatch(first)
    return name if is_full_name(name) and not is_ours_alone and not made_up else None


def is_nearby(host: str) -> bool:
    """Whether it can only be in this machine's own network: no name or address of the internet."""
    host = host.strip().rstrip(".").strip("[]")
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return public_name(host) is None


def address_literal(address: str) -> str:
    """An IP address as it stands in EHLO (RFC 5321 §4.1.3). Raises `ValueError`."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return f"[{ip}]" if ip.version == 4 else f"[IPv6:{ip}]"


def introduction(text: str) -> str:
    """The name that somebody chose, checked: one with a domain, or an address literal.

    It need not be public: their server may know it. Raises `ValueError`, worded for that person.
    """
    name = text.rstrip(".")
    if is_full_name(name):
        first, *_, top = name.lower().split(".")
        if top in NO_NAMES or first == "localhost":
            raise ValueError(
                "is a name that servers refuse; it must be one that DNS knows, such as"
                " mail.example.com, or be left out: then the address of the connection is used"
            )
        return name
    if (found := _LITERAL.fullmatch(text)) and _is_literal(tagged=bool(found[1]), address=found[2]):
        return text
    raise ValueError(f"must be a full host name such as mail.example.com{_instead(text)}")


def _is_literal(*, tagged: bool, address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (ip.version == 6) == tagged


def _instead(text: str) -> str:
    try:
        return f", or the address in this form: {address_literal(text.strip('[]'))}"
    except ValueError:
        pass
    if not text.isascii():
        return ", in its ASCII form (xn--…)"
    return ", or an address such as [192.0.2.1] or [IPv6:2001:db8::1]"
