"""What became of each row of a list stays with its campaign, and what was refused can be had."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx2

from paceline.bootstrap.use_cases import UseCases
from tests.integration.web.conftest import words
from tests.world import World

LIST = (
    b"email,name\nada@example.org,Ada\n=nobody,Nobody\nada@example.org,Ada\ngrace@example.org,G\n"
)


async def chunks() -> AsyncIterator[bytes]:
    yield LIST


async def test_the_report_of_an_import_stays_with_its_campaign(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient, world: World, cases: UseCases
) -> None:
    campaign = await world.campaign(await world.sender(), state="draft")
    before = (await page.get(f"/campaigns/{campaign}")).text
    assert "Imported lists" not in before
    await world.execute(
        "INSERT INTO suppressions (owner_id, address_key, reason) VALUES ($1, $2, 'manual')",
        world.owner_id,
        "grace@example.org",
    )
    await cases.imports.add_csv(world.owner_id, campaign, chunks())
    html = (await page.get(f"/campaigns/{campaign}")).text
    assert "4 rows, 1 accepted, 1 duplicate, 1 suppressed, 1 refused." in words(html)
    found = re.search(rf"/campaigns/{campaign}/imports/[0-9a-f-]+/refused", html)
    assert found is not None
    answer = await page.get(found[0])
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="refused.csv"')
    assert answer.text.splitlines()[0] == "line,value,reason"
    assert "3,'=nobody," in answer.text  # no spreadsheet takes it for a formula
    assert (await other_page.get(found[0])).status_code == 404
    elsewhere = await world.campaign(await world.sender(from_address="b@example.com"))
    assert (await page.get(found[0].replace(str(campaign), str(elsewhere)))).status_code == 404


async def test_a_draft_that_is_thrown_away_takes_its_reports_along(
    world: World, cases: UseCases
) -> None:
    campaign = await world.campaign(await world.sender(), state="draft")
    await cases.imports.add_csv(world.owner_id, campaign, chunks())
    assert await world.fetchval("SELECT count(*) FROM import_reports") == 1
    await cases.campaigns.discard(world.owner_id, campaign)
    assert await world.fetchval("SELECT count(*) FROM import_reports") == 0
