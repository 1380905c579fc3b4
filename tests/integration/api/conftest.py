"""The API over a real database, called in this process as a client over the wire would."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from paceline.api import ApiParts
from paceline.delivery import Pool
from paceline.persistence.database import Database
from tests.api import api_parts, http_to

SENDER = {
    "name": "News",
    "from_address": "news@example.com",
    "from_name": "The News",
    "smtp_host": "127.0.0.1",
    "smtp_port": 2525,
    "smtp_security": "none",
}


@dataclass
class Client:
    """One owner at the API."""

    http: httpx2.AsyncClient
    key: str

    async def call(self, method: str, path: str, **rest: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.key}", **rest.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **rest)

    async def get(self, path: str, **rest: Any) -> httpx2.Response:
        return await self.call("GET", f"/api/v1{path}", **rest)

    async def post(self, path: str, json: Any = None, **rest: Any) -> httpx2.Response:
        return await self.call("POST", f"/api/v1{path}", json=json, **rest)

    async def patch(self, path: str, json: Any) -> httpx2.Response:
        return await self.call("PATCH", f"/api/v1{path}", json=json)

    async def delete(self, path: str) -> httpx2.Response:
        return await self.call("DELETE", f"/api/v1{path}")

    async def sender(self, **values: object) -> dict[str, Any]:
        return _made(await self.post("/senders", {**SENDER, **values}))

    async def campaign(self, **values: object) -> dict[str, Any]:
        given = {"name": "Launch", "subject": "Hello", "text": "Dear reader", **values}
        if "sender_id" not in given:
            given["sender_id"] = (await self.sender())["id"]
        return _made(await self.post("/campaigns", given))

    async def email(self, **values: object) -> dict[str, Any]:
        given = {"to": "ann@example.com", "subject": "Hello", "text": "Dear Ann", **values}
        if "sender_id" not in given:
            given["sender_id"] = (await self.sender())["id"]
        return _made(await self.post("/emails", given))


def _made(response: httpx2.Response) -> dict[str, Any]:
    assert response.status_code == 201, response.text
    body: dict[str, Any] = response.json()
    assert response.headers["Location"].endswith(body["id"])
    return body


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    pool = Pool(allow_private_hosts=True)
    yield pool
    await pool.close()


@pytest.fixture
def parts(database: Database, pool: Pool) -> ApiParts:
    return api_parts(database, pool)


@pytest.fixture
async def http(parts: ApiParts) -> AsyncIterator[httpx2.AsyncClient]:
    async with http_to(parts) as client:
        yield client


@pytest.fixture
async def ann(http: httpx2.AsyncClient, parts: ApiParts) -> Client:
    return Client(http, await parts.api_keys.create("ann@owner.test", "test"))


@pytest.fixture
async def bob(http: httpx2.AsyncClient, parts: ApiParts, ann: Client) -> Client:
    return Client(http, await parts.api_keys.create("bob@owner.test", "test"))
