"""An email that waits is changed whole or not at all, and what stands there last is sent."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from datetime import timedelta

import pytest

from paceline import clock
from paceline.auth.acting import acting
from paceline.domain.lifecycle import JobState
from paceline.domain.recipients import RawRecipient
from paceline.errors import Conflict, InvalidInput, NotFound, Outdated, TooLate
from paceline.persistence.database import Database
from paceline.persistence.ledger import Ledger
from paceline.persistence.statements import statement
from paceline.services.email_changes import EmailPatch
from paceline.services.emails import NewEmail
from paceline.services.selecting import EmailFilter
from paceline.services.versions import Only
from paceline.services.views import EmailView
from tests.integration.services.conftest import Desk

ADA, BOB = "ada@example.com", "bob@example.com"
LATER = EmailPatch(to="later@example.com")


async def single(desk: Desk, **values: object) -> EmailView:
    given = {"to": ADA, "to_name": "Ada", "subject": "Hello", "text": "Dear Ada", **values}
    sender = await desk.sender()
    return await desk.emails.create(desk.owner, NewEmail(sender_id=sender.id, **given))  # type: ignore[arg-type]


async def of_campaign(desk: Desk, **values: object) -> uuid.UUID:
    """The first of two emails, to Ada and to Bob, of a campaign that was launched."""
    recipients = [
        RawRecipient(email=ADA, name="Ada", fields={"city": "Rome", "plan": 1}),
        RawRecipient(email=BOB, name="Bob", fields={"city": "Oslo"}),
    ]
    given = {"subject": "Hello {{ name }}", "text": "In {{ city }}", **values}
    draft = await desk.draft(recipients=recipients, **given)
    await desk.campaigns.launch(desk.owner, draft.id)
    email: uuid.UUID = await desk.world.fetchval("SELECT id FROM emails WHERE address = $1", ADA)
    return email


async def found(desk: Desk, words: str) -> list[str]:
    page = await desk.email_queries.emails(
        desk.owner, EmailFilter(states=frozenset(JobState), q=words), limit=10
    )
    return [email.to for email in page.items]


async def claim(database: Database, desk: Desk) -> list[tuple[str, Mapping[str, object]]]:
    """(address, fields) of what a worker takes now."""
    ledger = Ledger(database, worker_run=uuid.uuid4(), lease=timedelta(seconds=30))
    sender = await desk.world.fetchval("SELECT id FROM senders")
    campaigns = [row["id"] for row in await desk.world.fetch("SELECT id FROM campaigns")]
    taken = await ledger.claim(
        sender, of_campaigns=dict.fromkeys(campaigns, 10), single=10, account_version=1
    )
    return [(claim.address, claim.fields) for claim in taken.claims]


async def test_a_single_email_is_changed_with_all_that_follows_from_it(
    desk: Desk, database: Database
) -> None:
    email = await single(desk)
    patch = EmailPatch(to=BOB, to_name=None, subject="Good day", html="<p>Dear Bob</p>", text=None)
    with acting("ann@example.com"):
        changed = await desk.emails.patch(desk.owner, email.id, patch)
    assert (changed.to, changed.to_name, changed.subject) == (BOB, None, "Good day")
    assert changed.version != email.version
    assert changed.message_id == email.message_id
    assert await found(desk, "good bob") == [BOB]
    assert await found(desk, "hello") == []
    detail = await desk.email_queries.email(desk.owner, email.id)
    assert (detail.text, detail.html) == (None, "<p>Dear Bob</p>")
    (decided,) = detail.decisions
    assert (decided.what, decided.by) == ("changed", "ann@example.com")
    assert decided.detail == {
        "to": [ADA, BOB],
        "to_name": ["Ada", None],
        "subject": ["Hello", "Good day"],
        "text": None,
        "html": None,
    }
    assert await claim(database, desk) == [(BOB, {})]


async def test_an_email_of_a_campaign_has_its_recipient_and_its_values_changed(
    desk: Desk, database: Database
) -> None:
    email = await of_campaign(desk, subject="{{ city }}")
    patch = EmailPatch(to="Ida@Example.com", to_name="Ida", fields={"city": "Bonn", "plan": None})
    await desk.emails.patch(desk.owner, email, patch)
    assert await found(desk, "bonn ida") == ["Ida@example.com"]
    assert await found(desk, "rome") == []
    detail = await desk.email_queries.email(desk.owner, email)
    assert (detail.email.subject, detail.text) == ("Bonn", "In Bonn\n")
    launched, decided = detail.decisions
    assert launched.what == "campaign_launched"
    assert decided.detail["fields.city"] == ["Rome", "Bonn"]
    assert decided.detail["fields.plan"] == ["1", None]
    assert sorted(await claim(database, desk)) == [
        ("Ida@example.com", {"city": "Bonn"}),
        (BOB, {"city": "Oslo"}),
    ]


async def test_what_is_not_changed_makes_no_new_version(desk: Desk) -> None:
    email = await single(desk)
    same = await desk.emails.patch(desk.owner, email.id, EmailPatch(to=ADA, subject="Hello"))
    assert same.version == email.version
    assert (await desk.email_queries.email(desk.owner, email.id)).decisions == ()


@pytest.mark.parametrize(
    ("patch", "field", "said"),
    [
        (EmailPatch(to="nobody"), "to", "@"),
        (EmailPatch(to="BOB@example.com"), "to", "gets this campaign already"),
        (EmailPatch(to="gone@example.com"), "to", "suppression list"),
        (EmailPatch(fields={"city": "A\x00"}), "fields.city", "holds control characters"),
        (EmailPatch(to_name="A\x00da"), "to_name", "control characters"),
        (EmailPatch(to_name=""), "to_name", "the message uses {{ name }}"),
        (EmailPatch(fields={"city": " "}), "fields.city", "the message uses {{ city }}"),
        (EmailPatch(fields={"no name": "x"}), "fields", "cannot be a field's name"),
        (EmailPatch(subject="Mine"), "subject", "its campaign's"),
    ],
)
async def test_what_an_import_refuses_is_refused_here(
    desk: Desk, patch: EmailPatch, field: str, said: str
) -> None:
    email = await of_campaign(desk)
    await desk.suppressions.add(desk.owner, ["gone@example.com"], actor="ann")
    with pytest.raises(InvalidInput) as refused:
        await desk.emails.patch(desk.owner, email, patch)
    (problem,) = refused.value.problems
    assert problem.field == field
    assert said in problem.message
    assert "@example.com" not in problem.message.lower()  # the field has it
    assert await desk.world.fetchval("SELECT max(edition) FROM emails") is None


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        (EmailPatch(subject=" "), "subject"),
        (EmailPatch(text="", html=""), "text"),
        (EmailPatch(fields={"city": "Rome"}), "fields"),
        (EmailPatch(to="gone@example.com"), "to"),
    ],
)
async def test_what_a_new_single_email_is_refused_for_is_refused_here(
    desk: Desk, patch: EmailPatch, field: str
) -> None:
    email = await single(desk)
    await desk.suppressions.add(desk.owner, ["gone@example.com"], actor="ann")
    with pytest.raises(InvalidInput) as refused:
        await desk.emails.patch(desk.owner, email.id, patch)
    assert [problem.field for problem in refused.value.problems] == [field]


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        ("claimed", TooLate),
        ("sending", TooLate),
        ("sent", TooLate),
        ("in_doubt", TooLate),
        ("deferred", Conflict),
        ("failed", Conflict),
        ("cancelled", Conflict),
    ],
)
async def test_what_has_begun_is_not_changed_any_more(
    desk: Desk, state: str, refusal: type[Exception]
) -> None:
    email = await single(desk)
    await desk.world.execute(
        """
        UPDATE email_jobs SET state = $1::text,
               lease_until = CASE WHEN $1 IN ('claimed', 'sending') THEN now() END,
               sent_at = CASE $1 WHEN 'sent' THEN now() END,
               in_doubt_at = CASE $1 WHEN 'in_doubt' THEN now() END,
               failure_reason = CASE $1 WHEN 'failed' THEN 'rejected' END
        """,
        state,
    )
    with pytest.raises(refusal, match="cannot be changed"):
        await desk.emails.patch(desk.owner, email.id, LATER)


async def test_what_may_have_left_by_an_earlier_attempt_is_not_changed(desk: Desk) -> None:
    email = await single(desk)
    await desk.world.execute(
        """
        INSERT INTO attempts (email_id, attempt, sender_id, worker_run, outcome)
        SELECT email_id, 1, sender_id, email_id, 'in_doubt' FROM email_jobs
        """
    )
    with pytest.raises(Conflict, match="may have arrived as it was"):
        await desk.emails.patch(desk.owner, email.id, LATER)


async def test_a_change_of_another_version_or_of_another_owner_is_none(desk: Desk) -> None:
    email = await single(desk)
    seen = Only(frozenset({email.version}))
    await desk.emails.patch(desk.owner, email.id, EmailPatch(to_name="A"), only=seen)
    with pytest.raises(Outdated):
        await desk.emails.patch(desk.owner, email.id, EmailPatch(to_name="B"), only=seen)
    with pytest.raises(NotFound):
        await desk.emails.patch(uuid.uuid4(), email.id, LATER)


async def test_a_change_and_a_move_are_done_together_or_not_at_all(desk: Desk) -> None:
    email = await single(desk)
    at = clock.now() + timedelta(hours=1)
    both = EmailPatch(to=BOB, scheduled_at=at)
    changed = await desk.emails.patch(desk.owner, email.id, both)
    assert (changed.to, changed.scheduled_at) == (BOB, at)
    decided = (await desk.email_queries.email(desk.owner, email.id)).decisions
    assert [decision.what for decision in decided] == ["changed", "moved"]
    with pytest.raises(InvalidInput):
        await desk.emails.patch(
            desk.owner, email.id, EmailPatch(to="nobody", scheduled_at=clock.now())
        )
    assert await desk.world.fetchval("SELECT scheduled_at FROM email_jobs") == at


async def test_a_claim_that_began_before_a_change_does_not_send_what_stood_there(
    desk: Desk, database: Database
) -> None:
    email = await of_campaign(desk)
    sender = await desk.world.fetchval("SELECT id FROM senders")
    campaign = await desk.world.fetchval("SELECT id FROM campaigns")
    # The ledger's own statement, made to wait once it has looked and before it locks.
    slow = statement("claim").replace(
        "WITH wanted AS (",
        "WITH braked AS MATERIALIZED (SELECT pg_advisory_xact_lock(7)), wanted AS (",
    )
    slow = slow.replace(
        "SELECT w.campaign_id, w.n\n",
        "SELECT w.campaign_id, w.n + 0 * (SELECT count(*) FROM braked) AS n\n",
    )
    values = (sender, uuid.uuid4(), 30.0, [campaign], [10], 0, 0, 1)
    async with database.driver() as brake, database.driver() as worker:
        await brake.execute("SELECT pg_advisory_lock(7)")
        claiming = asyncio.ensure_future(worker.fetch(slow, *values))
        await desk.world.until_blocked(1)
        await desk.emails.patch(desk.owner, email, LATER)
        await brake.execute("SELECT pg_advisory_unlock(7)")
        assert [row["address"] for row in await claiming] == [BOB]
    assert await claim(database, desk) == [("later@example.com", {"city": "Rome", "plan": 1})]
