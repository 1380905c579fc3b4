"""Recipients that come as values rather than as a file: with a new campaign, or as JSON later."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from functools import partial

from paceline.domain.addresses import InvalidAddress
from paceline.domain.bounds import MAX_BATCH
from paceline.domain.recipients import (
    RawRecipient,
    Recipient,
    Refusal,
    RefusedRow,
    from_values,
    refuse_without,
    shown,
)
from paceline.domain.tables.consent import status_columns
from paceline.persistence import moments
from paceline.persistence.session_settings import thinking
from paceline.persistence.stores.campaigns import CampaignRecord
from paceline.persistence.stores.recipients import Destination, add_recipients, prepared
from paceline.persistence.stores.session import Session
from paceline.services.campaign_rules import NewCampaign
from paceline.services.rendering import fields_of_subject
from paceline.services.row_checks import RowChecks
from paceline.services.validation import Problems
from paceline.services.views import ImportReport


def read_inline(problems: Problems, new: NewCampaign) -> list[Recipient]:
    """The recipients of a new campaign and its message, checked together."""
    template = problems.template(new.subject, new.text, new.html)
    required = template.fields if template else frozenset()
    checks = RowChecks(template) if template else None
    found: list[Recipient] = []
    for recipient in read_all(new.recipients, required=required, checks=checks):
        if isinstance(recipient, Recipient):
            found.append(recipient)
        else:
            problems.add(f"recipients[{recipient.line - 1}].email", recipient.reason)
    return found


def read_all(
    raw: Sequence[RawRecipient], *, required: Collection[str], checks: RowChecks | None = None
) -> Iterator[Recipient | RefusedRow]:
    """Each as a recipient, or refused with a reason; lines count from 1."""
    for line, given in enumerate(raw, start=1):
        try:
            recipient = from_values(line, given.email, given.name, given.fields)
            refuse_without(recipient, required)
            if checks is not None and (reason := checks.refusal(recipient)):
                raise Refusal(reason)
        except (InvalidAddress, Refusal) as refusal:
            yield RefusedRow(line, shown(given.email), str(refusal))
        else:
            yield recipient


async def add_inline(
    session: Session, campaign: CampaignRecord, recipients: Sequence[Recipient]
) -> ImportReport:
    """Store them, within the caller's transaction."""
    to = await destination_of(session, campaign)
    ready = partial(
        prepared, owner_id=campaign.owner_id, in_subject=fields_of_subject(campaign.subject)
    )
    accepted = suppressed = 0
    async with thinking(session):
        for start in range(0, len(recipients), MAX_BATCH):
            batch = await asyncio.to_thread(ready, recipients[start : start + MAX_BATCH])
            added = await add_recipients(session, to, batch)
            accepted += added.accepted
            suppressed += added.suppressed
        notes = await asyncio.to_thread(opted_out, recipients)
    return ImportReport(
        rows=len(recipients),
        accepted=accepted,
        duplicates=len(recipients) - accepted - suppressed,
        suppressed=suppressed,
        invalid=(),
        notes=notes,
    )


def opted_out(recipients: Sequence[Recipient]) -> tuple[str, ...]:
    """What to say of those whose own fields say that they want no mail: it is their owner's word
    that counts, but it may be an oversight."""
    titles = sorted(frozenset[str]().union(*(r.fields for r in recipients)))
    rows = [[_as_text(r.fields.get(title)) for title in titles] for r in recipients]
    columns = status_columns(titles, rows, address=())
    found = [
        (recipient, verdict)
        for recipient, row in zip(recipients, rows, strict=True)
        if (verdict := next(filter(None, (c.verdict(row[c.index]) for c in columns)), None))
    ]
    if not found:
        return ()
    who = f"{shown(found[0][0].address)} ({found[0][1]})"
    more = f" and {len(found) - 1:,} more" if found[1:] else ""
    return (
        f"{who}{more} seem to have opted out, and are taken all the same: recipients that are given"
        " as values are yours to choose. Leave them out if they want no mail",
    )


def _as_text(value: object) -> str:
    return "" if value is None else str(value)


async def destination_of(session: Session, campaign: CampaignRecord) -> Destination:
    """Where recipients of this campaign go. Those of a campaign under way are due with the rest."""
    return Destination(
        owner_id=campaign.owner_id,
        campaign_id=campaign.id,
        sender_id=campaign.sender_id,
        message_id_domain=campaign.sender_address.rpartition("@")[2],
        scheduled_at=campaign.start_at or await moments.now(session),
    )
