"""Lists that are short: counted to the end, and sorted by whatever one likes, page by page."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from paceline.domain import short_lists
from paceline.domain.lifecycle import EmailList, FailureReason, JobState
from paceline.domain.recipients import RawRecipient
from paceline.domain.short_lists import Extent, SortBy
from paceline.errors import NotFound
from paceline.persistence.stores import searches, whole_lists
from paceline.services.emails import NewEmail
from paceline.services.selecting import EmailFilter
from tests.integration.services.conftest import Desk

PEOPLE = [
    RawRecipient(email="z@example.com", name="Émile Adam"),
    RawRecipient(email="carl@example.com"),
    RawRecipient(email="a@example.com", name="Zoe Young"),
    RawRecipient(email="b@example.com", name="emil Berg"),
    RawRecipient(email="c@example.com", name="Dora Smith"),
]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
BY_NAME = ["carl", "c", "b", "z", "a"]


@pytest.fixture
async def campaign_id(desk: Desk) -> uuid.UUID:
    return (await desk.draft(recipients=PEOPLE)).id


async def walked(desk: Desk, wanted: EmailFilter) -> list[str]:
    """The local parts in the list's order, page by page; and the same way back."""
    pages: list[list[str]] = []
    cursor, back = None, None
    while True:
        page = await desk.email_queries.emails(desk.owner, wanted, cursor=cursor, limit=2)
        pages.append([email.to.partition("@")[0] for email in page.items])
        cursor, back = page.next_cursor, page.previous_cursor
        if cursor is None:
            break
    for before in pages[-2::-1]:
        page = await desk.email_queries.emails(desk.owner, wanted, cursor=back, limit=2)
        assert [email.to.partition("@")[0] for email in page.items] == before
        back = page.previous_cursor
    return [name for page in pages for name in page]


async def test_a_short_list_is_sorted_by_recipient_as_people_read_names(
    desk: Desk, campaign_id: uuid.UUID
) -> None:
    wanted = EmailFilter(sort=SortBy.RECIPIENT, states=EmailList.SCHEDULED.states)
    assert await walked(desk, wanted) == BY_NAME
    backwards = EmailFilter(sort=SortBy.RECIPIENT, campaign_id=campaign_id, backwards=True)
    assert await walked(desk, backwards) == BY_NAME[::-1]


async def test_what_a_search_finds_is_sorted_and_counted(
    desk: Desk, campaign_id: uuid.UUID
) -> None:
    for q, names in (("em", ["b", "z"]), ("Hello", BY_NAME), ("a@example.com", ["a"]), ("zz", [])):
        wanted = EmailFilter(q=q, sort=SortBy.RECIPIENT)
        assert await walked(desk, wanted) == names
        assert (await desk.email_queries.emails(desk.owner, wanted)).extent == Extent(len(names))
        assert await desk.email_queries.how_many_emails(desk.owner, wanted) == Extent(len(names))


async def test_what_seems_to_be_found_too_often_is_counted_among_the_first_alone(
    desk: Desk, campaign_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("GLANCE", 4), ("MANY", 1.0), ("MAX_SORTED", 3)):
        monkeypatch.setattr(searches, name, value)
    wanted = EmailFilter(q="example")  # four of the first four: five of five, it seems
    counted = await desk.email_queries.emails(desk.owner, wanted, limit=2, counted=True)
    assert counted.extent == Extent(4, False)
    rare = EmailFilter(q="carl")  # one of the first four: about one of five
    assert await desk.email_queries.how_many_emails(desk.owner, rare) == Extent(1)


async def test_a_short_list_is_sorted_by_campaign_those_without_one_first(desk: Desk) -> None:
    sender = await desk.sender()
    for name in ("Zoo", "apple", "Émile"):
        person = RawRecipient(email=f"{name.lower()}@example.com")
        await desk.draft(name=name, sender_id=sender.id, recipients=[person])
    await desk.emails.create(
        desk.owner, NewEmail(sender_id=sender.id, to="x@example.com", subject="S", text="T")
    )
    assert await walked(desk, EmailFilter(sort=SortBy.CAMPAIGN)) == ["x", "apple", "émile", "zoo"]


async def test_failures_are_sorted_by_why(desk: Desk, campaign_id: uuid.UUID) -> None:
    for name, reason, code in (
        ("a", FailureReason.HARD_BOUNCE, 551),
        ("b", FailureReason.EXPIRED, None),
        ("c", FailureReason.HARD_BOUNCE, 550),
    ):
        await desk.world.execute(
            "UPDATE email_jobs SET state = 'failed', failure_reason = $2, reply_code = $3"
            " WHERE email_id = (SELECT id FROM emails WHERE address_key = $1)",
            f"{name}@example.com",
            reason,
            code,
        )
    states = frozenset({JobState.FAILED})
    assert await walked(desk, EmailFilter(states=states, sort=SortBy.STATUS)) == ["b", "c", "a"]


async def test_a_longer_list_comes_by_its_time_and_is_counted_to_where_it_ends(
    desk: Desk, campaign_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_time = await walked(desk, EmailFilter(q="example"))
    monkeypatch.setattr(short_lists, "MAX_SORTED", 3)
    monkeypatch.setattr(whole_lists, "MAX_COUNTED", 4)
    for wanted in (
        EmailFilter(sort=SortBy.RECIPIENT, campaign_id=campaign_id),
        EmailFilter(sort=SortBy.RECIPIENT, backwards=True),
    ):
        assert await walked(desk, wanted) == by_time
        assert await desk.email_queries.how_many_emails(desk.owner, wanted) == Extent(4, False)


async def test_a_list_that_grew_too_long_meanwhile_goes_on_from_its_beginning(
    desk: Desk, campaign_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = EmailFilter(sort=SortBy.RECIPIENT)
    cursor = (await desk.email_queries.emails(desk.owner, wanted, limit=2)).next_cursor
    monkeypatch.setattr(short_lists, "MAX_SORTED", 3)
    page = await desk.email_queries.emails(desk.owner, wanted, cursor=cursor, limit=2)
    first = await desk.email_queries.emails(desk.owner, EmailFilter(), limit=2)
    assert [email.id for email in page.items] == [email.id for email in first.items]


async def test_nothing_of_another_owner_is_counted_or_sorted(
    desk: Desk, campaign_id: uuid.UUID
) -> None:
    stranger = uuid.uuid4()
    wanted = EmailFilter(sort=SortBy.RECIPIENT)
    assert await desk.email_queries.how_many_emails(stranger, wanted) == Extent(0)
    assert (await desk.email_queries.emails(stranger, wanted)).items == []
    with pytest.raises(NotFound):
        await desk.email_queries.how_many_emails(stranger, EmailFilter(campaign_id=campaign_id))


@pytest.mark.parametrize("which", EmailList)
async def test_however_long_a_list_is_the_counters_say_how_many_a_campaign_or_a_sender_has(
    desk: Desk, campaign_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch, which: EmailList
) -> None:
    sender_id = await desk.world.fetchval("SELECT sender_id FROM campaigns")
    new = NewEmail(sender_id=sender_id, to="alone@example.org", subject="S", text="T")
    await desk.emails.create(desk.owner, new)
    other = await desk.world.sender()
    await desk.world.emails(other, await desk.world.campaign(other), 3)
    if which is not EmailList.SCHEDULED:
        extra = {"sent": ", sent_at = now()", "failed": ", failure_reason = 'rejected'"}
        await desk.world.execute(f"UPDATE email_jobs SET state = '{which}'{extra.get(which, '')}")
    monkeypatch.setattr(whole_lists, "MAX_COUNTED", 2)
    wanted = EmailFilter(states=which.states, campaign_id=campaign_id)
    assert await desk.email_queries.how_many_emails(desk.owner, wanted) == Extent(5)
    wanted = EmailFilter(states=which.states, sender_id=sender_id, backwards=True)
    assert await desk.email_queries.how_many_emails(desk.owner, wanted) == Extent(6)
    wanted = EmailFilter(states=which.states, sender_id=sender_id, begin=LONG_AGO)
    assert await desk.email_queries.how_many_emails(desk.owner, wanted) == Extent(2, False)
