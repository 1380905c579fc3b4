"""Somebody is wiped while mail to them waits, leaves, or ends: none of it brings them back."""

from __future__ import annotations

import asyncio
import gzip
import json
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from paceline.domain import list_search
from paceline.domain.acts import Act
from paceline.domain.addresses import spellings
from paceline.persistence.statements import statement
from paceline.persistence.stores import wiping
from paceline.persistence.stores.suppressions import Why, suppress
from paceline.services.persons import Persons, Suppressed
from tests.integration.services.conftest import Desk
from tests.integration.services.test_persons import draft

HER = "ada@example.org"
UNDER_WAY = "UPDATE email_jobs SET state = 'sending', attempt = 1, lease_until = now() + '1 min'"
DEFERRED = "UPDATE email_jobs SET state = 'deferred', lease_until = NULL, deferrals = 1"
IN_DOUBT = "UPDATE email_jobs SET state = 'in_doubt', attempt = 1, in_doubt_at = now()"
ATTEMPT = """
    INSERT INTO attempts (email_id, attempt, sender_id, campaign_id, worker_run, outcome, dot_at)
    SELECT email_id, 1, sender_id, campaign_id, email_id, 'in_doubt', now() FROM email_jobs
"""


async def one_email(desk: Desk) -> tuple[uuid.UUID, uuid.UUID]:
    """To her; (email, sender)."""
    sender = await desk.world.sender()
    [email] = await desk.world.emails(sender, await desk.world.campaign(sender), [HER])
    return email, sender


async def suppressed(desk: Desk) -> None:
    async with desk.database.transaction() as session:
        await suppress(session, desk.owner, [HER], why=Why(reason="manual", note=None))


async def claim(desk: Desk, sender: uuid.UUID) -> list[str]:
    """What becomes of all that is due."""
    campaigns = [row["id"] for row in await desk.world.fetch("SELECT id FROM campaigns")]
    each = [5] * len(campaigns)
    async with desk.database.driver() as driver:
        rows = await driver.fetch(
            statement("claim"), sender, uuid.uuid4(), 60.0, campaigns, each, 5, 0, 1
        )
    return [row["state"] for row in rows]


def at(monkeypatch: pytest.MonkeyPatch, name: str, then: Callable[[], Awaitable[object]]) -> None:
    """Let something happen just before this step of a wipe, the first time."""
    real, happened = getattr(wiping, name), []

    async def step(*given: Any, **more: Any) -> object:
        if not happened:
            happened.append(name)
            await then()
        return await real(*given, **more)

    monkeypatch.setattr(wiping, name, step)


async def test_nobody_who_is_suppressed_is_mailed_while_they_are_wiped(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, sender = await one_email(desk)
    await suppressed(desk)
    claimed: list[str] = []

    async def claims() -> None:
        claimed.extend(await claim(desk, sender))

    at(monkeypatch, "hold_emails", claims)
    done = await Persons(desk.database).wipe(desk.owner, HER)
    assert claimed == ["failed"]
    assert (done.emails, done.suppression) == (1, Suppressed.HASH)


@pytest.mark.parametrize("fate", [Suppressed.HASH, Suppressed.DROP])
async def test_who_is_suppressed_stays_on_the_list_while_an_email_to_them_is_under_way(
    desk: Desk, fate: Suppressed
) -> None:
    _, sender = await one_email(desk)
    await desk.world.execute(UNDER_WAY)
    await suppressed(desk)
    persons = Persons(desk.database)
    done = await persons.wipe(desk.owner, HER, suppressed=fate)
    assert (done.under_way, done.suppression) == (1, Suppressed.KEEP)
    await desk.world.execute(DEFERRED)
    assert await claim(desk, sender) == ["failed"]
    done = await persons.wipe(desk.owner, HER, suppressed=fate)
    assert (done.emails, done.under_way, done.suppression) == (1, 0, fate)
    assert await desk.world.fetchval("SELECT count(*) FROM suppressions") == 0


async def test_what_was_under_way_and_waits_again_meanwhile_is_wiped_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    email, _ = await one_email(desk)
    await desk.world.execute(UNDER_WAY)
    at(monkeypatch, "drafts_with_lists", lambda: desk.world.execute(DEFERRED))
    done = await Persons(desk.database).wipe(desk.owner, HER)
    assert (done.emails, done.cancelled, done.under_way) == (1, 1, 0)
    assert await desk.world.states([email]) == ["cancelled"]


async def test_what_is_not_wiped_is_told_whatever_became_of_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await one_email(desk)
    await desk.world.execute(UNDER_WAY)
    at(monkeypatch, "not_wiped", lambda: desk.world.execute(DEFERRED))
    done = await Persons(desk.database).wipe(desk.owner, HER)
    assert (done.emails, done.under_way) == (0, 1)


@pytest.mark.parametrize(
    ("first", "then", "hashes"),
    [
        (Suppressed.HASH, Suppressed.DROP, 0),
        (Suppressed.HASH, Suppressed.KEEP, 1),
        (Suppressed.HASH, Suppressed.HASH, 1),
    ],
)
async def test_the_hash_of_somebody_who_was_wiped_goes_where_they_may_be_mailed_again(
    desk: Desk, first: Suppressed, then: Suppressed, hashes: int
) -> None:
    await suppressed(desk)
    persons = Persons(desk.database)
    await persons.wipe(desk.owner, HER, suppressed=first)
    done = await persons.wipe(desk.owner, HER, suppressed=then)
    assert done.suppression is (Suppressed.HASH if hashes else Suppressed.DROP)
    assert await desk.world.fetchval("SELECT count(*) FROM wiped_suppressions") == hashes


async def test_a_list_that_unpacks_into_more_than_is_ever_read_is_told_and_left(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_search, "MAX_OCTETS", 1 << 20)
    await draft(desk, "large", gzip.compress(bytes(4 << 20) + HER.encode()))
    await draft(desk, "broken", gzip.compress(b"email\n")[:-9])
    await draft(desk, "hers", gzip.compress(f"email\n{HER}\n".encode()))
    done = await Persons(desk.database).wipe(desk.owner, HER)
    assert (done.lists, done.left) == (1, {"drafts": 2})


async def test_evidence_that_comes_late_does_not_write_a_wiped_address_back(desk: Desk) -> None:
    email, _ = await one_email(desk)
    await desk.world.execute(IN_DOUBT)
    await desk.world.execute(ATTEMPT)
    await Persons(desk.database).wipe(desk.owner, HER)
    await record(desk, email, "rejected", "failed", 550, f"<{HER}>: no such user")
    async with desk.database.driver() as driver:
        await driver.execute(statement("dialogues"), [email], [1], [f"> RCPT TO:<{HER}>"], 5)
    attempts = await desk.world.fetch("SELECT outcome, reply_code, reply_text FROM attempts")
    assert [tuple(dict(row).values()) for row in attempts] == [("rejected", 550, None)]
    assert await desk.world.fetchval("SELECT count(*) FROM attempt_dialogues") == 0
    assert await desk.world.fetchval("SELECT count(*) FROM suppressions") == 0
    await record(desk, email, "sent", "sent", 250, f"ok, {HER}")
    assert await desk.world.fetchval("SELECT count(reply_text) FROM email_jobs") == 0


async def record(desk: Desk, email: uuid.UUID, *how: Any) -> Sequence[Any]:
    outcome, state, code, said = how
    bounced = state == "failed"
    given = ([outcome], [state], ["dot"], [code], [None], [said])
    more = (["hard_bounce" if bounced else None], [None], [0], [bounced], uuid.uuid4())
    async with desk.database.driver() as driver:
        return await driver.fetch(statement("record"), [email], [1], *given, *more)


async def test_a_wipe_and_late_evidence_wait_for_each_other_but_not_in_a_ring(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    email, _ = await one_email(desk)
    await desk.world.execute(IN_DOUBT)
    await desk.world.execute(ATTEMPT)
    late: list[asyncio.Task[Sequence[Any]]] = []

    async def comes() -> None:
        late.append(asyncio.create_task(record(desk, email, "sent", "sent", 250, "ok")))
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        async with asyncio.timeout(20):
            while not await desk.world.fetchval(waiting):
                assert not late[0].done()

    at(monkeypatch, "wipe_emails", comes)
    done = await Persons(desk.database).wipe(desk.owner, HER)
    await late[0]
    assert (done.emails, done.under_way) == (1, 0)
    assert await desk.world.states([email]) == ["sent"]


async def test_a_wipe_that_fails_leaves_a_trace(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails() -> None:
        raise LookupError

    at(monkeypatch, "wipe_mentions", fails)
    with pytest.raises(LookupError):
        await Persons(desk.database).wipe(desk.owner, HER)
    noted = "SELECT detail FROM audit_log WHERE action = $1 ORDER BY id"
    [row] = await desk.world.fetch(noted, Act.RECIPIENT_WIPED)
    assert json.loads(row["detail"]) == {}
    await Persons(desk.database).wipe(desk.owner, HER)
    rows = await desk.world.fetch(noted, Act.RECIPIENT_WIPED)
    assert json.loads(rows[1]["detail"]) == {"emails": 0, "left": 0}


@pytest.mark.parametrize(
    ("said", "is_his"),
    [
        ("Ada\\tJ\u00dcRGEN@b\u00fccher.example", True),
        ("Ada\\nj\u00fcrgen@xn--bcher-kva.example.", True),
        ("\\u0009J\\u00fcrgen@B\u00dcCHER.example", True),
        ("\\342\\200\\234j\\303\\274rgen@b\\303\\274cher.example", True),
        ("other.j\u00fcrgen@b\u00fccher.example", False),
        ("\u00f1j\u00fcrgen@b\u00fccher.example", False),
        ("j\u00fcrgen@b\u00fccher.example.net", False),
    ],
)
async def test_an_address_is_found_as_it_may_be_written(
    desk: Desk, said: str, is_his: bool
) -> None:
    pattern = wiping.pattern_of(spellings("j\u00fcrgen@xn--bcher-kva.example"))
    assert await desk.world.fetchval("SELECT $1::text ~* $2", said, pattern) is is_his


async def test_what_stands_behind_a_line_break_is_wiped(desk: Desk) -> None:
    said = f"Ada\t{HER}\n{HER}"
    await desk.world.execute(
        "INSERT INTO audit_log (owner_id, actor, action, subject, detail)"
        " SELECT id, 'Bob', 'x', '', jsonb_build_object('a', $1::text) FROM users",
        said,
    )
    await desk.world.execute(
        "INSERT INTO idempotency_keys (owner_id, key, request_hash, status, body)"
        " SELECT id, 'k', '', 200, $1 FROM users",
        json.dumps({"a": said}).encode(),
    )
    done = await Persons(desk.database).wipe(desk.owner, HER)
    assert done.rows == {"audit_log": 1, "idempotency_keys": 1}


async def test_large_tables_are_read_in_pieces(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    sender = await desk.world.sender()
    campaign = await desk.world.campaign(sender)
    await desk.world.emails(sender, campaign, 5)
    await desk.world.execute(ATTEMPT)
    await desk.world.execute("UPDATE attempts SET reply_text = $1", f"no {HER}")
    await desk.world.execute("UPDATE emails SET fields = jsonb_build_object('by', $1::text)", HER)
    monkeypatch.setattr(wiping, "WALKED", 2)
    done = await Persons(desk.database).wipe(desk.owner, HER)
    assert (done.rows["attempts"], done.left) == (5, {"emails": 5})
