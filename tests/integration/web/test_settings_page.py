"""Settings of a person: the zone of all times, and the theme."""

from __future__ import annotations

import httpx2
import pytest

from tests.integration.web.conftest import words
from tests.world import World


async def test_the_chosen_zone_is_the_zone_of_all_times(
    page: httpx2.AsyncClient, world: World
) -> None:
    assert "Europe/Berlin" in words((await page.get("/campaigns")).text)
    form = {"time_zone": "Asia/Tokyo", "theme": "system"}
    assert (await page.post("/settings", data=form)).headers["Location"] == "/settings"
    saved = await page.get("/settings")
    assert "Saved." in words(saved.text)
    assert '<option value="Asia/Tokyo" selected>' in saved.text
    await world.execute(
        "INSERT INTO suppressions (owner_id, address_key, reason, created_at) "
        "VALUES ($1, 'a@x.org', 'manual', '2026-03-01T20:00:00Z')",
        world.owner_id,
    )
    html = (await page.get("/suppressions")).text
    assert "Asia/Tokyo (UTC+9)" in words(html)
    assert 'title="Mar 2 2026, 05:00:00 Asia/Tokyo (UTC+9)"' in html
    await page.post("/settings", data={"time_zone": "", "theme": "system"})
    assert "Europe/Berlin" in words((await page.get("/campaigns")).text)


async def test_the_theme_is_in_the_page_before_any_script_runs(page: httpx2.AsyncClient) -> None:
    assert 'data-theme="system"' in (await page.get("/campaigns")).text
    await page.post("/settings", data={"time_zone": "", "theme": "dark"})
    assert '<html lang="en" data-theme="dark" class="dark">' in (await page.get("/campaigns")).text
    assert (await page.post("/settings/theme", data={"theme": "light"})).status_code == 204
    assert '<html lang="en" data-theme="light">' in (await page.get("/campaigns")).text


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"time_zone": "Mars/Olympus", "theme": "dark"}, "Time zone names no zone that is known"),
        (
            {"time_zone": "../../etc/passwd", "theme": "dark"},
            "Time zone names no zone that is known",
        ),
        ({"time_zone": "", "theme": "pink"}, "Choose one of these"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    page: httpx2.AsyncClient, form: dict[str, str], told: str
) -> None:
    answer = await page.post("/settings", data=form)
    assert answer.status_code == 422
    assert told in words(answer.text)
    assert 'data-theme="system"' in (await page.get("/settings")).text


async def test_the_settings_are_each_persons_own(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient
) -> None:
    await page.post("/settings", data={"time_zone": "Asia/Tokyo", "theme": "dark"})
    assert "Asia/Tokyo (" not in words((await other_page.get("/campaigns")).text)
