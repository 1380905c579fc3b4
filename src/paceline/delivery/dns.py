"""What DNS says of a domain: texts and mail exchangers. The only door to dnspython.

Bounded in time and number, and off the event loop's back: each question has `SECONDS`, and at most
`MAX_AT_ONCE` are under way. "There is none" is an answer; "nobody answered" is `DnsUnavailable`.
"""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.resolver

from paceline.errors import OperationalError

SECONDS = 3.0  # for one question, over all servers and tries
MAX_AT_ONCE = 8
MAX_RECORDS = 50  # of one name


class DnsUnavailable(OperationalError):
    """Nobody answered, or nobody could."""


class Resolver:
    """Asks this machine's DNS servers, or the one that is named."""

    def __init__(self, server: tuple[str, int] | None = None, *, seconds: float = SECONDS) -> None:
        self._server = server
        self._seconds = seconds
        self._turns = asyncio.Semaphore(MAX_AT_ONCE)

    async def txt(self, name: str) -> tuple[str, ...]:
        """The TXT records, each put together from its strings. Raises `DnsUnavailable`."""
        records = await self._ask(name, "TXT")
        return tuple(b"".join(record.strings).decode("utf-8", "replace") for record in records)

    async def exchangers(self, domain: str) -> tuple[str, ...]:
        """The names of its MX records, the preferred one first. Raises `DnsUnavailable`."""
        records = sorted(await self._ask(domain, "MX"), key=lambda record: record.preference)
        return tuple(record.exchange.to_text(omit_final_dot=True) for record in records)

    async def _ask(self, name: str, kind: str) -> list[Any]:
        async with self._turns:
            try:
                answer = await self._resolver.resolve(
                    name, kind, lifetime=self._seconds, raise_on_no_answer=False, search=False
                )
            except dns.resolver.NXDOMAIN:
                return []
            except (dns.exception.DNSException, OSError) as error:
                raise DnsUnavailable(f"DNS gives no answer about {name}: {error}") from error
        return list(answer.rrset or ())[:MAX_RECORDS]

    @functools.cached_property
    def _resolver(self) -> dns.asyncresolver.Resolver:
        resolver = dns.asyncresolver.Resolver(configure=self._server is None)
        if self._server is not None:
            host, port = self._server
            resolver.nameservers, resolver.port = [host], port
        return resolver
