"""A home full of emails: `python -m bench.seed --home DIR`, then `paceline up --home DIR`.

One owner (the home's) has as many as asked for, over campaigns of every state and size; five others
share a fifth as many of the same names. Made by SQL alone, without triggers and with the indexes
built afterwards: a million take about two minutes. The same every time, but for ids and times.
"""

from __future__ import annotations

import argparse
import asyncio
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg

from paceline import clock
from paceline.auth.users import Users
from paceline.domain.identifiers import new_id
from paceline.embedded import Postgres, running
from paceline.home import Home
from paceline.persistence.database import Database
from paceline.persistence.migrate import upgrade
from paceline.persistence.searching import mark_of, marked, said_by

EMAILS = 1_000_000
OTHERS = 5
OTHERS_SHARE = 0.04  # of the owner's emails, each
SMALL_CAMPAIGNS = 60  # beside the large ones, so that lists of campaigns have pages
SINGLE = 0.01
DEV_INBOX_PORT = 1025
_SQL = (Path(__file__).parent / "seed.sql").read_text()
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class _Kind:
    """A campaign: its part of all emails, how much of it is done, and what became of the rest."""

    name: str
    subject: str
    share: float
    state: str = "completed"
    done: float = 1.0
    days_ago: float = 30
    days: float = 2
    sender: int = 0

    @property
    def rest(self) -> str:
        return "cancelled" if self.state == "cancelled" else "scheduled"


LARGE = (
    _Kind("Autumn newsletter", "What is new this autumn, {{ first_name }}", 0.30, days_ago=60),
    _Kind("Price list", "Our new price list for {{ company }}", 0.15, days_ago=40, sender=1),
    _Kind("Winter outreach", "A question about {{ company }}", 0.20, "active", 0.5, 2, 2),
    _Kind("Conference", "See you in Lisbon?", 0.08, "active", 0.3, 1, 1, sender=2),
    _Kind("Next spring", "Spring is coming to {{ city }}", 0.08, "draft", 0.0, 1, 1),
    _Kind("Survey", "Three questions, {{ first_name }}", 0.05, "paused", 0.4, 5, 3, sender=1),
    _Kind("Summer sale", "Everything must go", 0.04, "cancelled", 0.6, 90, 2),
)


async def filled(database_url: str, *, emails: int) -> uuid.UUID:
    """Fill a migrated, empty database; the owner of `emails` of the emails in it."""
    database = Database(database_url)
    try:
        users = Users(database)
        owner = (await users.local_owner()).user_id
        names = [f"other{number}@example.com" for number in range(OTHERS)]
        others = [(await users.added(name)).user_id for name in names]
    finally:
        await database.close()
    driver = await asyncpg.connect(database_url)
    try:
        await _fill(driver, owner, others, emails)
    finally:
        await driver.close()
    return owner


async def _fill(
    driver: asyncpg.Connection[asyncpg.Record],
    owner: uuid.UUID,
    others: list[uuid.UUID],
    emails: int,
) -> None:
    await driver.execute(
        "SET session_replication_role = replica; SET synchronous_commit = off;"
        "SET maintenance_work_mem = '512MB'; SET work_mem = '256MB';"
        "CREATE TEMP TABLE seed_campaigns (campaign_id uuid, owner_id uuid, sender_id uuid,"
        " subject text, emails int, done float8, rest text, created_at timestamptz,"
        " began_at timestamptz, ended_at timestamptz, due_at timestamptz)"
    )
    indexes = await driver.fetch(
        "SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition"
        "  FROM pg_index WHERE indrelid = ANY ('{emails,email_jobs,attempts}'::regclass[])"
        "   AND NOT indisprimary AND NOT indisunique"
    )
    for index in indexes:
        await driver.execute(f"DROP INDEX {index['name']}")
    await _plan(driver, owner, emails)
    for other in others:
        await _plan(driver, other, int(emails * OTHERS_SHARE))
    await driver.execute(_SQL)
    await _fill_up(driver, owner, emails)
    for index in indexes:
        await driver.execute(index["definition"])
    await driver.execute("VACUUM (ANALYZE)")


async def _plan(driver: asyncpg.Connection[asyncpg.Record], owner: uuid.UUID, emails: int) -> None:
    senders = [new_id() for _ in range(3)]
    for number, sender in enumerate(senders):
        broken = number == len(senders) - 1
        await driver.execute(
            "INSERT INTO senders (id, owner_id, name, from_address, smtp_host, smtp_port,"
            " smtp_security, hourly_limit, state, state_reason)"
            " VALUES ($1, $2, $3, $4, '127.0.0.1', $5, 'none', 5000, $6, $7)",
            sender,
            owner,
            f"Sender {number + 1}",
            f"sender{number + 1}@example.com",
            DEV_INBOX_PORT,
            "broken" if broken else "active",
            "log-in refused: 535 5.7.8 authentication failed" if broken else None,
        )
        await driver.execute("INSERT INTO lanes (sender_id) VALUES ($1)", sender)
    small = 1 - SINGLE - sum(kind.share for kind in LARGE)
    kinds = [
        _Kind(f"Small {n + 1}", f"Note {n + 1} for {{{{ first_name }}}}", small / SMALL_CAMPAIGNS,
              days_ago=120 - n, sender=n % 2)
        for n in range(SMALL_CAMPAIGNS)
    ]  # fmt: skip
    for kind in sorted([*kinds, *LARGE], key=lambda kind: -kind.days_ago):
        await _plan_campaign(driver, owner, senders[kind.sender], kind, int(emails * kind.share))
    now = clock.now()
    await driver.execute(
        "INSERT INTO seed_campaigns VALUES (NULL, $1, $2, 'Invoice', $3, 0.9, 'scheduled',"
        " $4, $5, $6, $7)",
        owner,
        senders[0],
        int(emails * SINGLE),
        *(now - 31 * _DAY, now - 30 * _DAY, now - _DAY / 4, now + 2 * _DAY),
    )


async def _plan_campaign(
    driver: asyncpg.Connection[asyncpg.Record],
    owner: uuid.UUID,
    sender: uuid.UUID,
    kind: _Kind,
    emails: int,
) -> None:
    now = clock.now()
    began = now - kind.days_ago * _DAY
    # What waits is due in two days: nothing leaves while somebody looks around or measures.
    start = began if kind.state in {"completed", "cancelled"} else now + 2 * _DAY
    campaign: uuid.UUID = await driver.fetchval(
        "INSERT INTO campaigns (id, owner_id, sender_id, name, subject, text_body, start_at,"
        " time_zone, state, created_at, launched_at, finished_at, search)"
        " VALUES (uuidv7($7 - clock_timestamp()), $1, $2, $3, $4, 'Dear {{ first_name }}', $5,"
        " 'UTC', $6, $7, $8, $9, array_to_tsvector(string_to_array($10, ' '))) RETURNING id",
        owner,
        sender,
        kind.name,
        kind.subject,
        start,
        kind.state,
        *_life(kind, began),
        marked(mark_of(owner), said_by(kind.subject)),
    )
    await driver.execute(
        "INSERT INTO seed_campaigns VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        campaign,
        owner,
        sender,
        kind.subject,
        emails,
        kind.done,
        kind.rest,
        began - _DAY / 24,
        began,
        began + kind.days * _DAY / max(kind.done, 0.01),  # `done` of it was over by now
        start,
    )


def _life(kind: _Kind, began: datetime) -> tuple[datetime, datetime | None, datetime | None]:
    """When it was made, launched and finished."""
    over = kind.state in {"completed", "cancelled"}
    return (
        began - _DAY / 24,
        None if kind.state == "draft" else began,
        began + kind.days * _DAY if over else None,
    )


async def _fill_up(
    driver: asyncpg.Connection[asyncpg.Record], owner: uuid.UUID, emails: int
) -> None:
    """Rounding and chance duplicates leave a few out; single emails make up for them."""
    missing = emails - await driver.fetchval(
        "SELECT count(*) FROM emails WHERE owner_id = $1", owner
    )
    await driver.execute(
        "WITH added AS ("
        " INSERT INTO emails (id, owner_id, sender_id, address, address_key, subject, message_id,"
        "                     search)"
        " SELECT uuidv7(), $1, (SELECT min(id::text)::uuid FROM senders WHERE owner_id = $1),"
        "        a, a, 'Receipt', '<' || a || '>',"
        "        array_to_tsvector(ARRAY[m || 'late', m || n, m || 'example', m || 'org',"
        "                                m || 'receipt'])"
        "   FROM (SELECT n, 'late' || n || '@example.org' AS a, right($1::uuid::text, 6) AS m"
        "           FROM generate_series(1, $2) n) late"
        " RETURNING id, owner_id, sender_id)"
        "INSERT INTO email_jobs (email_id, owner_id, sender_id, scheduled_at, due_at)"
        " SELECT id, owner_id, sender_id, t, t"
        "   FROM added, (SELECT now() + interval '2 days' AS t) due",
        owner,
        missing,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.seed", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="a folder that is not there yet")
    parser.add_argument("--emails", type=int, default=EMAILS)
    given = parser.parse_args()
    home = Home.at(given.home, {})
    if home.postgres.exists():
        parser.error(f"{home.path} is a home already")
    home.create()
    began = time.monotonic()
    postgres = Postgres(home.postgres)
    with home.lock(), running(postgres, log=home.logs / "postgres.log"):
        upgrade(postgres.url)
        asyncio.run(filled(postgres.url, emails=given.emails))
    print(f"{given.emails:,} emails in {time.monotonic() - began:.0f} s")
    print(f"paceline up --no-sample --home {home.path}")


if __name__ == "__main__":
    main()
