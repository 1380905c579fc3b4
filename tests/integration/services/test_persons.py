"""All that is kept about one recipient is given out, and wiped so that no dump has it any more."""

from __future__ import annotations

import asyncio
import gzip
import json
import uuid
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from paceline.bootstrap.backup.programs import programs_for
from paceline.domain.identifiers import new_id
from paceline.errors import InvalidInput
from paceline.persistence.stores.suppressions import Why, suppress
from paceline.services.emails import NewEmail
from paceline.services.persons import Persons, Suppressed
from tests.integration.services.conftest import Desk

HER = "Ada.Lovelace+news@example.org"
HER_KEY = HER.lower()
NAME = "Countess of Lovelace"


async def everywhere(desk: Desk) -> list[uuid.UUID]:
    """She stands in every table there is."""
    world, owner = desk.world, desk.owner
    sender = await world.sender(state_reason=f"550 <{HER}> unknown")
    ids = []
    for state in ("sent", "failed", "scheduled", "deferred", "in_doubt", "cancelled"):
        campaign = await world.campaign(sender)
        ids += await world.emails(sender, campaign, [HER, f"other.{HER}"])
        await world.execute(
            """
            UPDATE email_jobs SET state = $2, reply_text = $3,
                   sent_at = CASE $2 WHEN 'sent' THEN now() END,
                   in_doubt_at = CASE $2 WHEN 'in_doubt' THEN now() END,
                   failure_reason = CASE $2 WHEN 'failed' THEN 'rejected' END
             WHERE campaign_id = $1
            """,
            campaign,
            state,
            f"no {HER} here",
        )
    ids += await world.emails(sender, None, [HER])
    await world.execute(
        "UPDATE emails SET fields = $1::jsonb, name = $2 WHERE address = $3",
        json.dumps({"mail": HER, "title": NAME}),
        NAME,
        HER,
    )
    for statement in (
        """
        INSERT INTO attempts (email_id, attempt, sender_id, campaign_id, worker_run, outcome,
                              reply_text, dot_at, ended_at)
        SELECT email_id, 1, sender_id, campaign_id, email_id, 'rejected', $1, now(), now()
          FROM email_jobs
        """,
        "INSERT INTO attempt_dialogues SELECT email_id, 1, '> RCPT:<' || $1 || '>' FROM attempts",
        """
        INSERT INTO email_decisions (email_id, what, detail)
        SELECT email_id, 'changed', jsonb_build_object('to', jsonb_build_array($1::text, 'b@x.org'))
          FROM email_jobs
        """,
        """
        INSERT INTO audit_log (owner_id, actor, action, subject, detail)
        SELECT id, 'Bob', 'email.moved', $1, jsonb_build_object('note', 'said ' || $1) FROM users
        """,
        "INSERT INTO audit_log (actor, action, subject) VALUES ('Bob', 'sign_in.refused', $1)",
        """
        INSERT INTO import_reports (id, campaign_id, rows, accepted, duplicates, suppressed,
                                    refused, left_out, kept)
        SELECT gen_random_uuid(), id, 1, 0, 0, 0, 1, 0,
               jsonb_build_array(jsonb_build_array(2, $1::text, 'twice'))
          FROM campaigns
        """,
        """
        INSERT INTO inbox_messages (id, mail_from, rcpt_to, subject, raw)
        SELECT gen_random_uuid(), 'a@example.com', ARRAY[$1], 'Hi', convert_to($1, 'UTF8')
        """,
        """
        INSERT INTO idempotency_keys (owner_id, key, request_hash, status, body)
        SELECT id, 'k', '', 200, convert_to('{"to": "' || $1 || '"}', 'UTF8') FROM users
        """,
    ):
        await world.execute(statement, HER)
    hers = f"email\n{HER}\n".encode()
    for name, content in (("a.csv", hers), ("b", gzip.compress(hers)), ("c.csv", b"x@y.org")):
        await draft(desk, name, content)
    async with desk.database.transaction() as session:
        why = Why(reason="manual", note=f"{HER} asked")
        await suppress(session, owner, [HER_KEY], why=why)
    return ids


async def draft(desk: Desk, name: str, content: bytes) -> None:
    draft_id = new_id()
    others = ("saved_by", "sender_id", "format", '"when"', "start", "time_zone", "min_delay")
    more = ("hourly_limit", "encoding", "header_line", "address_column", "opt_out_column")
    empty = (*others, *more, "opt_in_column", "opted_out")
    await desk.world.execute(
        f"""
        INSERT INTO drafts (id, owner_id, list_id, list_name, list_octets, name, subject, body,
                            {", ".join(empty)})
        VALUES ($1, $2, gen_random_uuid(), $3, 9, $4, $4, $4, {", ".join(["''"] * len(empty))})
        """,
        draft_id,
        desk.owner,
        name,
        f"to {HER}" if name == "c.csv" else "",
    )
    half = len(content) // 2
    for position, piece in enumerate((content[:half], content[half:])):
        await desk.world.execute(
            "INSERT INTO draft_list_pieces VALUES ($1, $2, $3)", draft_id, position, piece
        )


async def dump_of(desk: Desk, database_url: str, folder: Path) -> str:
    """The whole database, as `pg_dump` writes it."""
    version = await desk.world.fetchval("SELECT current_setting('server_version_num')::int / 10000")
    program = programs_for(version, home=folder)["pg_dump"]
    url = database_url.replace("postgresql+asyncpg", "postgresql")
    dump = await asyncio.create_subprocess_exec(program, "--inserts", url, stdout=PIPE)
    said, _ = await dump.communicate()
    assert dump.returncode == 0
    return said.decode()


async def test_no_dump_of_the_database_has_a_wiped_address_any_more(
    desk: Desk, database_url: str, tmp_path: Path
) -> None:
    ids = await everywhere(desk)
    before = (await dump_of(desk, database_url, tmp_path)).lower()
    assert before.count(HER_KEY) > 30
    others = before.count(f"other.{HER_KEY}")
    done = await Persons(desk.database).wipe(None, HER)
    dump = (await dump_of(desk, database_url, tmp_path)).lower()
    left = [x for x in dump.splitlines() if HER_KEY in x.replace(f"other.{HER_KEY}", "")]
    assert left == []
    assert HER_KEY.encode().hex() not in dump  # as bytes are written
    assert NAME.lower() not in dump
    assert dump.count(f"other.{HER_KEY}") == others  # somebody else, whose address has hers in it
    assert (done.emails, done.under_way, done.left) == (7, 0, {})
    assert (done.cancelled, done.settled, done.lists) == (3, 1, 2)
    assert await desk.world.states(ids[::2]) == [
        *("sent", "failed", "cancelled", "cancelled", "sent", "cancelled", "cancelled")
    ]
    for row in await desk.world.fetch("SELECT total, sent, failed, cancelled FROM campaigns"):
        assert row["total"] == 2


async def test_everything_about_somebody_is_given_out_and_nothing_of_others(desk: Desk) -> None:
    await everywhere(desk)
    told = await Persons(desk.database).export(None, HER_KEY)
    assert {e["address"] for e in told["emails"]} == {HER}
    assert len(told["emails"]) == 7
    assert told["emails"][0]["fields"] == {"mail": HER, "title": NAME}
    of_emails = ("attempts", "decisions")
    for table in (*of_emails, "audit_log", "imports", "drafts", "suppressions", "inbox"):
        assert told[table], table
    assert json.dumps(told)


async def test_a_wiped_address_stays_suppressed_though_nobody_reads_who_it_is(desk: Desk) -> None:
    await everywhere(desk)
    await Persons(desk.database).wipe(desk.owner, HER)
    sender = (await desk.sender()).id
    new = NewEmail(sender_id=sender, to=HER, subject="Hi", text="Hi")
    with pytest.raises(InvalidInput, match="suppression list"):
        await desk.emails.create(desk.owner, new)
    campaign = (await desk.draft(sender_id=sender)).id
    report = await desk.upload(campaign, f"email\n{HER}\nbob@example.org\n")
    assert (report.accepted, report.suppressed) == (1, 1)
    await desk.suppressions.remove(desk.owner, HER, actor="Bob", note=None)
    await desk.emails.create(desk.owner, new)


@pytest.mark.parametrize(
    ("what", "kept"), [(Suppressed.KEEP, [HER_KEY]), (Suppressed.DROP, []), (Suppressed.HASH, [])]
)
async def test_whether_the_suppression_is_kept_is_chosen(
    desk: Desk, what: Suppressed, kept: list[str]
) -> None:
    await everywhere(desk)
    done = await Persons(desk.database).wipe(desk.owner, HER, suppressed=what)
    assert done.suppression is what
    page = await desk.suppressions.page(desk.owner)
    assert [one.address_key for one in page.items] == kept
    hashes = await desk.world.fetchval("SELECT count(*) FROM wiped_suppressions")
    assert hashes == (what is Suppressed.HASH)


async def test_what_is_leaving_just_now_is_told_and_wiped_when_asked_again(desk: Desk) -> None:
    sender = await desk.world.sender()
    [email] = await desk.world.emails(sender, await desk.world.campaign(sender), [HER])
    await desk.world.execute(
        "UPDATE email_jobs SET state = 'sending', attempt = 1, lease_until = now() + '1 min'"
    )
    persons = Persons(desk.database)
    done = await persons.wipe(desk.owner, HER)
    assert (done.emails, done.under_way) == (0, 1)
    await desk.world.execute(
        "UPDATE email_jobs SET state = 'sent', sent_at = now(), lease_until = NULL"
    )
    done = await persons.wipe(desk.owner, HER)
    assert (done.emails, done.under_way) == (1, 0)
    assert await desk.world.states([email]) == ["sent"]


async def test_an_owner_wipes_nothing_of_another(desk: Desk) -> None:
    await everywhere(desk)
    stranger = uuid.uuid4()
    await desk.world.execute(
        "INSERT INTO users (id, issuer, subject, name) VALUES ($1, 'test', 'eve', 'Eve')", stranger
    )
    persons = Persons(desk.database)
    done = await persons.wipe(stranger, HER)
    assert (done.emails, done.rows, done.suppression) == (0, {}, None)
    told = await persons.export(stranger, HER)
    assert not any(told[table] for table in ("emails", "audit_log", "suppressions"))
    assert await desk.world.fetchval("SELECT count(*) FROM inbox_messages") == 1


async def test_what_its_owner_wrote_about_somebody_is_told_and_left(desk: Desk) -> None:
    await desk.world.campaign(await desk.world.sender(), text_body=f"Write to {HER}")
    done = await Persons(desk.database).wipe(desk.owner, HER)
    assert done.left == {"campaigns": 1}


@pytest.mark.parametrize("address", ["", "example.org", "%@%"])
async def test_what_is_no_address_wipes_nothing(desk: Desk, address: str) -> None:
    with pytest.raises(InvalidInput, match="address"):
        await Persons(desk.database).wipe(None, address)
