"""How much an owner may store, counted in a real database."""

from __future__ import annotations

import pytest

from paceline.domain.recipients import RawRecipient
from paceline.services import rooms
from paceline.services.attachments import Attachments, NewAttachment
from paceline.services.campaigns import Campaigns
from paceline.services.email_changes import EmailPatch
from paceline.services.emails import Emails, NewEmail
from paceline.services.imports import Imports
from paceline.services.quotas import Quotas, QuotaUsedUp
from paceline.settings.shares import ShareSettings
from tests.integration.services.conftest import Desk, in_chunks, new_campaign

MIB = 1024 * 1024


def quotas(*, senders: int = 10, emails: int = 10, octets: int = 10 * MIB) -> Quotas:
    return Quotas(ShareSettings(senders=senders, emails=emails, stored_octets=octets))


def some(count: int, *, beginning: int = 0) -> list[RawRecipient]:
    return [RawRecipient(email=f"r{n}@example.com") for n in range(beginning, beginning + count)]


def csv_of(count: int) -> bytes:
    return b"email\n" + b"".join(b"c%d@example.com\n" % n for n in range(count))


async def test_emails_of_campaigns_and_single_ones_count_together(desk: Desk) -> None:
    sender = await desk.sender()
    held = quotas()
    campaigns = Campaigns(desk.database, desk.bell, held)
    imports = Imports(desk.database, desk.bell, held)
    emails = Emails(desk.database, desk.bell, held)
    made = await campaigns.create(desk.owner, new_campaign(sender_id=sender.id, recipients=some(4)))
    await imports.add_csv(desk.owner, made.campaign.id, in_chunks(csv_of(5)))
    new = NewEmail(sender_id=sender.id, to="one@example.com", subject="Hi", text="Hi", html=None)
    await emails.create(desk.owner, new)
    with pytest.raises(QuotaUsedUp, match="more than 10 emails"):
        await emails.create(desk.owner, new)
    with pytest.raises(QuotaUsedUp):
        await imports.add(desk.owner, made.campaign.id, some(1, beginning=90))
    assert await desk.world.fetchval("SELECT count(*) FROM emails") == 10


async def test_what_is_refused_is_undone_and_what_fits_is_taken(desk: Desk) -> None:
    draft = await desk.draft()
    imports = Imports(desk.database, desk.bell, quotas())
    with pytest.raises(QuotaUsedUp):
        await imports.add_csv(desk.owner, draft.id, in_chunks(csv_of(11)))
    report = await imports.add_csv(desk.owner, draft.id, in_chunks(csv_of(10)))
    assert report.accepted == 10


async def test_what_was_there_before_counts(desk: Desk) -> None:
    draft = await desk.draft(recipients=some(10))
    with pytest.raises(QuotaUsedUp):
        await Imports(desk.database, desk.bell, quotas()).add(
            desk.owner, draft.id, some(1, beginning=90)
        )


async def test_room_that_was_made_is_found(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "MEASURE_AGAIN_SECONDS", 0.0)
    draft, other = await desk.draft(recipients=some(1)), await desk.draft()
    await desk.world.execute("UPDATE campaigns SET total = 9 WHERE id = $1", other.id)
    imports = Imports(desk.database, desk.bell, quotas())
    more = some(1, beginning=90)
    with pytest.raises(QuotaUsedUp):
        await imports.add(desk.owner, draft.id, more)
    await desk.world.execute("DELETE FROM campaigns WHERE id = $1", other.id)
    await imports.add(desk.owner, draft.id, more)


async def test_files_and_bodies_of_single_emails_count_together(desk: Desk) -> None:
    draft = await desk.draft(recipients=some(1))
    held = quotas(octets=3 * MIB)
    files = Attachments(desk.database, held)
    emails = Emails(desk.database, desk.bell, held)
    file = NewAttachment(file_name="a.pdf", content_type="application/pdf")
    await files.add(desk.owner, draft.id, file, in_chunks(b"x" * 2 * MIB))
    new = NewEmail(
        sender_id=draft.sender_id, to="one@example.com", subject="Hi", text="x" * MIB, html=None
    )
    await emails.create(desk.owner, new)
    with pytest.raises(QuotaUsedUp, match="larger than 3 MiB"):
        await emails.create(desk.owner, new)
    with pytest.raises(QuotaUsedUp):
        await files.add(desk.owner, draft.id, file, in_chunks(b"x" * MIB))


async def test_senders_are_counted_but_not_those_that_were_deleted(desk: Desk) -> None:
    held = quotas(senders=2)
    await desk.sender()
    second = await desk.sender()
    async with desk.database.transaction() as session:
        with pytest.raises(QuotaUsedUp, match="you have 2 senders"):
            await held.refuse_sender(session, desk.owner)
    await desk.world.execute("UPDATE senders SET deleted_at = now() WHERE id = $1", second.id)
    async with desk.database.transaction() as session:
        await held.refuse_sender(session, desk.owner)


async def test_a_body_that_grows_takes_its_room_and_is_undone_where_there_is_none(
    desk: Desk,
) -> None:
    sender = await desk.sender()
    emails = Emails(desk.database, desk.bell, quotas(octets=2 * MIB - 1))
    new = NewEmail(sender_id=sender.id, to="one@example.com", subject="Hi", text="a" * MIB)
    email = await emails.create(desk.owner, new)
    await emails.patch(desk.owner, email.id, EmailPatch(text="b" * MIB, html="<p>b</p>"))
    with pytest.raises(QuotaUsedUp, match="larger than"):
        await emails.patch(desk.owner, email.id, EmailPatch(html="c" * MIB))
    assert await desk.world.fetchval("SELECT html_body FROM emails") == "<p>b</p>"
