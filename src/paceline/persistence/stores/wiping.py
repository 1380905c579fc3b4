"""Takes one address out of all tables. What an email was stays, and what it counts; whose does not.

First its emails, which indexes find; then whatever else mentions the address, for which whole
tables are read. Of rows that say more than the address, only that is taken out of them.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.database import driver_of
from paceline.persistence.stores.suppressions import hash_of

REMOVED = "(removed)"
_PUNCTUATION = re.compile(r"[!-/:-?\[-`{-~]")
PIECE = 200  # emails

# $1 owner_id, $2 address_key
FIND = """
    SELECT e.id FROM (
        SELECT m.id FROM campaigns c
          JOIN emails m ON m.campaign_id = c.id AND m.address_key = $2 WHERE c.owner_id = $1
        UNION ALL
        SELECT m.id FROM emails m
         WHERE m.campaign_id IS NULL AND m.owner_id = $1 AND m.address_key = $2) e
"""
# $3 at most so many
_HOLD = f"""
    SELECT j.email_id, j.state, j.sender_id FROM ({FIND}) e JOIN email_jobs j ON j.email_id = e.id
     WHERE j.state NOT IN ('claimed', 'sending') ORDER BY j.email_id LIMIT $3 FOR UPDATE OF j
"""  # noqa: S608 - ours
_UNDER_WAY = f"""
    SELECT count(*) FROM ({FIND}) e JOIN email_jobs j ON j.email_id = e.id
     WHERE j.state IN ('claimed', 'sending')
"""  # noqa: S608 - ours
# $1 ids
_OF_EMAILS = (
    """
    UPDATE emails SET address = 'removed-' || replace(id::text, '-', '') || '@invalid',
           address_key = 'removed-' || replace(id::text, '-', '') || '@invalid', name = NULL,
           fields = '{}', subject = CASE WHEN subject IS NOT NULL THEN '(removed)' END,
           text_body = NULL, html_body = NULL, search = NULL
     WHERE id = ANY ($1::uuid[])
    """,
    "DELETE FROM attempt_dialogues WHERE email_id = ANY ($1::uuid[])",
    "DELETE FROM email_decisions WHERE email_id = ANY ($1::uuid[])",
    "UPDATE attempts SET reply_text = NULL WHERE email_id = ANY ($1::uuid[])",
    """
    UPDATE email_jobs SET reply_text = NULL, content_removed_at = now()
     WHERE email_id = ANY ($1::uuid[])
    """,
)

# $1 owner_id, $2 address_key, $3 its hash
_KEEP_HASH = """
    INSERT INTO wiped_suppressions (owner_id, address_hash, reason)
    SELECT owner_id, $3::bytea, reason FROM suppressions WHERE owner_id = $1 AND address_key = $2
    ON CONFLICT DO NOTHING
"""
_UNSUPPRESS = "DELETE FROM suppressions WHERE owner_id = $1 AND address_key = $2"

# $1 owner_id, $2 the address as a pattern, $3 what stands there instead
_MINE = "owner_id = $1"
_OF_MY_SENDERS = "sender_id IN (SELECT id FROM senders WHERE owner_id = $1)"
_OF_MY_EMAILS = "email_id IN (SELECT email_id FROM email_jobs WHERE owner_id = $1)"
_OF_MY_CAMPAIGNS = "campaign_id IN (SELECT id FROM campaigns WHERE owner_id = $1)"
# Columns of text, columns of JSON, and whose rows.
_NAMING: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "attempts": (("reply_text",), (), _OF_MY_SENDERS),
    "email_jobs": (("reply_text",), (), _MINE),
    "attempt_dialogues": (("said",), (), _OF_MY_EMAILS),
    "email_decisions": ((), ("detail",), _OF_MY_EMAILS),
    "suppressions": (("reply", "note"), (), _MINE),
    "senders": (("state_reason",), ("last_check",), _MINE),
    "audit_log": (("subject",), ("detail",), _MINE),
    "drafts": (("name", "subject", "body", "list_name", "opted_out"), (), _MINE),
    "import_reports": ((), ("kept",), _OF_MY_CAMPAIGNS),
    "notification_messages": (("body", "last_error"), (), _MINE),
}
_ANSWERS = "idempotency_keys"
_WIPE_ANSWERS = """
    UPDATE idempotency_keys SET body = convert_to('{}', 'UTF8')
     WHERE owner_id = $1 AND status IS NOT NULL AND encode(body, 'escape') ~* $2
"""
_INBOX = """
    DELETE FROM inbox_messages
     WHERE array_to_string(rcpt_to, ' ') ~* $1 OR mail_from ~* $1 OR subject ~* $1
        OR encode(raw, 'escape') ~* $1
"""
_OF_NOBODY = """
    UPDATE audit_log SET subject = regexp_replace(subject, $1, $2, 'gi'),
           detail = regexp_replace(detail::text, $1, $2, 'gi')::jsonb
     WHERE owner_id IS NULL AND (subject ~* $1 OR detail::text ~* $1)
"""
NAMING = (*_NAMING, _ANSWERS)
# What its owner wrote, or who has an account here, is told and not changed. $1 owner, $2 pattern
_MENTIONS = {
    "campaigns": f"concat_ws(' ', name, subject, text_body, html_body) ~* $2 AND {_MINE}",
    "emails": "concat_ws(' ', name, fields::text, subject, text_body, html_body) ~* $2"
    f" AND {_MINE}",
    "senders": f"concat_ws(' ', name, from_address, from_name, smtp_username) ~* $2 AND {_MINE}",
    "notification_settings": f"email_to ~* $2 AND {_MINE}",
    "users": "email ~* $2 AND id = $1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldEmail:
    """One that is held still until the transaction ends."""

    id: uuid.UUID
    state: str
    sender_id: uuid.UUID


def pattern_of(key: str) -> str:
    """The address for PostgreSQL's regular expressions, not as a part of a longer one."""
    literal = _PUNCTUATION.sub(r"\\\g<0>", key)
    return rf"(?<![a-z0-9._+-]){literal}(?![a-z0-9-]|\.[a-z0-9])"


async def hold_emails(session: AsyncSession, owner_id: uuid.UUID, key: str) -> list[HeldEmail]:
    """Some of the emails to this address that are on nobody's connection."""
    driver = await driver_of(session)
    rows = await driver.fetch(_HOLD, owner_id, key, PIECE)
    return [HeldEmail(id=r["email_id"], state=r["state"], sender_id=r["sender_id"]) for r in rows]


async def under_way(session: AsyncSession, owner_id: uuid.UUID, key: str) -> int:
    """How many are leaving at this moment."""
    count: int = await (await driver_of(session)).fetchval(_UNDER_WAY, owner_id, key)
    return count


async def wipe_emails(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Take person and content out of emails that are over."""
    driver = await driver_of(session)
    for each in _OF_EMAILS:
        await driver.execute(each, list(ids))


async def unsuppress(
    session: AsyncSession, owner_id: uuid.UUID, key: str, *, keep_hash: bool
) -> bool:
    """Take the address off the list, a hash of it kept if asked; whether it was there."""
    driver = await driver_of(session)
    if keep_hash:
        await driver.execute(_KEEP_HASH, owner_id, key, hash_of(owner_id, key))
    return _count(await driver.execute(_UNSUPPRESS, owner_id, key)) > 0


async def wipe_mentions(
    session: AsyncSession, owner_id: uuid.UUID, pattern: str, table: str
) -> int:
    """Take the address out of this owner's rows in one of `NAMING`; in how many of them."""
    driver = await driver_of(session)
    if table == _ANSWERS:
        return _count(await driver.execute(_WIPE_ANSWERS, owner_id, pattern))
    texts, objects, whose = _NAMING[table]
    sets = [f"{c} = regexp_replace({c}, $2, $3, 'gi')" for c in texts]
    sets += [f"{c} = regexp_replace({c}::text, $2, $3, 'gi')::jsonb" for c in objects]
    said = ", ".join((*texts, *(f"{c}::text" for c in objects)))
    changed = await driver.execute(
        f"UPDATE {table} SET {', '.join(sets)}"  # noqa: S608 - ours
        f" WHERE concat_ws(' ', {said}) ~* $2 AND {whose}",
        owner_id,
        pattern,
        REMOVED,
    )
    return _count(changed)


async def wipe_of_nobody(session: AsyncSession, pattern: str) -> dict[str, int]:
    """What belongs to the installation: caught mail, and acts that are about nobody's account."""
    driver = await driver_of(session)
    done = {
        "inbox_messages": _count(await driver.execute(_INBOX, pattern)),
        "audit_log": _count(await driver.execute(_OF_NOBODY, pattern, REMOVED)),
    }
    return {table: rows for table, rows in done.items() if rows}


async def mentions(session: AsyncSession, owner_id: uuid.UUID, pattern: str) -> dict[str, int]:
    """Where the address still stands, and is not taken out: in how many rows of what."""
    driver = await driver_of(session)
    found = {
        table: await driver.fetchval(
            f"SELECT count(*) FROM {table} WHERE {where}",  # noqa: S608 - ours
            owner_id,
            pattern,
        )
        for table, where in _MENTIONS.items()
    }
    return {table: rows for table, rows in found.items() if rows}


async def drafts_with_lists(session: AsyncSession, owner_id: uuid.UUID) -> list[uuid.UUID]:
    """Drafts of this owner that have a list of recipients."""
    driver = await driver_of(session)
    rows = await driver.fetch(
        "SELECT id FROM drafts WHERE owner_id = $1 AND list_id IS NOT NULL", owner_id
    )
    return [row["id"] for row in rows]


async def list_of(session: AsyncSession, draft_id: uuid.UUID) -> AsyncIterator[bytes]:
    """Its list, piece by piece."""
    driver = await driver_of(session)
    rows = await driver.fetch(
        "SELECT position FROM draft_list_pieces WHERE draft_id = $1 ORDER BY position", draft_id
    )
    for row in rows:
        piece: bytes = await driver.fetchval(
            "SELECT content FROM draft_list_pieces WHERE draft_id = $1 AND position = $2",
            draft_id,
            row["position"],
        )
        yield piece


async def drop_list(session: AsyncSession, draft_id: uuid.UUID) -> None:
    """A list of which one recipient is to be wiped has to be uploaded anew, without them."""
    driver = await driver_of(session)
    await driver.execute("DELETE FROM draft_list_pieces WHERE draft_id = $1", draft_id)
    await driver.execute(
        "UPDATE drafts SET list_id = NULL, list_name = NULL, list_octets = NULL,"
        " version = version + 1 WHERE id = $1",
        draft_id,
    )


def _count(tag: str) -> int:
    return int(tag.rpartition(" ")[2])
