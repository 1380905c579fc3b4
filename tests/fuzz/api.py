"""Family `api`: the requests of `requests.py`, through the real application over a real database.

Done, or refused with a problem document that says so: never an error of ours, and what was refused
has left nothing behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2

from paceline.delivery import Pool
from paceline.persistence.database import Database
from tests.api import api_parts, http_to
from tests.fuzz.hunting import Family, Judge, hold
from tests.fuzz.requests import CAMPAIGN, EMAIL, JSON, SENDER, Asked, make

PROBLEM = "application/problem+json"
_COUNTS = "SELECT " + ", ".join(
    f"(SELECT count(*) FROM {table})"
    for table in (
        "senders",
        "campaigns",
        "emails",
        "email_jobs",
        "suppressions",
        "campaign_attachments",
    )
)


@dataclass
class _Api:
    http: httpx2.AsyncClient
    database: Database
    headers: dict[str, str]
    ids: dict[str, str]

    async def judge(self, asked: Asked) -> str:
        """One request, and what it left."""
        before = await self._counts()
        answer = await self.ask(asked)
        hold(answer.status_code < 500, f"{answer.status_code}: {answer.text[:300]}")
        if answer.status_code >= 400:
            hold(await self._counts() == before, f"refused with {answer.status_code}, half done")
            _check_problem(answer, asked)
            return "refused" if answer.status_code == 422 else "turned away"
        hold(200 <= answer.status_code < 300, f"answered with {answer.status_code}")
        if answer.status_code == 201 and "Idempotency-Replayed" not in answer.headers:
            await self._check_made(answer, asked)
        if answer.status_code != 204 and asked.method in ("GET", "POST", "PATCH"):
            _check_report(answer.json())
        return "done"

    async def ask(self, asked: Asked) -> httpx2.Response:
        path, body = asked.path, asked.body
        for name, value in self.ids.items():
            path = path.replace(f"{{{name}}}", value)
            body = body.replace(f"{{{name}}}".encode(), value.encode())
        headers = [(name.encode(), value.encode()) for name, value in asked.headers]
        headers += [(name.encode(), value.encode()) for name, value in self.headers.items()]
        if body or asked.method in ("POST", "PATCH"):
            headers.append((b"Content-Type", asked.kind.encode()))
        return await self.http.request(
            asked.method, f"/api/v1{path}", content=body or None, headers=headers
        )

    async def _counts(self) -> tuple[int, ...]:
        async with self.database.driver() as driver:
            return tuple(await driver.fetchrow(_COUNTS))

    async def _check_made(self, answer: httpx2.Response, asked: Asked) -> None:
        """It is there, and is what was asked for."""
        made, place = answer.json(), answer.headers["Location"]
        if asked.path.endswith(("/senders", "/campaigns", "/emails")):
            again = await self.http.get(place, headers=self.headers)
            hold(again.status_code == 200 and again.json()["id"] == made["id"], "is not there")
            given = json.loads(asked.body)
            for name in ("subject", "min_delay_ms", "hourly_limit", "time_zone", "smtp_port"):
                if name in given and name in made:
                    hold(made[name] == given[name], f"{name} became {made[name]!a}")
            hold("smtp_password" not in made, "tells a password")


def _check_problem(answer: httpx2.Response, asked: Asked) -> None:
    if asked.method == "HEAD":
        return
    hold(answer.headers["content-type"] == PROBLEM, f"no problem: {answer.text[:200]}")
    problem = answer.json()
    hold(problem["status"] == answer.status_code, "another status in the document")
    hold(problem["detail"].strip() and problem["title"], "says nothing")
    for error in problem.get("errors", ()):
        hold(error["field"] and error["message"].strip(), "a field or a reason is missing")
    hold("Traceback" not in answer.text and "asyncpg" not in answer.text, "tells of the inside")


def _check_report(body: Any) -> None:
    """What an upload came to adds up."""
    report = body.get("report", body) if isinstance(body, dict) else None
    if isinstance(report, dict) and "accepted" in report:
        parts = sum(report[name] for name in ("accepted", "duplicates", "suppressed"))
        hold(report["rows"] == parts + len(report["invalid"]), f"it does not add up: {report}")
        for row in report["invalid"]:
            hold(row["line"] >= 1 and row["reason"].strip(), "refused without line or reason")


@contextlib.asynccontextmanager
async def _running(database_url: str) -> AsyncIterator[_Api]:
    database, pool = Database(database_url), Pool(allow_private_hosts=True)
    parts = api_parts(database, pool)
    async with http_to(parts) as http:
        key = await parts.api_keys.create("ann@owner.test", "test")
        api = _Api(http, database, {"Authorization": f"Bearer {key}"}, {})
        await _furnish(api)
        yield api
    await pool.close()
    await database.close()


async def _furnish(api: _Api) -> None:
    """The things whose ids the requests name."""
    recipients = [{"email": "zoe@example.com", "name": "Zoë"}]
    campaign = {**CAMPAIGN, "recipients": recipients}
    for name, path, body in (
        ("sender", "/senders", SENDER),
        ("draft", "/campaigns", campaign),
        ("campaign", "/campaigns", campaign),
        ("email", "/emails", EMAIL),
    ):
        answer = await api.ask(Asked("POST", path, json.dumps(body).encode(), JSON))
        api.ids[name] = answer.json()["id"]
    launched = await api.ask(Asked("POST", "/campaigns/{campaign}/launch", b"{}"))
    assert launched.status_code == 200, launched.text


def api_family(database_url: str) -> Family:
    """Over this database, which is migrated and of no other use."""

    @contextlib.contextmanager
    def opened() -> Iterator[Judge]:
        with asyncio.Runner() as runner:
            context = _running(database_url)
            api = runner.run(context.__aenter__())
            try:
                yield lambda asked: runner.run(api.judge(asked))
            finally:
                runner.run(context.__aexit__(None, None, None))

    return Family(
        name="api",
        cases=1_500,
        outcomes=frozenset({"done", "refused", "turned away"}),
        make=make,
        open=opened,
    )
