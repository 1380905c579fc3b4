"""What is kept no longer is removed a little at a time, and only of what is over."""

from __future__ import annotations

import uuid
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy.exc import DBAPIError

from paceline import clock
from paceline.domain.identifiers import first_id_at
from paceline.errors import Conflict
from paceline.persistence.stores import retention as store
from paceline.services.retention import Retention
from paceline.services.retrying import Retrying
from paceline.settings import RetentionSettings
from tests.integration.services.conftest import Desk

DAYS = 30
KEPT = RetentionSettings(
    content=timedelta(days=DAYS), attempts=timedelta(days=DAYS), audit=timedelta(days=DAYS)
)
AGED = f"now() - interval '{DAYS + 1} days'"
FAILING = "SELECT 1 / (CAST(:most AS int) - 2) WHERE CAST(:before AS timestamptz) < now()"
ANY_ID = uuid.UUID(int=1)


async def remove(desk: Desk, kept: RetentionSettings = KEPT) -> int:
    """All of it; in how many pieces."""
    retention, pieces = Retention(desk.database, kept, walk_every=timedelta(0)), 1
    while await retention.piece():
        pieces += 1
    return pieces


async def emails(desk: Desk, how_many: int, state: str = "sent") -> list[uuid.UUID]:
    """Old emails of one campaign that end in this state, each with an attempt and merge fields."""
    world = desk.world
    sender = await world.sender()
    campaign = await world.campaign(sender)
    ids = await world.emails(sender, campaign, how_many)
    await age(desk, ids)
    await end(desk, ids, state)
    return ids


@pytest.fixture(autouse=True)
def _made_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids grow with time; these are as old as the emails."""
    first = first_id_at(clock.now() - timedelta(days=DAYS + 10)).int
    numbers = count(1)
    monkeypatch.setattr(
        "tests.world.new_ids", lambda n: [uuid.UUID(int=first + next(numbers)) for _ in range(n)]
    )


async def age(desk: Desk, ids: list[uuid.UUID]) -> None:
    await desk.world.execute(
        """
        UPDATE emails SET fields = '{"town": "Oslo"}', text_body = 'Dear reader' WHERE id = ANY ($1)
        """,
        ids,
    )


async def end(desk: Desk, ids: list[uuid.UUID], state: str, *, attempt: int = 1) -> None:
    outcome = {"sent": "sent", "in_doubt": "in_doubt"}.get(state, "rejected")
    await desk.world.execute(
        f"""
        UPDATE email_jobs SET state = $2, attempt = $3, updated_at = {AGED}, reply_text = 'said',
               sent_at = CASE $2 WHEN 'sent' THEN {AGED} END,
               in_doubt_at = CASE $2 WHEN 'in_doubt' THEN {AGED} END,
               lease_until = CASE WHEN $2 IN ('claimed', 'sending') THEN now() + '1 h' END,
               failure_reason = CASE $2 WHEN 'failed' THEN 'rejected' END
         WHERE email_id = ANY ($1)
        """,
        ids,
        state,
        attempt,
    )
    await desk.world.execute(
        f"""
        INSERT INTO attempts (email_id, attempt, sender_id, campaign_id, worker_run, outcome,
                              reply_text, dot_at, ended_at)
        SELECT email_id, $4, sender_id, campaign_id, $3, $2, 'said', {AGED}, {AGED}
          FROM email_jobs WHERE email_id = ANY ($1)
        """,
        ids,
        outcome,
        ANY_ID,
        attempt,
    )
    await desk.world.execute(
        "INSERT INTO email_decisions (email_id, what) SELECT unnest($1::uuid[]), 'moved'", ids
    )


async def left(desk: Desk, ids: list[uuid.UUID]) -> tuple[int, int, int]:
    """How many still have content, attempts, decisions."""
    counts = "SELECT count(DISTINCT email_id) FROM {} WHERE email_id = ANY ($1)"
    return (
        await desk.world.fetchval(
            "SELECT count(*) FROM emails WHERE id = ANY ($1)"
            " AND fields <> '{}' AND text_body IS NOT NULL",
            ids,
        ),
        await desk.world.fetchval(counts.format("attempts"), ids),
        await desk.world.fetchval(counts.format("email_decisions"), ids),
    )


@pytest.mark.parametrize("state", ["sent", "failed", "cancelled"])
async def test_what_is_over_loses_what_it_said_and_what_was_tried_and_stays_counted(
    desk: Desk, state: str
) -> None:
    ids = await emails(desk, 3, state)
    before = await desk.world.fetch("SELECT total, sent, failed, cancelled FROM campaigns")
    await remove(desk)
    assert await left(desk, ids) == (0, 0, 0)
    assert await desk.world.fetch("SELECT total, sent, failed, cancelled FROM campaigns") == before
    assert await desk.world.states(ids) == [state] * 3
    detail = await desk.email_queries.email(desk.owner, ids[0])
    assert (detail.text, detail.html, detail.fields, detail.attempts) == (None, None, {}, ())
    assert detail.email.content_removed_at is not None
    assert detail.email.attempts_removed_at is not None
    assert detail.email.reply_text is None
    assert await desk.email_queries.email_source(desk.owner, ids[0]) is None


@pytest.mark.parametrize("state", ["scheduled", "deferred", "claimed", "sending", "in_doubt"])
async def test_what_is_not_over_keeps_all_that_it_has(desk: Desk, state: str) -> None:
    ids = await emails(desk, 2, state)
    await remove(desk)
    assert await left(desk, ids) == (2, 2, 2)


async def test_what_was_over_later_is_kept_for_longer(desk: Desk) -> None:
    ids = await emails(desk, 2)
    await desk.world.execute(
        "UPDATE email_jobs SET updated_at = now() - interval '29 days' WHERE email_id = $1", ids[0]
    )
    await remove(desk)
    assert await left(desk, ids) == (1, 1, 1)
    assert await left(desk, ids[:1]) == (1, 1, 1)


async def test_an_attempt_without_a_certain_end_outlives_all(desk: Desk) -> None:
    (failed,) = await emails(desk, 1, "failed")
    await desk.world.execute("UPDATE attempts SET outcome = 'in_doubt'")
    await remove(desk)
    assert await left(desk, [failed]) == (0, 1, 0)
    retrying = Retrying(desk.database, desk.bell)
    with pytest.raises(Conflict):
        await retrying.one(desk.owner, failed)


async def test_nothing_is_removed_by_itself_but_the_audit_log_after_400_days(desk: Desk) -> None:
    ids = await emails(desk, 2)
    await desk.world.execute(
        "INSERT INTO audit_log (actor, action, subject, at) SELECT 'Ada', 'x', '', now() - age"
        " FROM unnest(ARRAY[interval '399 days', interval '401 days']) AS age"
    )
    await remove(desk, RetentionSettings())
    assert await left(desk, ids) == (2, 2, 2)
    assert await desk.world.fetchval("SELECT count(*) FROM audit_log WHERE action = 'x'") == 1


async def test_what_was_said_goes_and_what_was_tried_stays_where_that_is_wanted(desk: Desk) -> None:
    ids = await emails(desk, 2)
    await remove(desk, RetentionSettings(content=timedelta(days=DAYS)))
    assert await left(desk, ids) == (0, 2, 2)
    await remove(desk)
    assert await left(desk, ids) == (0, 0, 0)


async def test_an_email_whose_content_was_removed_is_never_sent_again(desk: Desk) -> None:
    ids = await emails(desk, 2, "failed")
    await remove(desk, RetentionSettings(content=timedelta(days=DAYS)))
    retrying = Retrying(desk.database, desk.bell)
    with pytest.raises(Conflict, match="kept no longer"):
        await retrying.one(desk.owner, ids[0])
    assert await desk.world.states(ids) == ["failed"] * 2


async def test_each_piece_is_small_and_the_next_one_goes_on_behind_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PIECE", 4)
    ids = await emails(desk, 10)
    retention = Retention(desk.database, KEPT)
    assert await retention.piece()
    assert await left(desk, ids) == (6, 6, 6)
    again = Retention(desk.database, KEPT)  # as after a restart
    assert await again.piece()
    assert not await again.piece()
    assert await left(desk, ids) == (0, 0, 0)


async def test_the_emails_are_walked_once_a_day(desk: Desk) -> None:
    await Retention(desk.database, KEPT).piece()
    ids = await emails(desk, 1)
    await Retention(desk.database, KEPT).piece()
    assert await left(desk, ids) == (1, 1, 1)
    await desk.world.execute("UPDATE retention_walk SET began_at = began_at - interval '1 day'")
    await Retention(desk.database, KEPT).piece()
    assert await left(desk, ids) == (0, 0, 0)


async def test_whatever_somebody_holds_is_passed_over_and_found_by_the_next_walk(
    desk: Desk,
) -> None:
    ids = await emails(desk, 2)
    async with desk.database.driver() as driver, driver.transaction():
        # The job of the first, and the attempt of the second.
        await driver.execute("SELECT FROM email_jobs WHERE email_id = $1 FOR UPDATE", ids[0])
        await driver.execute("SELECT FROM attempts WHERE email_id = $1 FOR UPDATE", ids[1])
        await remove(desk)
        assert await left(desk, ids) == (1, 2, 1)
    await remove(desk)
    assert await left(desk, ids) == (0, 0, 0)


async def test_two_workers_do_not_remove_at_once(desk: Desk) -> None:
    ids = await emails(desk, 1)
    async with desk.database.driver() as driver, driver.transaction():
        await driver.execute("SELECT FROM retention_walk FOR UPDATE")
        assert not await Retention(desk.database, KEPT).piece()
    assert await left(desk, ids) == (1, 1, 1)


async def test_caught_mail_drafts_refused_rows_and_answers_go_by_their_age(desk: Desk) -> None:
    world, month = desk.world, timedelta(days=DAYS)
    campaign = await world.campaign(await world.sender())
    for at in (AGED, "now()"):
        await world.execute(
            f"""
            INSERT INTO inbox_messages (id, received_at, mail_from, rcpt_to, subject, raw)
            VALUES (gen_random_uuid(), {at}, 'a@example.com', '{{b@example.org}}', '', '');
            """
        )
        await world.execute(
            f"""
            INSERT INTO import_reports (id, campaign_id, rows, accepted, duplicates, suppressed,
                                        refused, left_out, kept, created_at)
            VALUES (gen_random_uuid(), $1, 1, 0, 0, 0, 1, 0, '[[2, "nobody", "no address"]]', {at})
            """,
            campaign,
        )
        await world.execute(
            f"""
            INSERT INTO idempotency_keys (owner_id, key, request_hash, status, body, created_at)
            VALUES ($1, md5(random()::text), '', 200, 'b@example.org', {at})
            """,
            desk.owner,
        )
    await remove(desk, RetentionSettings(inbox=month, imports=month, drafts=month))
    for kept in (
        "SELECT count(*) FROM inbox_messages",
        "SELECT count(*) FROM import_reports WHERE kept <> '[]'",
        "SELECT count(*) FROM idempotency_keys",
    ):
        assert await world.fetchval(kept) == 1, kept
    assert await world.fetchval("SELECT sum(refused) FROM import_reports") == 2


async def test_what_is_old_is_told_by_the_clock_of_the_database(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.world.execute(
        "INSERT INTO idempotency_keys (owner_id, key, request_hash, status, body)"
        " VALUES ($1, 'k', '', 200, '')",
        desk.owner,
    )
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(days=400))
    await remove(desk)
    assert await desk.world.fetchval("SELECT count(*) FROM idempotency_keys") == 1


async def test_a_kind_that_fails_is_told_and_does_not_stop_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(store._DROP, "audit", FAILING)
    monkeypatch.setattr(store, "PIECE", 2)
    ids = await emails(desk, 5)
    retention = Retention(desk.database, KEPT)
    assert await retention.piece()
    assert await retention.piece()
    with pytest.raises(DBAPIError, match="division by zero"):
        await retention.piece()
    assert await left(desk, ids) == (0, 0, 0)


async def test_an_email_that_is_tried_again_keeps_its_new_attempts_as_long_as_any(
    desk: Desk,
) -> None:
    ids = await emails(desk, 1, "failed")
    await remove(desk, RetentionSettings(attempts=timedelta(days=DAYS)))
    assert await left(desk, ids) == (1, 0, 0)
    await Retrying(desk.database, desk.bell).one(desk.owner, ids[0])
    detail = await desk.email_queries.email(desk.owner, ids[0])
    assert detail.email.attempts_removed_at is None
    assert len(detail.attempts) == 1
    await end(desk, ids, "failed", attempt=3)
    await remove(desk, RetentionSettings(attempts=timedelta(days=DAYS)))
    assert await left(desk, ids) == (1, 0, 0)
