"""Questions to a real DNS server on loopback."""

from __future__ import annotations

import pytest

from paceline.delivery import DnsUnavailable, Resolver
from tests.dns import SILENT, dns_server, text

LONG = "v=DKIM1; k=rsa; p=" + "A" * 400


async def test_texts_are_put_together_from_their_strings() -> None:
    async with dns_server({("x.example", "TXT"): [text(LONG), text("other")]}) as server:
        assert sorted(await server.resolver.txt("x.example")) == ["other", LONG]


async def test_exchangers_come_in_the_order_of_their_preference() -> None:
    zones = {("x.example", "MX"): ["20 b.example.", "10 a.example."]}
    async with dns_server(zones) as server:
        assert await server.resolver.exchangers("x.example") == ("a.example", "b.example")


async def test_nothing_there_is_an_answer() -> None:
    async with dns_server({("x.example", "MX"): ["10 a.example."]}) as server:
        assert await server.resolver.txt("x.example") == ()
        assert await server.resolver.txt("nowhere.example") == ()


async def test_a_server_that_does_not_answer_is_told_in_time() -> None:
    async with dns_server({("x.example", "TXT"): [SILENT]}) as server:
        with pytest.raises(DnsUnavailable, match=r"x\.example"):
            await server.resolver.txt("x.example")


async def test_a_name_that_cannot_be_asked_for_is_told() -> None:
    with pytest.raises(DnsUnavailable):
        await Resolver(("127.0.0.1", 1)).txt("a" * 70 + ".example")
