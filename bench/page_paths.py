"""Which pages and partials are measured: every one, and searches; by what they are called."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping

import asyncpg
import httpx2

PAGES = {
    "dashboard": "/",
    "dashboard, what moves": "/dashboard/now",
    "the day's chart": "/dashboard/day",
    "sidebar": "/nav",
    "scheduled": "/emails",
    "scheduled, its rows": "/emails/rows",
    "sent": "/emails?tab=sent",
    "failed": "/emails?tab=failed",
    "failed, by recipient": "/emails?tab=failed&sort=recipient",
    "in doubt": "/emails?tab=in_doubt",
    "in doubt, by recipient": "/emails?tab=in_doubt&sort=recipient",
    "cancelled": "/emails?tab=cancelled",
    "sent, of a sender": "/emails?tab=sent&sender={sender_id}",
    "failed, of a sender": "/emails?tab=failed&sender={sender_id}",
    "email": "/emails/{email_id}",
    "email, its drawer": "/emails/{email_id}/detail",
    "email, its message": "/emails/{email_id}/view",
    "email, its body": "/emails/{email_id}/body",
    "email, to change": "/emails/{email_id}/edit",
    "email, to move": "/emails/{email_id}/move",
    "campaigns": "/campaigns",
    "campaigns, their rows": "/campaigns/rows",
    "campaigns, a word": "/campaigns?q=note",
    "write": "/compose",
    "write, its timetable": "/compose/timetable?count=100000&sender_id={sender_id}",
    "drafts": "/drafts",
    "draft": "/compose/{draft_id}",
    "draft, its files": "/compose/{draft_id}/files",
    "draft, its recipients": "/compose/{draft_id}/recipients",
    "draft, a recipient": "/compose/{draft_id}/sample",
    "draft, its message": "/compose/{draft_id}/message",
    "senders": "/senders",
    "senders, their rows": "/senders/rows",
    "a sender": "/senders/{sender_id}",
    "a new sender": "/senders/new",
    "deleting a sender": "/senders/{sender_id}/delete",
    "suppressions": "/suppressions",
    "suppressions, a word": "/suppressions?q=smith",
    "suppressing": "/suppressions/new",
    "releasing": "/suppressions/remove?address={suppressed}",
    "API keys": "/api-keys",
    "audit log": "/audit-log",
    "audit log, a word": "/audit-log?q=campaign",
    "audit log, of a kind": "/audit-log?kind=campaign",
    "queue": "/queue",
    "queue, its rows": "/queue/rows",
    "dev inbox": "/inbox",
    "dev inbox, its rows": "/inbox/rows",
    "dev inbox, a message": "/inbox/{message_id}",
    "dev inbox, its drawer": "/inbox/{message_id}/view",
    "dev inbox, its body": "/inbox/{message_id}/body",
    "users": "/users",
    "account": "/account",
    "settings": "/settings",
}
# Of the largest campaign of each state.
OF_CAMPAIGN = {
    "{state} campaign": "/campaigns/{campaign_id}",
    "{state} campaign, its rows": "/campaigns/{campaign_id}/rows",
    "{state} campaign, its failed": "/campaigns/{campaign_id}?tab=failed",
    "{state} campaign, a common word": "/campaigns/{campaign_id}?q=smith",
    "{state} campaign, a recipient": "/campaigns/{campaign_id}/sample",
    "{state} campaign, before its launch": "/campaigns/{campaign_id}/launch-notes",
}
OF_LAUNCHED = {
    "{state} campaign, to change": "/campaigns/{campaign_id}/change",
    "{state} campaign, its message": "/campaigns/{campaign_id}/edit",
    "{state} campaign, its files": "/campaigns/{campaign_id}/files",
}
# Ways in; files, whose size is their owner's; and what reads the list of a draft.
NOT_MEASURED = {
    *("/login", "/auth/link", "/auth/invitation", "/auth/start", "/auth/callback"),
    *("/senders/connected", "/account/picture"),
    *("/emails/export", "/suppressions/export", "/audit-log/export"),
    *("/campaigns/{campaign_id}/files/{file_id}", "/campaigns/{campaign_id}/images/{content_id}"),
    *("/compose/{draft_id}/files/{file_id}", "/compose/{draft_id}/images/{content_id}"),
    "/campaigns/{campaign_id}/imports/{report_id}/refused",
    "/inbox/{message_id}/parts/{number}",
    *("/compose/{draft_id}/left-out.csv", "/compose/{draft_id}/review"),
}
SEARCHES = {
    "a common word": "smith",
    "two common words": "meyer anna",
    "two words, one rare": "bababe anna",
    "a rare word": "bababe",
    "a beginning, common": "me",
    "a beginning, rare": "babab",
    "an address": "late1@example.org",
    "a domain, common": "@gmail.com",
    "a domain, rare": "bababe.com",
    "a subject of all of a campaign": "you lisbon",
    "a subject and a name": "autumn smith",
    "nothing": "xyzzyx",
    "what all have": "com",
}
_ONE_OF_EACH = """
    SELECT (SELECT email_id FROM email_jobs
             WHERE owner_id = $1 AND state = 'scheduled' AND campaign_id IS NOT NULL
             ORDER BY due_at DESC, email_id DESC LIMIT 1) AS email_id,
           (SELECT sender_id FROM campaigns
             WHERE owner_id = $1 ORDER BY total DESC LIMIT 1) AS sender_id,
           (SELECT id FROM drafts
             WHERE owner_id = $1 AND deleted_at IS NULL AND campaign_id IS NULL
             LIMIT 1) AS draft_id,
           (SELECT id FROM inbox_messages ORDER BY id DESC LIMIT 1) AS message_id,
           (SELECT address_key FROM suppressions WHERE owner_id = $1 LIMIT 1) AS suppressed
"""


async def paths_of(database_url: str, owner: uuid.UUID) -> Mapping[str, str]:
    """All of them for this owner, but for those of which the home has none."""
    driver = await asyncpg.connect(database_url)
    try:
        things = dict(await driver.fetchrow(_ONE_OF_EACH, owner) or {})
        campaigns = await driver.fetch(
            "SELECT DISTINCT ON (state) state, id AS campaign_id FROM campaigns"
            " WHERE owner_id = $1 ORDER BY state, total DESC",
            owner,
        )
    finally:
        await driver.close()
    paths = {
        name: path.format(**things)
        for name, path in PAGES.items()
        if all(things[thing] for thing in re.findall(r"{(\w+)}", path))
    }
    for row in campaigns:
        own = OF_CAMPAIGN | (OF_LAUNCHED if row["state"] in {"active", "paused"} else {})
        paths |= {name.format(**row): path.format(**row) for name, path in own.items()}
    for name, words in SEARCHES.items():
        for tab in ("scheduled", "sent", "failed", "cancelled"):
            q = httpx2.QueryParams({"tab": tab, "q": words})
            paths[f"{tab}: {name}"] = f"/emails/rows?{q}"
    return paths
