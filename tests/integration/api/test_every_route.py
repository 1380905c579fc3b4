"""Every route of the API, walked as nobody, as somebody else, and as somebody who was disabled."""

from __future__ import annotations

from typing import Any

import httpx2
from sqlalchemy import text

from paceline.api.app import _application
from paceline.persistence.database import Database
from tests.integration.api.conftest import Client

# For whoever watches the process; each says by itself what it tells to whom.
OPEN = {"/healthz", "/readyz", "/metrics"}
ROUTES = sorted(
    (method.upper(), path)
    for path, described in _application().openapi()["paths"].items()
    for method in described
    if path not in OPEN
)
OF_ONE = [(method, path) for method, path in ROUTES if "{" in path]
# What a route asks for, so that it is not refused for that.
_GIVEN: dict[tuple[str, str], dict[str, Any]] = {
    ("PATCH", "/api/v1/senders/{sender_id}"): {"json": {"name": "Mine"}},
    ("POST", "/api/v1/senders/{sender_id}/test"): {"json": {"to": "bob@example.com"}},
    ("POST", "/api/v1/senders/{sender_id}/dkim"): {"json": {}},
    ("PATCH", "/api/v1/campaigns/{campaign_id}"): {"json": {"name": "Mine"}},
    ("POST", "/api/v1/campaigns/{campaign_id}/recipients"): {
        "json": {"recipients": [{"email": "bob@example.com"}]}
    },
    ("POST", "/api/v1/campaigns/{campaign_id}/retry"): {"json": {}},
    ("POST", "/api/v1/campaigns/{campaign_id}/attachments"): {
        "params": {"file_name": "a.txt"},
        "content": b"x",
        "headers": {"Content-Type": "text/plain"},
    },
    ("PATCH", "/api/v1/emails/{email_id}"): {"json": {"subject": "Mine"}},
    ("POST", "/api/v1/emails/{email_id}/resolve"): {"json": {"resolution": "sent"}},
}
_TABLES = ("senders", "campaigns", "emails", "email_jobs", "campaign_attachments", "suppressions")


async def things_of(ann: Client) -> dict[str, str]:
    """One of each, by the name that it has in a path."""
    sender = await ann.sender()
    campaign = await ann.campaign(sender_id=sender["id"], recipients=[{"email": "r@example.org"}])
    attached = await ann.call(
        "POST",
        f"/api/v1/campaigns/{campaign['id']}/attachments",
        params={"file_name": "secret-plan.txt"},
        content=b"x",
        headers={"Content-Type": "text/plain"},
    )
    email = await ann.email(sender_id=sender["id"], to="only-anns@example.org")
    await ann.post("/suppressions", {"addresses": ["gone@example.org"]})
    [key] = (await ann.get("/api-keys")).json()["items"]
    return {
        "sender_id": sender["id"],
        "campaign_id": campaign["id"],
        "attachment_id": attached.json()["id"],
        "email_id": email["id"],
        "address": "gone@example.org",
        "key_id": key["id"],
    }


async def stored(database: Database) -> dict[str, object]:
    async with database.transaction() as session:
        return {
            table: (
                await session.execute(
                    text(f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} t")
                )
            ).scalar_one()
            for table in _TABLES
        }


async def test_somebody_else_meets_and_changes_nothing_on_any_route(
    ann: Client, bob: Client, database: Database
) -> None:
    things = await things_of(ann)
    before = await stored(database)
    for method, path in ROUTES:
        given = _GIVEN.get((method, path), {})
        if method != "GET" and (method, path) not in OF_ONE:
            continue  # makes something of one's own
        answer = await bob.call(method, path.format(**things), **given)
        if (method, path) in OF_ONE:
            assert answer.status_code == 404, (method, path, answer.text)
        for thing in (*things.values(), "only-anns", "secret-plan", "r@example.org"):
            if path.format(**things).find(thing) < 0:
                assert thing not in answer.text, (method, path)
    assert await stored(database) == before


async def test_nobody_and_whoever_was_disabled_are_refused_on_every_route(
    http: httpx2.AsyncClient, bob: Client, database: Database
) -> None:
    some = "0190a5d0-0000-7000-8000-000000000000"
    names = ("sender_id", "campaign_id", "attachment_id", "email_id", "address", "key_id")
    assert (await bob.get("/campaigns")).status_code == 200
    async with database.transaction() as session:
        await session.execute(text("UPDATE users SET disabled_at = now()"))
    for method, path in ROUTES:
        where = path.format(**dict.fromkeys(names, some))
        assert (await http.request(method, where)).status_code == 401, (method, path)
        assert (await bob.call(method, where)).status_code == 401, (method, path)
