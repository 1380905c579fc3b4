"""A campaign that is edited is previewed as one of its recipients will read it."""

from __future__ import annotations

import html
import json
import re

import httpx2

from tests.integration.web.conftest import FRAGMENT, words
from tests.integration.web.test_campaign_files import campaign_of, put_in
from tests.integration.web.test_images_in_text import DATA, HTML
from tests.world import World

PEOPLE = ["ada@example.org", "alan@example.org"]


async def edited(world: World) -> str:
    """The path of a draft to two people."""
    sender = await world.sender()
    campaign = await world.campaign(sender, state="draft")
    await world.emails(sender, campaign, PEOPLE)
    await world.execute(
        "UPDATE emails SET name = initcap(split_part(address, '@', 1)),"
        """ fields = '{"company": "Engines"}' WHERE address LIKE 'ada%'"""
    )
    return f"/campaigns/{campaign}"


def sample_in(page: str) -> dict[str, str]:
    [found] = re.findall(r'name="sample" value="([^"]*)"', page)
    values: dict[str, str] = json.loads(html.unescape(found))
    return values


async def test_it_is_for_its_first_recipient_and_for_whom_one_looks(
    page: httpx2.AsyncClient, world: World
) -> None:
    path = await edited(world)
    shown = (await page.get(f"{path}/edit")).text
    assert sample_in(shown) == {"company": "Engines", "email": PEOPLE[0], "name": "Ada"}
    assert "Preview as Ada" in words(shown)
    other = (await page.get(f"{path}/sample?as=alan", headers=FRAGMENT)).text
    assert sample_in(other)["email"] == PEOPLE[1]
    assert words(other).strip() == "as alan"
    nobody = (await page.get(f"{path}/sample?as=grace", headers=FRAGMENT)).text
    assert "nobody on the list is found by “grace”" in words(nobody)


async def test_it_shows_what_stands_there_unsaved_with_its_pictures(
    page: httpx2.AsyncClient, world: World
) -> None:
    path = await edited(world)
    await put_in(page, path)
    sample = json.dumps({"email": PEOPLE[0], "company": "Engines"})
    typed = {"subject": "For {{ company }}", "body": HTML, "format": "rich", "sample": sample}
    answer = await page.post(f"{path}/preview", data=typed)
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "For Engines" in words(answer.text)
    assert DATA in answer.text
    broken = await page.post(f"{path}/preview", data={**typed, "subject": "{{ company"})
    assert DATA not in broken.text


async def test_nobody_previews_as_the_recipient_of_another(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient, world: World
) -> None:
    path = await edited(world)
    assert (await other_page.get(f"{path}/sample?as=ada")).status_code == 404
    told = await other_page.post(f"{path}/preview", data={"subject": "Hi", "body": HTML})
    assert told.status_code == 404
    assert "There is nothing at this address" in words(told.text)


async def test_one_that_was_launched_has_none(page: httpx2.AsyncClient, world: World) -> None:
    _, path = await campaign_of(world, state="active")
    assert "preview-frames" not in (await page.get(f"{path}/edit")).text
