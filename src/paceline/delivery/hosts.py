"""Which machines may be connected to, and the connecting itself.

A customer names the SMTP host, so the host is a way into our own network. It is resolved once, all
its addresses must be public ones, and the connection goes to an address that was checked: a second
look-up could answer differently.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable

from paceline.delivery.channel import Channel
from paceline.delivery.racing import first_to_answer, in_turns
from paceline.errors import InvalidInput, OperationalError
from paceline.system_words import in_words

ALLOWED_PORTS = frozenset({25, 465, 587, 2525})
MAX_ADDRESSES = 6  # of one host

_IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Beside what `is_global` knows on every Python that we run on: these lead to another address that
# it does not look at, or were added to it late.
_REFUSED_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "100.64.0.0/10",  # carrier-grade NAT, and a cloud's metadata (RFC 6598)
        "192.0.0.0/24",
        "192.88.99.0/24",
        "168.63.129.16/32",  # the host of a machine at Azure, under an address of the internet
        "64:ff9b:1::/48",  # local-use NAT64 (RFC 8215)
        "2001::/23",
        "3fff::/20",
    )
)
# All that is given out of IPv6 is in it (RFC 4291 §2.4). What is not, as `::127.0.0.1`, is an old
# way to write addresses of IPv4, or nobody's.
_UNICAST = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052


class Unreachable(OperationalError):
    """No address of the host took the connection."""


def refuse_destination(host: str, port: int, *, allow_private: bool) -> None:
    """What can be said without asking the network. Raises `InvalidInput` on `host` or `port`."""
    if allow_private:
        return
    if port not in ALLOWED_PORTS:
        ports = ", ".join(map(str, sorted(ALLOWED_PORTS)))
        raise InvalidInput.of("port", f"must be one of {ports}, not {port}")
    address = _literal(host)
    if address is not None and not is_public(address):
        raise InvalidInput.of("host", f"{host} is not a public address")


async def resolve(host: str, port: int, *, allow_private: bool) -> list[str]:
    """The addresses to try. Raises `InvalidInput` if any of them is not public, `Unreachable`."""
    refuse_destination(host, port, allow_private=allow_private)
    return await public_addresses(host, port, allow_private=allow_private)


async def public_addresses(host: str, port: int, *, allow_private: bool) -> list[str]:
    """The same, whatever the port."""
    addresses = await look_up(host, port)
    if not allow_private:
        for address in addresses:
            if not is_public(ipaddress.ip_address(address)):
                # Even one of several: a host that names our own network among others means harm.
                # Which address is not said: our resolver may know names that nobody else does.
                raise InvalidInput.of("host", f"{host} leads to what is not a public address")
    return in_turns(addresses)[:MAX_ADDRESSES]


async def look_up(host: str, port: int) -> list[str]:
    """The addresses of a host in the resolver's order. Raises `Unreachable`."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{host} has no address: {in_words(error)}") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def connect(
    host: str,
    port: int,
    *,
    allow_private: bool,
    seconds: float,
    protocol: Callable[[], Channel],
) -> Channel:
    """A connection to the first address that answers, `seconds` for each of them.

    Raises `InvalidInput` for a host that is refused, `Unreachable` when none answers.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(seconds):
            addresses = await resolve(host, port, allow_private=allow_private)
    except TimeoutError:
        raise Unreachable(f"{host} could not be looked up within {seconds:g} s") from None

    async def one(address: str) -> Channel:
        try:
            async with asyncio.timeout(seconds):
                _, channel = await loop.create_connection(protocol, address, port)
        except TimeoutError:
            raise Unreachable(f"{address} did not answer within {seconds:g} s") from None
        except OSError as error:
            raise Unreachable(f"{address}: {in_words(error)}") from error
        return channel

    try:
        return await first_to_answer(addresses, one, drop=Channel.abort)
    except* Unreachable as group:
        problems = "; ".join(map(str, group.exceptions))
    raise Unreachable(f"cannot connect to {host}:{port} ({problems})")


def is_public(address: _IPAddress) -> bool:
    """Whether it is an address of the public internet, also behind any IPv6 disguise of IPv4."""
    inner = _embedded(address)
    if inner is not None:
        return is_public(inner)
    refused = any(address in network for network in _REFUSED_NETWORKS)
    if address.version == 6 and address not in _UNICAST:
        return False
    return address.is_global and not address.is_multicast and not refused


def may_be_private(host: str) -> bool:
    """Whether it can be in a network of our own: a name may, an address of the internet cannot."""
    address = _literal(host)
    return address is None or not is_public(address)


def is_private(address: str) -> bool:
    """Whether a connection to this address stays in networks of our own."""
    return not is_public(ipaddress.ip_address(address.partition("%")[0]))


def _embedded(address: _IPAddress) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _literal(host: str) -> _IPAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
