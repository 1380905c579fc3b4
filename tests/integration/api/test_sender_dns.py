"""What DNS says of a sender's domain, and which provider an address needs, over the API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from paceline.api import ApiParts
from paceline.delivery import Pool
from paceline.persistence.database import Database
from tests.api import api_parts
from tests.dns import SILENT, DnsServer, dns_server, text
from tests.integration.api.conftest import Client

Zones = dict[tuple[str, str], Sequence[str]]


@pytest.fixture
def zones() -> Zones:
    """To be filled in by a test."""
    return {}


@pytest.fixture
async def server(zones: Zones) -> AsyncIterator[DnsServer]:
    async with dns_server(zones) as server:
        yield server


@pytest.fixture
def parts(database: Database, pool: Pool, server: DnsServer) -> ApiParts:
    return api_parts(database, pool, server.resolver)


async def looked_up(ann: Client, sender: dict[str, Any]) -> dict[str, Any]:
    response = await ann.get(f"/senders/{sender['id']}/dns")
    assert response.status_code == 200, response.text
    return {record["kind"]: record for record in response.json()["records"]}


async def test_a_domain_that_is_set_up_is_good(ann: Client, zones: Zones) -> None:
    sender = await ann.sender(smtp_host="smtp.gmail.com", from_address="news@x.example")
    record = (await ann.post(f"/senders/{sender['id']}/dkim", {})).json()
    zones |= {
        ("x.example", "TXT"): [text("verify=1"), text("v=spf1 redirect=a.example")],
        ("a.example", "TXT"): [text("v=spf1 include:_spf.google.com ~all")],
        ("_spf.google.com", "TXT"): [text("v=spf1 ip4:192.0.2.1 ~all")],
        (record["name"], "TXT"): [record["value"]],
        ("_dmarc.x.example", "TXT"): [text("v=DMARC1; p=reject")],
    }
    found = await looked_up(ann, sender)
    assert {kind: record["grade"] for kind, record in found.items()} == {
        **{"spf": "good", "dkim": "good", "dmarc": "good"}
    }


async def test_a_domain_that_is_not_is_told_what_to_publish(ann: Client) -> None:
    sender = await ann.sender(smtp_host="smtp.office365.com", from_address="news@x.example")
    record = (await ann.post(f"/senders/{sender['id']}/dkim", {})).json()
    found = await looked_up(ann, sender)
    assert found["spf"]["publish"] == "v=spf1 include:spf.protection.outlook.com ~all"
    assert (found["dkim"]["grade"], found["dkim"]["publish"]) == ("bad", record["text"])
    assert (found["dmarc"]["grade"], found["dmarc"]["publish"]) == ("warn", "v=DMARC1; p=none")


async def test_dmarc_of_the_domain_above_holds(ann: Client, zones: Zones) -> None:
    zones[("_dmarc.x.example", "TXT")] = [text("v=DMARC1; p=quarantine")]
    sender = await ann.sender(from_address="news@mail.x.example")
    assert (await looked_up(ann, sender))["dmarc"]["name"] == "_dmarc.x.example"


async def test_a_loop_of_includes_is_followed_once(
    ann: Client, zones: Zones, server: DnsServer
) -> None:
    zones |= {
        ("x.example", "TXT"): [text("v=spf1 include:y.example -all")],
        ("y.example", "TXT"): [text("v=spf1 include:x.example include:y.example -all")],
    }
    sender = await ann.sender(from_address="news@x.example")
    await looked_up(ann, sender)
    assert len([name for name, _ in server.asked if name in {"x.example", "y.example"}]) == 3


async def test_a_tree_of_includes_without_an_end_is_cut_off(
    ann: Client, zones: Zones, server: DnsServer
) -> None:
    for i in range(40):
        zones[(f"n{i}.example", "TXT")] = [text(f"v=spf1 include:n{i + 1}.example -all")]
    sender = await ann.sender(from_address="news@n0.example")
    spf = (await looked_up(ann, sender))["spf"]
    assert (spf["grade"], "more than 10" in spf["words"]) == ("bad", True)
    assert len(server.asked) < 20


async def test_silence_is_no_verdict(ann: Client, zones: Zones) -> None:
    zones |= {("x.example", "TXT"): [SILENT], ("_dmarc.x.example", "TXT"): [SILENT]}
    sender = await ann.sender(from_address="news@x.example")
    found = await looked_up(ann, sender)
    assert (found["spf"]["grade"], found["dmarc"]["grade"]) == ("unknown", "unknown")


async def test_nobody_looks_up_the_sender_of_somebody_else(ann: Client, bob: Client) -> None:
    sender = await ann.sender()
    assert (await bob.get(f"/senders/{sender['id']}/dns")).status_code == 404


async def test_presets_are_told_and_one_is_guessed(ann: Client, zones: Zones) -> None:
    zones[("corp.example", "MX")] = ["1 aspmx.l.google.com."]
    presets = (await ann.get("/senders/presets")).json()
    assert presets["guessed"] is None
    by_key = {preset["key"]: preset for preset in presets["items"]}
    assert by_key["gmail"]["host"] == "smtp.gmail.com"
    assert by_key["dev-inbox"]["port"] == 1025
    for address, key in [
        ("ann@gmail.com", "gmail"),
        ("ann@corp.example", "google-workspace"),
        ("ann@other.example", None),
        ("nobody", None),
    ]:
        answer = await ann.get("/senders/presets", params={"address": address})
        assert answer.json()["guessed"] == key, address
