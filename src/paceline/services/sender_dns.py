"""What DNS says about the domain that a sender writes from: SPF, DKIM and DMARC, with verdicts."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime

from paceline import clock
from paceline.auth.secretbox import SecretBox
from paceline.delivery import DnsUnavailable, Resolver, wire_address
from paceline.domain import mail_records
from paceline.domain.mail_records import MAX_LOOK_UPS, Verdict, Walked
from paceline.domain.presets import preset_for_host
from paceline.errors import NotFound
from paceline.persistence.database import Database
from paceline.persistence.stores import senders as store
from paceline.persistence.stores.senders import SenderRecord
from paceline.services import dkim

SECONDS = 10.0  # for all of them: SPF may take ten questions, one after the other


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsReport:
    """SPF, DKIM and DMARC of `domain`, in this order."""

    domain: str
    checked_at: datetime
    records: tuple[Verdict, ...]


class SenderDns:
    """Looks up what receivers look up."""

    def __init__(
        self,
        database: Database,
        secrets: SecretBox,
        resolver: Resolver,
        *,
        seconds: float = SECONDS,
    ) -> None:
        self._database = database
        self._secrets = secrets
        self._resolver = resolver
        self._seconds = seconds

    async def look_up(self, owner_id: uuid.UUID, sender_id: uuid.UUID) -> DnsReport:
        """The records as they are now. Raises `NotFound`; never for what DNS does."""
        async with self._database.transaction() as session:
            sender = await store.sender(session, owner_id, sender_id)
        if sender is None:
            raise NotFound("there is no such sender")
        domain = wire_address(sender.from_address, field="from_address").rpartition("@")[2].lower()
        records = await asyncio.gather(
            self._in_time("spf", domain, self._spf(domain, sender)),
            self._in_time("dkim", domain, self._dkim(domain, sender)),
            self._in_time("dmarc", f"_dmarc.{domain}", self._dmarc(domain)),
        )
        return DnsReport(domain=domain, checked_at=clock.now(), records=tuple(records))

    async def _in_time(self, kind: str, name: str, looking: Awaitable[Verdict]) -> Verdict:
        try:
            async with asyncio.timeout(self._seconds):
                return await looking
        except (DnsUnavailable, TimeoutError):
            return mail_records.unanswered(kind, name)

    async def _spf(self, domain: str, sender: SenderRecord) -> Verdict:
        records = mail_records.spf_records(await self._resolver.txt(domain))
        walked = Walked(records=records)
        if len(records) == 1:
            await self._walk(records[0], walked)
        return mail_records.spf(domain, walked, preset_for_host(sender.smtp_host))

    async def _walk(self, record: str, walked: Walked) -> None:
        """Follows what it includes, as a receiver would, and no further."""
        waiting = [record]
        while waiting and walked.look_ups <= MAX_LOOK_UPS:
            record = waiting.pop()
            walked.look_ups += mail_records.look_ups_of(record)
            for name in mail_records.followed_from(record):
                if name in walked.names or len(walked.names) >= MAX_LOOK_UPS:
                    continue
                walked.names.add(name)
                waiting += mail_records.spf_records(await self._resolver.txt(name))

    async def _dkim(self, domain: str, sender: SenderRecord) -> Verdict:
        if not sender.dkim_key:
            return mail_records.dkim_of_provider(domain, preset_for_host(sender.smtp_host))
        record = dkim.record_of(self._secrets, sender)
        return mail_records.dkim(record.name, await self._resolver.txt(record.name), record.text)

    async def _dmarc(self, domain: str) -> Verdict:
        first, *above = mail_records.dmarc_names(domain)
        verdict = mail_records.dmarc(first, await self._resolver.txt(first))
        for name in above:
            if verdict.found:
                break
            higher = mail_records.dmarc(name, await self._resolver.txt(name))
            verdict = higher if higher.found else verdict
        return verdict
