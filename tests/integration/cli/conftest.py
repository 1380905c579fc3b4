"""Commands as a person uses them from a terminal, against a server on a real port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from typer.testing import CliRunner

from paceline.auth.api_keys import ApiKeys
from paceline.cli.app import app
from paceline.settings import Settings
from tests.integration.cli.serving import Paceline, Ran, serving
from tests.world import World, settings_for


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    """The server's; a file of tests may have its own."""
    return settings_for(database_url, redis_url)


@pytest.fixture
async def url(settings: Settings) -> AsyncIterator[str]:
    async with serving(settings) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
async def paceline(url: str, world: World) -> Paceline:
    """A command with an API key of Ann's, who is the world's owner from then on."""
    key = await ApiKeys(world.database).create("ann@owner.test", "test")
    world.owner_id = await world.fetchval("SELECT id FROM users WHERE email = 'ann@owner.test'")

    async def run(*arguments: object, typed: str | None = None) -> Ran:
        command = [*map(str, arguments), "--url", url, "--api-key", key]
        result = await asyncio.to_thread(CliRunner().invoke, app, command, input=typed)
        return Ran(result.exit_code, result.stdout, result.stderr, result.exception)

    return run
