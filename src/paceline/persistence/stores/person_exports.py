"""All that is kept about one address, as rows of JSON. What `wiping` takes out is told here."""

from __future__ import annotations

import json
import uuid
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.database import driver_of
from paceline.persistence.models import Suppression
from paceline.persistence.stores.wiping import FIND

# $1 owner_id, $2 address_key
_OF_EMAILS = {
    "emails": """
        SELECT m.id, m.address, m.name, m.fields, c.name AS campaign,
               coalesce(m.subject, c.subject) AS subject,
               coalesce(m.text_body, c.text_body) AS text,
               coalesce(m.html_body, c.html_body) AS html, m.message_id, m.created_at, m.line,
               s.from_address AS "from", j.state, j.scheduled_at, j.sent_at, j.failure_reason,
               j.reply_code, j.reply_enhanced, j.reply_text, j.content_removed_at
          FROM his e JOIN emails m ON m.id = e.id JOIN email_jobs j ON j.email_id = m.id
          JOIN senders s ON s.id = m.sender_id LEFT JOIN campaigns c ON c.id = m.campaign_id
         ORDER BY m.id
    """,
    "attempts": """
        SELECT a.email_id, a.attempt, a.outcome, a.phase, a.reply_code, a.reply_enhanced,
               a.reply_text, a.dot_at, a.ended_at, d.said
          FROM his e JOIN attempts a ON a.email_id = e.id
          LEFT JOIN attempt_dialogues d ON d.email_id = a.email_id AND d.attempt = a.attempt
         ORDER BY a.email_id, a.attempt
    """,
    "decisions": """
        SELECT d.email_id, d.what, d.decided_by, d.detail, d.at
          FROM his e JOIN email_decisions d ON d.email_id = e.id ORDER BY d.id
    """,
}
# $1 owner_id, $2 the address as a pattern
_MENTIONING = {
    "audit_log": """
        SELECT at, actor, action, subject, detail FROM audit_log
         WHERE owner_id = $1 AND (subject ~* $2 OR detail::text ~* $2) ORDER BY id
    """,
    "imports": """
        SELECT i.created_at, c.name AS campaign, row AS refused
          FROM import_reports i JOIN campaigns c ON c.id = i.campaign_id,
               jsonb_array_elements(i.kept) row
         WHERE c.owner_id = $1 AND row::text ~* $2 ORDER BY i.id
    """,
    "drafts": """
        SELECT id, name, subject, body FROM drafts
         WHERE owner_id = $1 AND concat_ws(' ', name, subject, body) ~* $2 ORDER BY id
    """,
    "suppressions": """
        SELECT address_key, reason, created_at, note, added_by, reply FROM suppressions
         WHERE owner_id = $1 AND concat_ws(' ', address_key, note, reply) ~* $2
    """,
}
_CAUGHT = """
    SELECT received_at, mail_from, rcpt_to, subject, encode(raw, 'escape') AS raw
      FROM inbox_messages
     WHERE array_to_string(rcpt_to, ' ') ~* $1 OR mail_from ~* $1 OR subject ~* $1
        OR encode(raw, 'escape') ~* $1
     ORDER BY id
"""


async def of_owner(
    session: AsyncSession, owner_id: uuid.UUID, key: str, pattern: str
) -> dict[str, list[Any]]:
    """What one owner has, by table."""
    of_emails = {
        name: await _rows(session, f"WITH his AS MATERIALIZED ({FIND}) {query}", owner_id, key)
        for name, query in _OF_EMAILS.items()
    }
    mentioning = {
        name: await _rows(session, query, owner_id, pattern) for name, query in _MENTIONING.items()
    }
    return of_emails | mentioning


async def caught(session: AsyncSession, pattern: str) -> list[Any]:
    """What the dev inbox has, which belongs to the installation."""
    return await _rows(session, _CAUGHT, pattern)


async def is_suppressed(session: AsyncSession, owner_id: uuid.UUID, key: str) -> bool:
    """Whether the address itself is on the list."""
    return await session.get(Suppression, (owner_id, key)) is not None


async def _rows(session: AsyncSession, query: str, *values: object) -> list[Any]:
    driver = await driver_of(session)
    told = await driver.fetchval(
        f"SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]')::text FROM ({query}) t",  # noqa: S608 - ours
        *values,
    )
    rows: list[Any] = json.loads(told)
    return rows
