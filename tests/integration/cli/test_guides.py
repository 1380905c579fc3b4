"""The commands of the guides, as they are written there, but for where the provider's server is."""

from __future__ import annotations

import re
import shlex
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from paceline.settings import Settings
from tests.dns import DnsServer, dns_server, text
from tests.integration.cli.serving import Paceline
from tests.integration.delivery.sink import Sink

GUIDES = sorted((Path(__file__).parents[3] / "docs/site/guides").glob("*.md"))


def commands_of(guide: Path) -> list[list[str]]:
    blocks = re.findall(r"```sh\n(.*?)```", guide.read_text(), re.DOTALL)
    lines = "".join(blocks).splitlines()
    assert all(line.startswith("paceline ") for line in lines)
    return [shlex.split(line)[1:] for line in lines]


@pytest.fixture
async def names() -> AsyncIterator[DnsServer]:
    zones = {
        ("example.com", "TXT"): [text("v=spf1 include:amazonses.com -all")],
        ("_dmarc.example.com", "TXT"): [text("v=DMARC1; p=reject")],
    }
    async with dns_server(zones) as server:
        yield server


@pytest.fixture
def settings(settings: Settings, names: DnsServer) -> Settings:
    return replace(settings, api=replace(settings.api, dns_server=("127.0.0.1", names.port)))


@pytest.mark.parametrize("guide", [g for g in GUIDES if commands_of(g)], ids=lambda g: g.stem)
async def test_a_guide_works_as_it_is_written(
    guide: Path, paceline: Paceline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leads.csv").write_text("email,name\nada@example.org,Ada\n")
    async with Sink(extensions=("AUTH PLAIN",)) as sink:
        here = ("--smtp-host", "127.0.0.1", "--smtp-port", sink.port, "--smtp-security", "none")
        for command in commands_of(guide):
            is_new = command[:2] == ["sender", "add"]
            ran = await paceline(*command, *(here if is_new else ()), typed="secret\n")
            assert (ran.code, ran.error) == (0, None), (command, ran.err)
