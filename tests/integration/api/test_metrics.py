"""`/metrics`: who is told, what is told, and that it grows with nobody's emails."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest

from paceline.bootstrap import metrics
from paceline.bootstrap.metrics import Readers
from paceline.bootstrap.server import application
from paceline.bootstrap.use_cases import use_cases
from paceline.domain.gate import HeldBy
from paceline.domain.lifecycle import CampaignState, JobState, SenderState
from paceline.observability.figures import Figures
from paceline.settings import ApiSettings, Settings
from tests.world import World, settings_for

TOKEN = "x" * 32


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    return settings_for(database_url, redis_url)


@asynccontextmanager
async def asking(
    settings: Settings, *, host: str = "localhost:3001", figures: Figures | None = None
) -> AsyncIterator[httpx2.AsyncClient]:
    async with use_cases(settings) as cases:
        transport = httpx2.ASGITransport(app=application(cases, settings, figures))
        async with httpx2.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            yield client


def value(text: str, series: str) -> float:
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    assert found is not None, series
    return float(found[1])


async def test_without_a_token_this_machine_is_told_and_nobody_else(settings: Settings) -> None:
    async with asking(settings) as client:
        answer = await client.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
        # A page of somebody else's that gave this machine a name of its own.
        rebound = await client.get("/metrics", headers={"Host": "evil.example"})
        assert rebound.status_code == 404
    public = replace(settings, api=replace(settings.api, host="0.0.0.0"))
    async with asking(public) as client:
        assert (await client.get("/metrics")).status_code == 404
    proxied = replace(settings, api=replace(settings.api, base_url="https://mail.example.com"))
    async with asking(proxied) as client:
        assert (await client.get("/metrics")).status_code == 404


async def test_with_a_token_whoever_brings_it_is_told(settings: Settings) -> None:
    public = replace(settings, api=replace(settings.api, host="0.0.0.0", metrics_token=TOKEN))
    async with asking(public, host="mail.example.com") as client:
        assert (await client.get("/metrics")).status_code == 401
        for wrong in (f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer ü"):
            sent = {"Authorization": wrong.encode("latin-1").decode("latin-1")}
            answer = await client.get("/metrics", headers=httpx2.Headers(sent, encoding="latin-1"))
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
        told = await client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert told.status_code == 200


def test_a_worker_that_listens_for_others_tells_them_nothing_without_a_token() -> None:
    here, everywhere = ApiSettings(), ApiSettings(host="0.0.0.0")
    local = {"authorization": "", "host": "127.0.0.1:3101"}
    assert Readers.of_worker(here).refusal(**local) is None
    assert Readers.of_worker(everywhere).refusal(**local) == 404


async def test_it_tells_what_is_so(
    settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender_id = await world.sender()
    broken = await world.sender(state="broken", state_reason="log-in refused")
    campaign = await world.campaign(sender_id)
    ids = await world.emails(sender_id, campaign, 6)
    await world.emails(sender_id, await world.campaign(sender_id, state="draft"), 4)
    await world.emails(sender_id, None, ["single@example.org"], due_in=timedelta(hours=1))
    states = {
        ids[0]: "state = 'sent', sent_at = now()",
        ids[1]: "state = 'failed', failure_reason = 'rejected'",
        ids[2]: "state = 'in_doubt', in_doubt_at = now()",
        ids[3]: "state = 'deferred'",
    }
    for email_id, becomes in states.items():
        await world.execute(f"UPDATE email_jobs SET {becomes} WHERE email_id = $1", email_id)
    await world.execute(
        "UPDATE email_jobs SET due_at = now() - interval '1 hour' WHERE email_id = $1", ids[4]
    )
    await world.signal(sender_id)
    await world.signal(broken)
    await world.execute(
        "UPDATE lanes SET wake_at = 'infinity', parked_at = now(), held_by = 'sender_broken'"
        " WHERE sender_id = $1",
        broken,
    )
    async with asking(settings) as client:
        text = (await client.get("/metrics")).text
    expected = {"draft": 4, "scheduled": 3, "sent": 1, "failed": 1, "in_doubt": 1, "deferred": 1}
    for state in metrics.EMAILS:
        assert value(text, f'paceline_emails{{state="{state}"}}') == expected.get(state, 0), state
    assert value(text, 'paceline_senders{state="broken"}') == 1
    assert value(text, 'paceline_campaigns{state="active"}') == 1
    assert value(text, 'paceline_holds{reason="sender_broken"}') == 1
    assert value(text, 'paceline_lanes{state="asleep"}') == 1
    assert value(text, 'paceline_lanes{state="awake"}') == 1
    assert value(text, "paceline_workers") == 0
    assert 3_600 <= value(text, "paceline_oldest_due_seconds") < 7_200
    assert value(text, 'paceline_server_up{server="redis"}') == 1


async def test_a_lane_that_nobody_wakes_is_stuck(settings: Settings, world: World) -> None:
    sender_id = await world.sender()
    await world.signal(sender_id)
    await world.execute("UPDATE lanes SET wake_at = now() - interval '1 minute'")
    async with asking(settings) as client:
        text = (await client.get("/metrics")).text
    assert value(text, 'paceline_lanes{state="stuck"}') == 1


async def test_without_postgresql_the_rest_is_told(settings: Settings) -> None:
    nowhere = settings_for("postgresql://ada@127.0.0.1:1/mail", settings.redis.url)
    async with asking(nowhere) as client:
        text = (await client.get("/metrics")).text
    assert value(text, 'paceline_server_up{server="postgresql"}') == 0
    assert value(text, 'paceline_server_up{server="redis"}') == 1
    assert "paceline_workers" not in text


LABELS = {
    "state": {*JobState, *CampaignState, *SenderState, *metrics.EMAILS, "asleep", "awake", "stuck"},
    "reason": {*HeldBy, "other"},
    "outcome": {"sent", "rejected", "not_sent", "fenced", "in_doubt", "handed_back"},
    "server": {"postgresql", "redis"},
    "statement": {"claim", "write_ahead", "record"},
    "pool": {"ledger", "sessions"},
    "status": {"2xx", "3xx", "4xx", "5xx", "none"},
    "generation": {"0", "1", "2"},
}


async def test_no_label_is_anybodys_and_no_series_is_added_by_more_of_them(
    settings: Settings, world: World
) -> None:
    figures = Figures()
    figures.recorded([(None, JobState.SCHEDULED), ("sent", JobState.SENT)], late=[None, 2.0])
    names = []
    counts = []
    for n in (1, 12):
        for _ in range(n):
            sender_id = await world.sender()
            campaign_id = await world.campaign(sender_id)
            ids = await world.emails(sender_id, campaign_id, n)
            await world.signal(sender_id)
            names += [str(made) for made in (sender_id, campaign_id, *ids)]
        async with asking(settings, figures=figures) as client:
            text = (await client.get("/metrics")).text
        counts.append(sum(not line.startswith("#") for line in text.splitlines()))
    assert counts[0] == counts[1]
    for name in (*names, str(world.owner_id), "example.org", "example.com", "reader0"):
        assert name not in text
    for line in text.splitlines():
        if line.startswith("#") or "{" not in line:
            continue
        for label, said in re.findall(r'(\w+)="([^"]*)"', line[line.index("{") : line.rindex("}")]):
            assert label == "le" or said in LABELS[label], line


async def test_a_word_of_a_newer_version_is_told_as_other(settings: Settings, world: World) -> None:
    sender_id = await world.sender()
    await world.signal(sender_id)
    await world.execute("UPDATE lanes SET held_by = 'moon_phase', parked_at = now()")
    async with asking(settings) as client:
        text = (await client.get("/metrics")).text
    assert value(text, 'paceline_holds{reason="other"}') == 1
    assert "moon_phase" not in text
