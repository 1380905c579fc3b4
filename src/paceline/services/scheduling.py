"""A campaign in one go: message, recipients and launch, all of it or nothing.

What fails half-way leaves no draft, not even when the process dies; and under an id that was
reserved for it, it is scheduled once, however often it is asked for.
"""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from paceline.domain.identifiers import new_id
from paceline.domain.tables.choices import NOTHING_CHOSEN, Choices
from paceline.errors import InvalidInput
from paceline.persistence.database import Database
from paceline.persistence.stores import campaigns as store
from paceline.persistence.stores import senders as sender_store
from paceline.persistence.stores.attachments import CAMPAIGN_FILES, DRAFT_FILES
from paceline.persistence.stores.campaigns import CampaignRecord
from paceline.persistence.stores.session import Session
from paceline.services import campaign_rules, campaigns
from paceline.services.campaign_rules import NewCampaign
from paceline.services.imports import IN_MEMORY_OCTETS, receive, store_file
from paceline.services.inline_recipients import add_inline, read_inline
from paceline.services.ports import Bell, Settle
from paceline.services.quotas import Quotas
from paceline.services.validation import Problems
from paceline.services.views import ImportReport

_Fill = Callable[[Session, CampaignRecord], Awaitable[ImportReport]]
"""Puts the recipients into a new campaign, within the transaction that launches it."""


class Scheduling:
    """Schedules campaigns whose list comes along."""

    def __init__(self, database: Database, bell: Bell, quotas: Quotas) -> None:
        self._database = database
        self._bell = bell
        self._quotas = quotas

    async def schedule(
        self,
        owner_id: uuid.UUID,
        new: NewCampaign,
        chunks: AsyncIterator[bytes],
        *,
        choices: Choices = NOTHING_CHOSEN,
        reserved_id: uuid.UUID | None = None,
        settle: Settle[uuid.UUID] | None = None,
        files_of: uuid.UUID | None = None,
    ) -> uuid.UUID:
        """The id of the campaign, which is launched. Raises `InvalidInput`: nothing is stored.

        `files_of` is the owner's draft whose files go along.
        """
        checked = await asyncio.to_thread(_checked, new)
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_OCTETS) as spool:
            await receive(chunks, spool)

            async def fill(session: Session, record: CampaignRecord) -> ImportReport:
                report = await store_file(session, record, spool, choices)
                if not report.accepted:
                    raise InvalidInput.of("file", "holds no recipient that may be mailed")
                return report

            return await self._launched(
                owner_id, checked, fill, reserved_id or new_id(), settle=settle, files_of=files_of
            )

    async def schedule_inline(
        self,
        owner_id: uuid.UUID,
        new: NewCampaign,
        *,
        reserved_id: uuid.UUID | None = None,
        files_of: uuid.UUID | None = None,
        test_to: str | None = None,
    ) -> uuid.UUID:
        """The same for recipients that came as values. Raises `Conflict` too, with nobody left.

        `test_to`: it is a test, to that address; which is all that is different in the audit log.
        """
        checked = await asyncio.to_thread(_checked, new)
        recipients = await asyncio.to_thread(read_inline, checked.problems, new)

        async def fill(session: Session, record: CampaignRecord) -> ImportReport:
            return await add_inline(session, record, recipients)

        return await self._launched(
            owner_id,
            checked,
            fill,
            reserved_id or new_id(),
            files_of=files_of,
            test_to=test_to,
        )

    async def _launched(
        self,
        owner_id: uuid.UUID,
        checked: _Checked,
        fill: _Fill,
        campaign_id: uuid.UUID,
        *,
        settle: Settle[uuid.UUID] | None = None,
        files_of: uuid.UUID | None,
        test_to: str | None = None,
    ) -> uuid.UUID:
        async with self._database.transaction() as session:
            if not await campaigns.is_there(session, owner_id, campaign_id):
                record = await _stored(session, owner_id, campaign_id, checked)
                report = await fill(session, record)
                await self._quotas.take(session, owner_id, emails=report.accepted)
                await self._take_along(session, record, files_of)
                launched = await _record(session, record)
                await campaigns.let_go(session, launched, test_to=test_to)
                if settle is not None:
                    await settle(session, campaign_id)
        await self._bell.ring([checked.values["sender_id"]])
        return campaign_id

    async def _take_along(
        self, session: Session, record: CampaignRecord, files_of: uuid.UUID | None
    ) -> None:
        if files_of is not None:
            octets = await DRAFT_FILES.copy_to(CAMPAIGN_FILES, session, files_of, record.id)
            await self._quotas.take(session, record.owner_id, octets=octets)


@dataclass(frozen=True, slots=True)
class _Checked:
    """The columns of a new campaign, and what is wrong with it so far."""

    values: dict[str, Any]
    problems: Problems


def _checked(new: NewCampaign) -> _Checked:
    problems = Problems()
    values = campaign_rules.checked(problems, new)
    if not new.recipients:  # who reads those compiles the message as well
        problems.template(new.subject, new.text, new.html)
    return _Checked(values, problems)


async def _stored(
    session: Session, owner_id: uuid.UUID, campaign_id: uuid.UUID, checked: _Checked
) -> CampaignRecord:
    values, problems = checked.values, checked.problems
    if await sender_store.sender(session, owner_id, values["sender_id"], keep=True) is None:
        problems.add("sender_id", "is none of your senders")
    problems.raise_if_any()
    await store.insert_campaign(session, id=campaign_id, owner_id=owner_id, **values)
    record = await store.campaign(session, owner_id, campaign_id)
    assert record is not None, "it was stored a moment ago, in this transaction"
    return record


async def _record(session: Session, record: CampaignRecord) -> CampaignRecord:
    """The same with the counters as the import left them."""
    now = await store.campaign(session, record.owner_id, record.id)
    assert now is not None, "it was stored a moment ago, in this transaction"
    return now
