"""API keys on their page: shown once, with a command that works as it stands."""

from __future__ import annotations

import html
import re
import shlex
import uuid

import httpx2
import pytest

from paceline.api import ApiParts
from paceline.auth.api_keys import ApiKeys
from paceline.delivery import Pool
from paceline.domain.scopes import Scope
from paceline.persistence.database import Database
from tests.api import api_parts, http_to
from tests.integration.web.conftest import words
from tests.world import World

NEW = {"name": "Nightly report", "scope": "read", "ends": ""}


def shown_key(page: str) -> str:
    found = re.search(r"<code id=\"made-key\"[^>]*>(pl_[^<]+)</code>", page)
    assert found is not None
    return found[1]


async def test_a_key_is_shown_this_once_with_a_command_that_works(
    page: httpx2.AsyncClient, database: Database
) -> None:
    made = await page.post("/api-keys", data=NEW)
    assert made.status_code == 201
    key = shown_key(made.text)
    principal = await ApiKeys(database).authenticate(key)
    assert principal is not None
    assert principal.scope is Scope.READ
    assert key not in (await page.get("/api-keys")).text
    listed = words((await page.get("/api-keys")).text)
    assert f"{key[:11]}…" in listed
    assert "ends never" in listed, "on a phone no header says which column it is"
    command = re.search(r"<code id=\"made-curl\"[^>]*>([^<]+)</code>", made.text)
    assert command is not None
    curl, _, option, header, url = shlex.split(html.unescape(command[1]))
    assert (curl, option) == ("curl", "-H")
    pool = Pool(allow_private_hosts=True)
    parts: ApiParts = api_parts(database, pool)
    async with http_to(parts) as http:
        name, _, value = header.partition(": ")
        answer = await http.get(url.removeprefix("http://localhost:3001"), headers={name: value})
    assert answer.status_code == 200
    await pool.close()


async def test_a_key_is_kept_nowhere_not_even_among_the_answers_of_forms(
    page: httpx2.AsyncClient, world: World
) -> None:
    made = await page.post("/api-keys", data={**NEW, "once": "a-token-of-a-form"})
    key = shown_key(made.text)
    kept = await world.fetch("SELECT convert_from(body, 'utf8') AS body FROM idempotency_keys")
    assert not any(key in (row["body"] or "") for row in kept)


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"name": ""}, "Name is missing."),
        ({"name": "", "ends": "2001-01-01"}, "2 fields need another look."),
        ({"ends": "2001-01-01"}, "The date has passed."),
        ({"scope": "all"}, "Choose one of these"),
    ],
)
async def test_what_is_wrong_is_said_and_what_was_typed_stays(
    page: httpx2.AsyncClient, form: dict[str, str], told: str
) -> None:
    answer = await page.post("/api-keys", data={**NEW, **form})
    assert answer.status_code == 422
    assert told in words(answer.text)
    assert 'value="{}"'.format({**NEW, **form}["name"]) in answer.text
    assert "No key yet" in words(answer.text)


async def test_a_last_day_is_a_day_of_the_readers_zone(
    page: httpx2.AsyncClient, world: World
) -> None:
    await page.post("/api-keys", data={**NEW, "ends": "2030-06-30"})
    [row] = await world.fetch(
        "SELECT to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS at FROM api_keys"
    )
    assert row["at"] == "2030-06-30 22:00"  # the end of that day in Berlin


async def test_a_key_is_revoked_by_its_owner_alone(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient, world: World, database: Database
) -> None:
    key = shown_key((await page.post("/api-keys", data=NEW)).text)
    key_id = await world.fetchval("SELECT id FROM api_keys")
    assert (await other_page.post(f"/api-keys/{key_id}/revoke")).status_code == 404
    assert "No key yet" in words((await other_page.get("/api-keys")).text)
    assert (await page.post(f"/api-keys/{uuid.uuid4()}/revoke")).status_code == 404
    assert await ApiKeys(database).authenticate(key) is not None
    assert (await page.post(f"/api-keys/{key_id}/revoke")).headers["Location"] == "/api-keys"
    assert await ApiKeys(database).authenticate(key) is None
    assert "Revoked: it opens nothing" in words((await page.get("/api-keys")).text)
