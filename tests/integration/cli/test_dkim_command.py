"""`paceline dkim` against a server on a real port, as a person uses it from a terminal."""

from __future__ import annotations

import re

from paceline.errors import PacelineError
from tests.integration.cli.serving import Paceline
from tests.world import World


async def test_a_key_is_made_and_its_record_printed_for_a_zone_file(
    paceline: Paceline, world: World
) -> None:
    await world.sender()
    made = await paceline("dkim", "create", "--from", "news@example.com", "--selector", "s1")
    assert (made.code, made.error) == (0, None)
    line = made.out.strip()
    assert "\n" not in line
    strings = re.fullmatch(
        r's1\._domainkey\.example\.com\. IN TXT \( "([^"]{255})" "([^"]{1,255})" \)', line
    )
    assert strings is not None, line
    assert (strings[1] + strings[2]).startswith("v=DKIM1; k=rsa; p=")
    assert strings[1] + strings[2] in made.err.replace("\n", " ")
    shown = await paceline("dkim", "show")
    assert (shown.code, shown.out) == (0, made.out)
    assert "PRIVATE" not in made.out + made.err


async def test_a_second_key_is_refused_until_the_first_is_dropped(
    paceline: Paceline, world: World
) -> None:
    await world.sender()
    assert (await paceline("dkim", "create", "--algorithm", "ed25519")).code == 0
    again = await paceline("dkim", "create")
    assert again.code != 0
    assert isinstance(again.error, PacelineError)
    assert "already" in str(again.error)
    assert (await paceline("dkim", "drop")).code == 0
    gone = await paceline("dkim", "show")
    assert "no DKIM key" in str(gone.error)


async def test_a_wrong_selector_is_named(paceline: Paceline, world: World) -> None:
    await world.sender()
    refused = await paceline("dkim", "create", "--selector", "a b")
    assert str(refused.error).startswith("selector: ")


async def test_which_sender_must_be_clear(paceline: Paceline, world: World) -> None:
    await world.sender()
    await world.sender(from_address="other@example.com", name="Other")
    asked = await paceline("dkim", "show")
    assert "which sender?" in str(asked.error)
    assert "other@example.com" in str(asked.error)
