"""From the empty page over a draft and its review to a campaign, as a browser goes."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

import httpx2

from paceline.domain.identifiers import new_id
from tests.world import World

LIST = b"""email,name,company
ada@example.org,Ada Lovelace,Engines
grace@@example.org,Grace,Navy
ada@example.org,Ada again,Engines
alan@example.org,Alan Turing,Bletchley
"""
File = dict[str, tuple[str, bytes, str]]


def file(data: bytes = LIST, name: str = "people.csv") -> File:
    return {"file": (name, data, "text/csv")}


async def form(world: World, **fields: str) -> dict[str, str]:
    return {
        "sender_id": str(await world.sender()),
        "subject": "Hello {{ name }}",
        "body": "<p>From <strong>{{ company }}</strong></p>",
        "when": "now",
        "time_zone": "Europe/Berlin",
        "min_delay": "2",
        "hourly_limit": "100",
        **fields,
    }


def hidden(html: str, name: str) -> str:
    """The value of a hidden field; "" where there is none."""
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    return found[1] if found else ""


@dataclass(frozen=True)
class Draft:
    """A page of compose: its address, and what its form carries beside the fields."""

    page: httpx2.AsyncClient
    path: str
    carried: dict[str, str]

    async def save(
        self,
        fields: dict[str, str],
        files: File | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        """Press the form's button."""
        return await self.page.post(
            self.path, data={**self.carried, **fields}, files=files, headers=headers
        )

    async def reviewed(self) -> dict[str, str]:
        """What the form of the review sends."""
        html = (await self.page.get(f"{self.path}/review")).text
        return {name: hidden(html, name) for name in ("once", "version", "noted")}

    async def schedule(self, sent: dict[str, str] | None = None) -> httpx2.Response:
        """Press the review's button."""
        data = await self.reviewed() if sent is None else sent
        return await self.page.post(f"{self.path}/schedule", data=data)


def new_draft(page: httpx2.AsyncClient) -> Draft:
    """A page that was opened and is not stored yet."""
    carried = {"version": "0", "page": secrets.token_urlsafe(8), "turn": "0"}
    return Draft(page=page, path=f"/compose/{new_id()}", carried=carried)


async def compose(
    page: httpx2.AsyncClient,
    fields: dict[str, str],
    files: File | None = None,
    headers: dict[str, str] | None = None,
) -> httpx2.Response:
    """A new draft, saved as a whole."""
    draft = new_draft(page)
    return await draft.save(fields, files, headers)


async def schedule(
    page: httpx2.AsyncClient, fields: dict[str, str], files: File | None = None
) -> httpx2.Response:
    """All the way, past the notes; or what stopped it."""
    draft = new_draft(page)
    saved = await draft.save(fields, files)
    return await draft.schedule() if saved.status_code == 303 else saved
