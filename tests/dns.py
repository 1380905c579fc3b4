"""A small DNS server on loopback, with the zones that a test gives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from paceline.delivery import Resolver

TTL_SECONDS = 60
SILENT = "silent"  # in place of records: no answer at all


@dataclass
class DnsServer(asyncio.DatagramProtocol):
    """`zones`: (name, kind) to records as zone files have them. A name without any is unknown."""

    zones: Mapping[tuple[str, str], Sequence[str]]
    asked: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0
    _transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        question = dns.message.from_wire(data)
        (asked,) = question.question
        name = asked.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(asked.rdtype)
        self.asked.append((name, kind))
        records = self.zones.get((name, kind))
        if records is not None and SILENT in records:
            return
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        if records:
            answer.answer.append(
                dns.rrset.from_text_list(asked.name, TTL_SECONDS, "IN", kind, records)
            )
        elif not any(known == name for known, _ in self.zones):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        assert self._transport is not None
        self._transport.sendto(answer.to_wire(), addr)

    @property
    def resolver(self) -> Resolver:
        """One that asks this server, and does not wait long."""
        return Resolver(("127.0.0.1", self.port), seconds=2.0)


@asynccontextmanager
async def dns_server(
    zones: Mapping[tuple[str, str], Sequence[str]],
) -> AsyncIterator[DnsServer]:
    """Runs while it is needed."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: DnsServer(zones), local_addr=("127.0.0.1", 0)
    )
    try:
        yield server
    finally:
        transport.close()


def text(value: str) -> str:
    """A TXT record in quoted strings of at most 255 octets."""
    pieces = [value[i : i + 255] for i in range(0, len(value), 255)]
    return " ".join(f'"{piece}"' for piece in pieces)
