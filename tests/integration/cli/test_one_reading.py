"""One list, three entrances, one result: by API, by command and by form the same people get it."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import httpx2
import pytest
from click.testing import Result
from typer.testing import CliRunner

from paceline.auth.api_keys import ApiKeys
from paceline.auth.sessions import Sessions
from paceline.cli.app import app
from paceline.settings import Settings
from paceline.web.access import cookie_name
from tests.integration.cli.serving import serving
from tests.integration.web.composing import schedule
from tests.world import World

# (address, name, fields) of each email; None where nothing was scheduled.
People: TypeAlias = list[tuple[str, str | None, dict[str, Any]]] | None

OPTIONS = {
    "encoding": "--encoding",
    "header_line": "--header-line",
    "address_column": "--address-column",
    "opt_out_column": "--opt-out-column",
    "opt_in_column": "--opt-in-column",
}


@dataclass(frozen=True)
class Case:
    """A list, what the message says, and who is to get it (None: refused, or asked about)."""

    table: bytes
    accepted: tuple[str, ...] | None
    text: str = "Hello"
    choices: tuple[tuple[str, str], ...] = ()


@dataclass
class Entrances:
    """The three ways in, of one owner."""

    world: World
    sender_id: str
    url: str
    key: str
    browser: httpx2.AsyncClient
    folder: Path

    async def by_api(self, subject: str, case: Case) -> People:
        headers = {"Authorization": f"Bearer {self.key}"}
        async with httpx2.AsyncClient(base_url=f"{self.url}/api/v1", headers=headers) as http:
            draft = {"sender_id": self.sender_id, "subject": subject, "text": case.text}
            campaign = (await http.post("/campaigns", json=draft)).json()["id"]
            answer = await http.post(
                f"/campaigns/{campaign}/recipients",
                content=case.table,
                params=dict(case.choices),
                headers={"Content-Type": "text/csv"},
            )
            assert answer.status_code in (200, 422), answer.text
            return await self.people() if answer.status_code == 200 else None

    async def by_command(self, subject: str, case: Case) -> People:
        leads = await asyncio.to_thread(self._written, case.table)
        arguments = ["schedule", str(leads), "--subject", subject, "--text", case.text]
        for name, value in case.choices:
            if name == "opted_out":
                arguments.append("--include-opted-out")
            elif (name, value) == ("header_line", "0"):
                arguments.append("--no-header")
            else:
                arguments += [OPTIONS[name], value]
        ran: Result = await asyncio.to_thread(
            CliRunner().invoke, app, [*arguments, "--url", self.url, "--api-key", self.key]
        )
        return await self.people() if ran.exit_code == 0 else None

    async def by_form(self, subject: str, case: Case) -> People:
        posted = {"sender_id": self.sender_id, "subject": subject, "body": case.text, "when": "now"}
        posted |= {"min_delay": "0", "hourly_limit": "", **dict(case.choices)}
        files = {"file": ("leads.csv", case.table, "text/csv")}
        answer = await schedule(self.browser, posted, files)
        assert answer.status_code in (303, 422), answer.text
        return await self.people() if answer.status_code == 303 else None

    async def people(self) -> People:
        """Whom the latest campaign is for."""
        rows = await self.world.fetch(
            """
            SELECT address, name, fields FROM emails
             WHERE campaign_id = (SELECT id FROM campaigns ORDER BY created_at DESC LIMIT 1)
             ORDER BY id
            """
        )
        return [(r["address"], r["name"], _fields(r["fields"])) for r in rows] or None

    def _written(self, table: bytes) -> Path:
        file = self.folder / "leads.csv"
        file.write_bytes(table)
        return file


def _fields(stored: object) -> dict[str, Any]:
    fields = json.loads(stored) if isinstance(stored, str) else stored
    assert isinstance(fields, dict)
    return fields


@pytest.fixture
async def entrances(settings: Settings, world: World, tmp_path: Path) -> AsyncIterator[Entrances]:
    key = await ApiKeys(world.database).create("ann@owner.test", "test")
    world.owner_id = await world.fetchval("SELECT id FROM users WHERE email = 'ann@owner.test'")
    cookie, token = await Sessions(world.database).start(world.owner_id)
    headers = {"X-CSRF-Token": token, "Sec-Fetch-Site": "same-origin"}
    cookies = {cookie_name(settings.api.base_url): cookie}
    sender_id = str(await world.sender())
    async with serving(settings) as port:
        url = f"http://127.0.0.1:{port}"
        async with httpx2.AsyncClient(base_url=url, headers=headers, cookies=cookies) as browser:
            yield Entrances(world, sender_id, url, key, browser, tmp_path)


ADA, GRACE, ALAN = "ada@example.com", "grace@example.com", "alan@example.com"
OWNERS = b"""Account Owner Email,Lead Name,Lead Email
rep@agency.example.net,Ada,ada@example.com
rep@agency.example.net,Grace,grace@example.com
rep@agency.example.net,Alan,alan@example.com
"""
TWO = b"Work,Home,First\nada@example.com,a@home.example,Ada\ngrace@example.com,g@home.example,G\n"
STATUS = b"Email,Name,Status\nada@example.com,Ada,subscribed\ngrace@example.com,G,unsubscribed\n"
LINKEDIN = b"""Notes:
"Some addresses may be missing from this list, because their owners do not show them."

First Name,Last Name,URL,Email Address,Company,Position,Connected On
Ada,Example,https://people.example/in/ada,ada@example.com,Engines,Countess,01 Jan 2024
Grace,Example,https://people.example/in/grace,grace@example.com,Navy,Admiral,02 Jan 2024
"""
TOLD = b"""Name,Email,Zettel,Kringel
Ada,ada@example.com,,
Grace,grace@example.com,x,ja
"""
CASES = {
    "plain": Case(b"email,name\nada@example.com,Ada\ngrace@@x,G\nada@example.com,A\n", (ADA,)),
    "the owner's column and the lead's": Case(OWNERS, (ADA, GRACE, ALAN), "Hi {{ lead_name }}"),
    "two columns, one chosen": Case(
        TWO, ("a@home.example", "g@home.example"), "{{ first }}", (("address_column", "Home"),)
    ),
    "a column that is none": Case(TWO, None, choices=(("address_column", "Office"),)),
    "one line": Case(b"ada@example.com, grace@example.com, alan@example.com", (ADA, GRACE, ALAN)),
    "one line, semicolons": Case(b"ada@example.com;grace@example.com", (ADA, GRACE)),
    "two a row": Case(
        b"ada@example.com,grace@example.com\nalan@example.com,\n", (ADA, GRACE, ALAN)
    ),
    "names in a To field": Case(
        b"Ada Example <ada@example.com>; Grace Example <grace@example.com>", (ADA, GRACE)
    ),
    "lines above the header": Case(LINKEDIN, (ADA, GRACE), "Hi {{ first_name }}"),
    "an @ in the header": Case(
        b'Timestamp,"Your e-mail (e.g. you@company.example)",First Name\n'
        b"2024/01/02,ada@example.com,Ada\n2024/01/03,grace@example.com,Grace\n",
        (ADA, GRACE),
        "Hi {{ first_name }}",
    ),
    "a field in capitals": Case(b"EMAIL,FNAME\nada@example.com,Ada\n", (ADA,), "Hi {{ FNAME }}"),
    "vertical tabs": Case(
        b"Email,First Name,Address\nada@example.com,Ada,1 Road\x0bTown\n",
        (ADA,),
        "{{ first_name }}",
    ),
    "each row in quotes": Case(b'"Email,Name"\n"ada@example.com,Ada"\n', (ADA,)),
    "a column named that says who is out": Case(
        TOLD, (ADA,), choices=(("opt_out_column", "Zettel"),)
    ),
    "a column named that says who agreed": Case(TOLD, (GRACE,), choices=(("opt_in_column", "4"),)),
    "opted out": Case(STATUS, (ADA,)),
    "opted out, mailed": Case(STATUS, (ADA, GRACE), choices=(("opted_out", "mail"),)),
    "no header": Case(b"ada@example.com;Ada\ngrace@example.com;Grace\n", (ADA, GRACE)),
    "a header that looks like a row": Case(
        b"me@example.com;Ada\nada@example.com;A\n", (ADA,), choices=(("header_line", "1"),)
    ),
    "no header, as chosen": Case(
        b"email;Ada\nada@example.com;A\n", (ADA,), choices=(("header_line", "0"),)
    ),
    "cyrillic": Case(
        "email;Имя\nada@example.com;Ада\n".encode("cp1251"),
        (ADA,),
        choices=(("encoding", "cp1251"),),
    ),
    "utf-16": Case("email\tname\nada@example.com\tAda\n".encode("utf-16"), (ADA,), "{{ name }}"),
    "packed": Case(gzip.compress(b"email\nada@example.com\n"), (ADA,)),
    "a workbook": Case(b"PK\x03\x04" + bytes(26) + b"xl/workbook.xml" + bytes(99), None),
    "an encoding that is none": Case(b"email\nada@example.com\n", None, "T", (("encoding", "x"),)),
    "a missing column": Case(b"email\nada@example.com\n", None, "Hi {{ first_name }}"),
    "nobody": Case(b"email,name\nnobody,Ada\n", None),
}


async def test_the_same_list_gives_the_same_people_at_every_entrance(entrances: Entrances) -> None:
    wrong = {}
    for name, case in CASES.items():
        # Other subjects: the same message to the same number of people is asked about.
        by_api = await entrances.by_api(f"{name}, by API", case)
        by_command = await entrances.by_command(f"{name}, by command", case)
        by_form = await entrances.by_form(f"{name}, by form", case)
        accepted = by_api and tuple(address for address, *_ in by_api)
        if not (by_api == by_command == by_form and accepted == case.accepted):
            wrong[name] = (by_api, by_command, by_form)
    assert not wrong
