"""Adds recipients to a campaign in bulk: an email and its job each, thousands per statement.

One statement per batch says for each row what became of it: accepted, suppressed, or there already.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.identifiers import new_ids
from paceline.domain.recipients import Recipient
from paceline.persistence.database import driver_of
from paceline.persistence.models import Email
from paceline.persistence.searching import mark_of, marked

MAX_SAID = 500  # characters of a subject's values that can be searched

# Both inserts take the rows in the order given, so that of two alike the first one is taken.
_ADD = """
    WITH given AS MATERIALIZED (
        SELECT g.id, g.address, g.key, g.name, g.fields, g.line, g.words
          FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[],
                      $12::text[])
               AS g (id, address, key, name, fields, line, words)),
    barred AS MATERIALIZED (
        SELECT g.id FROM given g
          JOIN suppressions s ON s.owner_id = $7 AND s.address_key = g.key
        UNION
        SELECT g.id FROM given g
         WHERE EXISTS (SELECT FROM wiped_suppressions w WHERE w.owner_id = $7)  -- asked once
           AND EXISTS (SELECT FROM wiped_suppressions w
                        WHERE w.owner_id = $7
                          AND w.address_hash
                              = sha256(convert_to($7::text || ':' || g.key, 'UTF8')))),
    added AS (
        INSERT INTO emails (id, owner_id, campaign_id, sender_id, address, address_key, name,
                            fields, line, message_id, search)
        SELECT g.id, $7, $8, $9, g.address, g.key, g.name, g.fields::jsonb, g.line,
               '<' || g.id || '@' || $10 || '>',
               array_to_tsvector(string_to_array(g.words, ' '))
          FROM given g
         WHERE NOT EXISTS (SELECT 1 FROM barred b WHERE b.id = g.id)
        ON CONFLICT (campaign_id, address_key) WHERE campaign_id IS NOT NULL DO NOTHING
        RETURNING id),
    jobs AS (
        INSERT INTO email_jobs (email_id, owner_id, campaign_id, sender_id, scheduled_at, due_at)
        SELECT id, $7, $8, $9, $11, $11 FROM added)
    SELECT (SELECT count(*) FROM added) AS accepted, (SELECT count(*) FROM barred) AS suppressed
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a batch goes."""

    owner_id: uuid.UUID
    campaign_id: uuid.UUID
    sender_id: uuid.UUID
    message_id_domain: str
    scheduled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What became of a batch; the rest of it was in the campaign already."""

    accepted: int
    suppressed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Recipients as columns, ready for the wire. Made by `prepared`, off the event loop."""

    ids: list[uuid.UUID]
    addresses: Sequence[str]
    keys: Sequence[str]
    names: Sequence[str | None]
    fields: list[str]
    lines: Sequence[int]
    words: list[str]


def prepared(
    recipients: Sequence[Recipient], *, owner_id: uuid.UUID, in_subject: Sequence[str] = ()
) -> Batch:
    """At least one recipient, as columns. The order of the ids is the order given.

    `in_subject` are the fields that the subject takes, beside name and address.
    """
    lines, addresses, keys, names, fields = zip(*recipients, strict=True)
    mark = mark_of(owner_id)
    return Batch(
        ids=list(new_ids(len(recipients))),
        addresses=addresses,
        keys=keys,
        names=names,
        fields=[json.dumps(values) if values else "{}" for values in fields],
        lines=lines,
        words=[
            marked(mark, said_of(key, name, values, in_subject))
            for key, name, values in zip(keys, names, fields, strict=True)
        ],
    )


def said_of(
    key: str, name: str | None, fields: Mapping[str, object], in_subject: Sequence[str]
) -> str:
    """What an email of a campaign is found by, beside what the subject says to everybody."""
    said = [str(fields[field]) for field in in_subject if fields.get(field) is not None]
    return f"{key} {name or ''} {' '.join(said)[:MAX_SAID]}"


async def add_recipients(session: AsyncSession, to: Destination, batch: Batch) -> Added:
    """Add a batch, in its order. Holds the campaign's counters until the transaction ends."""
    driver = await driver_of(session)
    row = await driver.fetchrow(
        _ADD,
        batch.ids,
        batch.addresses,
        batch.keys,
        batch.names,
        batch.fields,
        batch.lines,
        to.owner_id,
        to.campaign_id,
        to.sender_id,
        to.message_id_domain,
        to.scheduled_at,
        batch.words,
    )
    assert row is not None, "an aggregate without GROUP BY answers with one row"
    return Added(accepted=row["accepted"], suppressed=row["suppressed"])


async def first_of(
    session: AsyncSession, campaign_id: uuid.UUID, *, most: int
) -> Sequence[Recipient]:
    """The first recipients of a campaign, in the order of its list."""
    found = await session.execute(
        select(Email.line, Email.address, Email.address_key, Email.name, Email.fields)
        .where(Email.campaign_id == campaign_id)
        .order_by(Email.id)
        .limit(most)
    )
    return [
        Recipient(row.line or 0, row.address, row.address_key, row.name, row.fields)
        for row in found
    ]
