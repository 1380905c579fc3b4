from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from paceline import clock
from paceline.domain.gate import HeldBy
from paceline.domain.lifecycle import JobState
from paceline.domain.pacing import HOUR, hour_of
from paceline.domain.recipients import RawRecipient
from paceline.errors import OperationalError
from paceline.persistence.stores import overview as overview_store
from paceline.services.email_queries import EmailQueries
from paceline.services.emails import NewEmail
from paceline.services.selecting import EmailFilter
from paceline.services.senders import SenderPatch
from paceline.services.status import Activity, Allowance, Status
from paceline.services.views import CampaignView, EmailView
from tests.integration.services.conftest import Desk

READERS = [RawRecipient(email=f"u{i}@example.com", name=f"Reader {i}") for i in range(3)]


async def running(desk: Desk, **values: object) -> tuple[uuid.UUID, uuid.UUID]:
    """A campaign under way with three recipients: (campaign, sender)."""
    draft = await desk.draft(recipients=READERS, **values)
    await desk.campaigns.launch(desk.owner, draft.id)
    return draft.id, draft.sender_id


async def waiting(desk: Desk) -> list[EmailView]:
    return (await desk.email_queries.emails(desk.owner, EmailFilter())).items


async def test_nothing_holds_an_email_whose_turn_it_is(desk: Desk) -> None:
    await running(desk)
    first = (await waiting(desk))[0]
    assert (first.held_by, first.release_at) == (None, None)
    assert first.estimated_send_at is not None


async def test_an_email_on_its_way_says_so_when_its_server_takes_long_to_answer(desk: Desk) -> None:
    campaign_id, _ = await running(desk)

    async def on_their_way(emails: int, *, seconds: int) -> None:
        await desk.world.execute(
            "UPDATE email_jobs SET state = 'claimed', attempt = 1,"
            " lease_until = now() + interval '60 s', updated_at = now() - make_interval(secs => $2)"
            " WHERE email_id IN (SELECT email_id FROM email_jobs ORDER BY email_id LIMIT $1)",
            emails,
            seconds,
        )

    async def campaign() -> CampaignView:
        return await desk.queries.campaign(desk.owner, campaign_id)

    await on_their_way(3, seconds=5)
    assert {e.held_by for e in await waiting(desk)} == {None}
    assert (await campaign()).held_by is None
    await on_their_way(2, seconds=80)  # the third moves
    assert [e.held_by for e in await waiting(desk)].count(HeldBy.SERVER_SILENT) == 2
    assert (await campaign()).held_by is None
    await on_their_way(3, seconds=80)
    view = await campaign()
    assert view.held_by is HeldBy.SERVER_SILENT
    assert (view.held_reason or "").startswith("waiting since 20")


async def test_an_exhausted_hour_holds_an_email_until_the_next_one(desk: Desk) -> None:
    _, sender_id = await running(desk)
    await desk.senders.patch(desk.owner, sender_id, SenderPatch(hourly_limit=1))
    desk.meter.used[sender_id] = 1
    next_hour = hour_of(clock.now()) + HOUR
    emails = await waiting(desk)
    assert {(e.held_by, e.release_at) for e in emails} == {(HeldBy.HOURLY_LIMIT, next_hour)}
    estimates = [e.estimated_send_at for e in emails]
    assert estimates == [next_hour, next_hour + HOUR, next_hour + 2 * HOUR]


async def test_a_campaigns_own_limit_holds_only_its_own_emails(desk: Desk) -> None:
    campaign_id, sender_id = await running(desk, hourly_limit=2)
    single = NewEmail(sender_id=sender_id, to="single@example.com", subject="S", text="T")
    await desk.emails.create(desk.owner, single)
    desk.meter.used[campaign_id] = 2
    held = {e.to: e.held_by for e in await waiting(desk)}
    assert held["u0@example.com"] is HeldBy.CAMPAIGN_HOURLY_LIMIT
    assert held["single@example.com"] is None


async def test_what_the_lane_met_is_told_with_its_wake_up(desk: Desk) -> None:
    await running(desk)
    wake_at = clock.now() + timedelta(minutes=3)
    await desk.world.execute("UPDATE lanes SET held_by = 'min_delay', wake_at = $1", wake_at)
    first = (await waiting(desk))[0]
    assert (first.held_by, first.release_at) == (HeldBy.MIN_DELAY, wake_at)


async def test_a_lane_that_sleeps_out_the_hour_is_told_as_the_full_hour(desk: Desk) -> None:
    await running(desk, hourly_limit=9)
    next_hour = hour_of(clock.now()) + HOUR
    await desk.world.execute(
        "UPDATE lanes SET held_by = 'campaign_hourly_limit', wake_at = $1",
        next_hour + timedelta(milliseconds=1),
    )
    first = (await waiting(desk))[0]
    assert (first.held_by, first.release_at) == (HeldBy.CAMPAIGN_HOURLY_LIMIT, next_hour)


async def test_a_pause_is_told_before_everything_else_and_has_no_end(desk: Desk) -> None:
    campaign_id, _ = await running(desk, start_at=clock.now() + timedelta(days=1))
    await desk.campaigns.pause(desk.owner, campaign_id)
    first = (await waiting(desk))[0]
    assert (first.held_by, first.release_at, first.estimated_send_at) == (
        *(HeldBy.CAMPAIGN_PAUSED, None),
        None,
    )


async def test_a_broken_sender_is_why_its_emails_wait(desk: Desk) -> None:
    campaign_id, _ = await running(desk)
    await desk.world.execute("UPDATE senders SET state = 'broken', state_reason = '535 no'")
    assert {e.held_by for e in await waiting(desk)} == {HeldBy.SENDER_BROKEN}
    view = await desk.queries.campaign(desk.owner, campaign_id)
    assert (view.held_by, view.release_at) == (HeldBy.SENDER_BROKEN, None)
    assert view.held_reason == "535 no"


async def test_what_the_server_said_is_told_with_the_rest_that_follows(desk: Desk) -> None:
    campaign_id, _ = await running(desk)
    until = clock.now() + timedelta(minutes=15)
    said = "Daily user sending limit exceeded"
    await desk.world.execute(
        "UPDATE senders SET resting_until = $1, state_reason = $2", until, said
    )
    first = (await waiting(desk))[0]
    assert (first.held_by, first.held_reason) == (HeldBy.HOST_RESTING, said)
    view = await desk.queries.campaign(desk.owner, campaign_id)
    assert (view.held_reason, view.release_at) == (said, until)


async def test_each_email_is_expected_a_gap_after_the_one_before(desk: Desk) -> None:
    start_at = datetime(2030, 1, 1, 9, tzinfo=UTC)
    await running(desk, start_at=start_at, min_delay_ms=90_000)
    expected = [e.estimated_send_at for e in await waiting(desk)]
    assert expected == [start_at + i * timedelta(seconds=90) for i in range(3)]
    last = await desk.email_queries.email(desk.owner, (await waiting(desk))[-1].id)
    assert last.email.estimated_send_at == expected[-1]


async def test_without_the_counters_a_list_is_still_a_list(desk: Desk) -> None:
    class Broken:
        async def used_this_hour(self, **_: object) -> dict[uuid.UUID, int]:
            raise OperationalError("Redis: gone")

    await running(desk, hourly_limit=1)
    queries = EmailQueries(desk.database, Broken())
    assert len((await queries.emails(desk.owner, EmailFilter())).items) == 3


async def test_the_overview_counts_campaigns_and_single_emails(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, sender_id = await running(desk)
    await desk.senders.patch(desk.owner, sender_id, SenderPatch(hourly_limit=40))
    for to, at in (("a@example.com", None), ("b@example.com", clock.now() + HOUR)):
        new = NewEmail(sender_id=sender_id, to=to, subject="S", text="T", scheduled_at=at)
        await desk.emails.create(desk.owner, new)
    one = "(SELECT email_id FROM email_jobs WHERE state = 'scheduled' LIMIT 1)"
    sent_at = clock.now()
    for state, extra in (
        ("sent", f"sent_at = '{sent_at}'"),
        ("failed", "failure_reason = 'rejected'"),
        ("in_doubt", "in_doubt_at = now()"),
    ):
        await desk.world.execute(
            f"UPDATE email_jobs SET state = '{state}', {extra} WHERE email_id = {one}"
        )
    overview = await desk.queries.overview(desk.owner)
    assert (overview.scheduled, overview.sent) == (2, 1)
    assert (overview.failed, overview.in_doubt, overview.cancelled) == (1, 1, 0)
    [sender] = overview.now.senders
    assert sender.hourly == Allowance(limit=40, used=0)
    monkeypatch.setattr(clock, "now", lambda: sent_at)  # or it may be yesterday's at midnight
    summary = await desk.queries.summary(desk.owner)
    assert (summary.sent, summary.sent_last_hour, summary.sent_today) == (1, 1, 1)
    assert overview.now.status.activity is Activity.SENDING
    nobody = await desk.queries.overview(uuid.uuid4())
    assert (nobody.scheduled, nobody.sent, nobody.now.status) == (0, 0, Status())


async def test_progress_counts_what_was_accepted_hour_by_hour(desk: Desk) -> None:
    campaign_id, sender_id = await running(desk)
    emails = await waiting(desk)
    this_hour = hour_of(clock.now())
    for email, sent_at in zip(emails, (this_hour, this_hour, this_hour - HOUR), strict=True):
        await desk.world.execute(
            "UPDATE email_jobs SET state = 'sent', sent_at = $2 WHERE email_id = $1",
            *(email.id, sent_at),
        )
    await desk.world.execute(
        "INSERT INTO attempts (email_id, attempt, sender_id, campaign_id, worker_run, outcome,"
        " dot_at) VALUES ($1, 1, $2, $3, $1, 'sent', $4)",
        *(emails[0].id, sender_id, campaign_id, this_hour),
    )
    progress = await desk.queries.campaign_progress(desk.owner, campaign_id)
    assert progress.sent_per_hour == [(this_hour - HOUR, 1), (this_hour, 2)]
    async with desk.database.transaction() as session:
        last = await overview_store.sent_per_hour(
            session, campaign_id, since=this_hour - 5 * HOUR, until=this_hour, most=1
        )
    assert last == [(this_hour, 2)]
    detail = await desk.email_queries.email(desk.owner, emails[0].id)
    assert [(a.attempt, a.outcome) for a in detail.attempts] == [(1, "sent")]


async def test_counts_by_state_add_up_to_the_total(desk: Desk) -> None:
    campaign_id, _ = await running(desk)
    for state, extra in (("deferred", ""), ("claimed", ", lease_until = now()")):
        await desk.world.execute(
            f"UPDATE email_jobs SET state = '{state}'{extra} WHERE email_id = "
            "(SELECT email_id FROM email_jobs WHERE state = 'scheduled' LIMIT 1)"
        )
    counts = (await desk.queries.campaign(desk.owner, campaign_id)).counts
    assert (counts.scheduled, counts.deferred, counts.claimed) == (1, 1, 1)
    states = frozenset({JobState.DEFERRED})
    page = await desk.email_queries.emails(desk.owner, EmailFilter(states=states))
    assert [e.state for e in page.items] == [JobState.DEFERRED]


async def test_a_search_finds_parts_of_addresses_and_names(desk: Desk) -> None:
    await running(desk)
    for q, found in (("U1@EXAMPLE", 1), ("reader 2", 1), ("example", 3), ("100%", 0), ("_", 0)):
        page = await desk.email_queries.emails(desk.owner, EmailFilter(q=q))
        assert len(page.items) == found, q


async def test_an_email_whose_message_cannot_be_filled_still_shows(desk: Desk) -> None:
    await running(desk)
    await desk.world.execute("UPDATE campaigns SET subject = 'Hi {{ nobody }}'")
    assert {e.subject for e in await waiting(desk)} == {"Hi {{ nobody }}"}
