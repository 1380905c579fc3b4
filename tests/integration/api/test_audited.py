"""What is done over the API is in the audit log with the key's name."""

from __future__ import annotations

from sqlalchemy import text

from paceline.persistence.database import Database
from tests.integration.api.conftest import Client


async def acts(database: Database) -> list[tuple[str, str, str | None, str]]:
    async with database.transaction() as session:
        found = await session.execute(
            text("SELECT action, actor, address, subject FROM audit_log ORDER BY id")
        )
        return [tuple(row) for row in found]  # type: ignore[misc]


async def test_an_act_names_the_key_and_where_it_came_from(ann: Client, database: Database) -> None:
    await ann.post("/suppressions", {"addresses": ["a@example.org"]})
    written = [row for row in await acts(database) if row[0] == "suppression.added"]
    assert written == [
        ("suppression.added", "ann@owner.test, by API key “test”", "127.0.0.1", "a@example.org")
    ]


async def test_a_single_email_is_none_and_a_campaign_is_one_row_when_it_is_launched(
    ann: Client, database: Database
) -> None:
    recipients = [{"email": f"r{n}@example.org"} for n in range(3)]
    campaign = await ann.campaign(recipients=recipients)
    await ann.email(sender_id=campaign["sender_id"])
    await ann.post(f"/campaigns/{campaign['id']}/launch")
    await ann.patch(f"/campaigns/{campaign['id']}", {"hourly_limit": 5})
    kinds = [row[0] for row in await acts(database) if not row[0].startswith("api_key.")]
    assert kinds == ["sender.added", "campaign.launched", "campaign.changed"]


async def test_what_is_refused_leaves_no_row(ann: Client, database: Database) -> None:
    campaign = await ann.campaign()
    assert (await ann.post(f"/campaigns/{campaign['id']}/launch")).status_code == 409
    assert "campaign.launched" not in [row[0] for row in await acts(database)]
