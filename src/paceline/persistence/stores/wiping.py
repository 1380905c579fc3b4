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
PIECE = 200  # emails
WALKED = 5_000  # emails, whose rows are searched in one statement
_PUNCTUATION = re.compile(r"[!-/:-?\[-`{-~]")
# Not as the end of a longer address; but behind what JSON, or `encode(…, 'escape')`, writes for a
# line break or a character. Looked at behind the address: before it, it would cost ten times more.
_BEFORE = r"(?:^|[^[:alnum:]._+-]|\\[bfnrt]|\\u[0-9a-f]{4}|\\[0-7]{3})"
_END = r"(?![[:alnum:]-]|\.[[:alnum:]])"

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
_SOME = f"""
    SELECT j.email_id FROM ({FIND}) e JOIN email_jobs j ON j.email_id = e.id
     WHERE j.state NOT IN ('claimed', 'sending') ORDER BY j.email_id LIMIT $3
"""  # noqa: S608 - ours
# Evidence, too, locks the job first (record.sql). $1 ids
_HOLD = """
    SELECT email_id, state, sender_id FROM email_jobs
     WHERE email_id = ANY ($1::uuid[]) AND state NOT IN ('claimed', 'sending')
     ORDER BY email_id FOR UPDATE
"""
_NOT_WIPED = f"SELECT count(*) FROM ({FIND}) e"  # noqa: S608 - ours
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
# $1 owner_id, $2 the hash
_FORGET_HASH = "DELETE FROM wiped_suppressions WHERE owner_id = $1 AND address_hash = $2"
_HASHES = "SELECT count(*) FROM wiped_suppressions WHERE owner_id = $1 AND address_hash = $2"

# $1 owner_id, $2 the address as a pattern, $3 what stands there instead
_MINE = "owner_id = $1"
_OF_MY_SENDERS = "sender_id IN (SELECT id FROM senders WHERE owner_id = $1)"
_OF_MY_EMAILS = "email_id IN (SELECT email_id FROM email_jobs WHERE owner_id = $1)"
_OF_MY_CAMPAIGNS = "campaign_id IN (SELECT id FROM campaigns WHERE owner_id = $1)"
# Columns of text, columns of JSON, and whose rows.
_NAMING_OF_EMAILS: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "attempts": (("reply_text",), (), _OF_MY_SENDERS),
    "email_jobs": (("reply_text",), (), _MINE),
    "attempt_dialogues": (("said",), (), _OF_MY_EMAILS),
    "email_decisions": ((), ("detail",), _OF_MY_EMAILS),
}
_NAMING: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
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
OF_EMAILS = tuple(_NAMING_OF_EMAILS)
# $1 after this email, $2 so many
_WALK = """
    SELECT email_id FROM (
        SELECT email_id FROM email_jobs WHERE email_id > $1 ORDER BY email_id LIMIT $2) next
     ORDER BY email_id DESC LIMIT 1
"""
# What its owner wrote, or who has an account here, is told and not changed. $1 owner, $2 pattern
_MENTIONS = {
    "campaigns": f"concat_ws(' ', name, subject, text_body, html_body) ~* $2 AND {_MINE}",
    "senders": f"concat_ws(' ', name, from_address, from_name, smtp_username) ~* $2 AND {_MINE}",
    "notification_settings": f"email_to ~* $2 AND {_MINE}",
    "users": "email ~* $2 AND id = $1",
}
# $3 after this email, $4 up to that one
_MENTIONING_EMAILS = f"""
    SELECT count(*) FROM emails
     WHERE concat_ws(' ', name, fields::text, subject, text_body, html_body) ~* $2 AND {_MINE}
       AND id > $3 AND id <= $4
"""  # noqa: S608 - ours
Between = tuple[uuid.UUID, uuid.UUID]  # after the first email, up to the last one


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldEmail:
    """One that is held still until the transaction ends."""

    id: uuid.UUID
    state: str
    sender_id: uuid.UUID


def pattern_of(written: Sequence[str]) -> str:
    """An address, as it may be written, for PostgreSQL's regular expressions."""
    address = f"(?:{'|'.join(''.join(map(_literal, one)) for one in written)})"
    return f"{address}{_END}(?<={_BEFORE}{address})"


def _literal(char: str) -> str:
    """One character, in either case: how others than ASCII's fold hangs on the database."""
    if char.isascii():
        return _PUNCTUATION.sub(r"\\\g<0>", char)
    cases = dict.fromkeys((char.lower(), char.upper()))
    escaped = ["".join(rf"\\{octet:03o}" for octet in case.encode()) for case in cases]
    escaped += [rf"\\u{ord(case):04x}" for case in cases if len(case) == 1]
    return f"(?:{'|'.join((*cases, *escaped))})"


async def hold_emails(session: AsyncSession, owner_id: uuid.UUID, key: str) -> list[HeldEmail]:
    """Some of the emails to this address that are on nobody's connection."""
    driver = await driver_of(session)
    ids = [row["email_id"] for row in await driver.fetch(_SOME, owner_id, key, PIECE)]
    rows = await driver.fetch(_HOLD, ids)
    return [HeldEmail(id=r["email_id"], state=r["state"], sender_id=r["sender_id"]) for r in rows]


async def not_wiped(session: AsyncSession, owner_id: uuid.UUID, key: str) -> int:
    """How many emails to this address there are still, whatever became of them."""
    count: int = await (await driver_of(session)).fetchval(_NOT_WIPED, owner_id, key)
    return count


async def wipe_emails(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Take person and content out of emails that are over."""
    driver = await driver_of(session)
    for each in _OF_EMAILS:
        await driver.execute(each, list(ids))


async def unsuppress(
    session: AsyncSession, owner_id: uuid.UUID, key: str, *, keep_hash: bool
) -> bool:
    """Take the address off the list, a hash of it kept if asked; whether it was suppressed."""
    driver = await driver_of(session)
    hashed = hash_of(owner_id, key)
    if keep_hash:
        await driver.execute(_KEEP_HASH, owner_id, key, hashed)
        gone = 0
    else:
        gone = _count(await driver.execute(_FORGET_HASH, owner_id, hashed))
    return gone + _count(await driver.execute(_UNSUPPRESS, owner_id, key)) > 0


async def has_hash(session: AsyncSession, owner_id: uuid.UUID, key: str) -> bool:
    """Whether it stays suppressed by its hash."""
    driver = await driver_of(session)
    count: int = await driver.fetchval(_HASHES, owner_id, hash_of(owner_id, key))
    return count > 0


async def walk(session: AsyncSession, after: uuid.UUID) -> uuid.UUID | None:
    """The last one of the next `WALKED` emails, whoever's; None: there are no more."""
    driver = await driver_of(session)
    last: uuid.UUID | None = await driver.fetchval(_WALK, after, WALKED)
    return last


async def wipe_mentions(
    session: AsyncSession,
    owner_id: uuid.UUID,
    pattern: str,
    table: str,
    between: Between | None = None,
) -> int:
    """Take the address out of this owner's rows in one of `NAMING`, or, of those `between` two
    emails, in one of `OF_EMAILS`; in how many of them."""
    driver = await driver_of(session)
    if table == _ANSWERS:
        return _count(await driver.execute(_WIPE_ANSWERS, owner_id, pattern))
    texts, objects, whose = (_NAMING | _NAMING_OF_EMAILS)[table]
    sets = [f"{c} = regexp_replace({c}, $2, $3, 'gi')" for c in texts]
    sets += [f"{c} = regexp_replace({c}::text, $2, $3, 'gi')::jsonb" for c in objects]
    if table == "drafts":
        sets.append("version = version + 1")  # a page that has it open does not write it back
    said = ", ".join((*texts, *(f"{c}::text" for c in objects)))
    where = " AND email_id > $4 AND email_id <= $5" if between else ""
    changed = await driver.execute(
        f"UPDATE {table} SET {', '.join(sets)}"  # noqa: S608 - ours
        f" WHERE concat_ws(' ', {said}) ~* $2 AND {whose}{where}",
        owner_id,
        pattern,
        REMOVED,
        *(between or ()),
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


async def mentioning_emails(
    session: AsyncSession, owner_id: uuid.UUID, pattern: str, between: Between
) -> int:
    """In how many emails to others the address stands."""
    driver = await driver_of(session)
    count: int = await driver.fetchval(_MENTIONING_EMAILS, owner_id, pattern, *between)
    return count


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
