"""`paceline sender` against a server on a real port, as a person uses it from a terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from paceline.settings import Settings
from tests.dns import DnsServer, dns_server, text
from tests.integration.cli.serving import Paceline
from tests.integration.delivery.sink import Act, Sink
from tests.world import World


@pytest.fixture
async def names() -> AsyncIterator[DnsServer]:
    zones = {
        ("corp.example", "MX"): ["1 aspmx.l.google.com."],
        ("x.example", "TXT"): [text("v=spf1 +all")],
    }
    async with dns_server(zones) as server:
        yield server


@pytest.fixture
def settings(settings: Settings, names: DnsServer) -> Settings:
    return replace(settings, api=replace(settings.api, dns_server=("127.0.0.1", names.port)))


async def test_a_sender_is_added_verified_listed_and_deleted(paceline: Paceline) -> None:
    async with Sink(extensions=("AUTH PLAIN",)) as sink:
        made = await paceline(
            *("sender", "add", "news@x.example", "--smtp-host", "127.0.0.1"),
            *("--smtp-port", str(sink.port), "--smtp-security", "none"),
            *("--smtp-user", "ann", "--password-stdin"),
            typed="secret\n",
        )
    assert (made.code, made.error) == (0, None), made
    assert "is verified" in made.err
    listed = await paceline("sender", "list")
    assert f"verified     news@x.example  127.0.0.1:{sink.port}" in listed.out
    gone = await paceline("sender", "delete", "news@x.example")
    assert (gone.code, "is deleted" in gone.err) == (0, True)
    assert (await paceline("sender", "list")).out == ""


async def test_a_wrong_password_shows_the_dialogue_and_the_next_step(paceline: Paceline) -> None:
    acts: dict[str, Act] = {"AUTH": "535 5.7.8 no"}
    async with Sink(acts=acts, extensions=("AUTH PLAIN",)) as sink:
        made = await paceline(
            *("sender", "add", "news@x.example", "--smtp-host", "127.0.0.1"),
            *("--smtp-port", str(sink.port), "--smtp-security", "none", "--smtp-user", "ann"),
            typed="wrong\n",
        )
        again = await paceline("sender", "verify")
    for ran in (made, again):
        assert ran.code == 1
        assert "> AUTH PLAIN ***" in ran.err
        assert "cannot log in: 535 5.7.8 no" in ran.err
        assert "Enter user name and password again" in ran.err
        assert "wrong" not in ran.err


async def test_the_provider_is_guessed_and_may_be_chosen(paceline: Paceline, world: World) -> None:
    guessed = await paceline("sender", "presets", "ann@corp.example")
    assert "* google-workspace" in guessed.out
    unknown = await paceline("sender", "add", "ann@x.example")
    assert "--preset" in str(unknown.error)
    wrong = await paceline("sender", "add", "ann@x.example", "--preset", "nobody")
    assert "is none of" in str(wrong.error)
    region = await paceline(
        *("sender", "add", "a@x.example", "--preset", "amazon-ses", "--region", "moon-1")
    )
    assert "--region" in str(region.error)
    assert await world.fetchval("SELECT count(*) FROM senders") == 0


async def test_records_of_the_domain_are_judged(paceline: Paceline, world: World) -> None:
    await world.sender(from_address="news@x.example")
    looked = await paceline("sender", "dns")
    assert looked.code == 1
    assert "SPF    bad      It ends in +all" in looked.out
    assert "publish: _dmarc.x.example TXT v=DMARC1; p=none" in looked.out


async def test_a_sender_with_work_is_deleted_when_that_may_be_cancelled(
    paceline: Paceline, world: World
) -> None:
    sender_id = await world.sender()
    await world.campaign(sender_id, state="active")
    refused = await paceline("sender", "delete")
    assert "still has work" in str(refused.error)
    assert (await paceline("sender", "delete", "--cancel")).code == 0
    assert await world.fetchval("SELECT state FROM campaigns") == "cancelled"
