"""Dashboard, campaign, list of campaigns, row and `paceline status` say the same: what is so."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx2
import pytest
import redis

from paceline import clock
from paceline.api.outgoing.status import OverviewOut
from paceline.bootstrap.use_cases import UseCases, use_cases
from paceline.cli import held
from paceline.domain.pacing import HOUR
from paceline.persistence.driver import Driver
from paceline.persistence.workers import sign_off
from paceline.web import Parts
from tests.integration.web.conftest import BASE_URL, browser, sign_in, words
from tests.integration.web.test_dashboard import IN_DOUBT
from tests.redis_disk import refusing_writes
from tests.world import World, settings_for

NOBODY_LISTENS = "redis://127.0.0.1:1/0"


@dataclass
class Told:
    """What each place says, in a reader's words."""

    dashboard: str
    campaign: str
    campaigns: str
    row: str
    status: str

    def everywhere(self, said: str) -> bool:
        return all(said in place for place in (self.dashboard, self.campaign, self.status))


@dataclass
class Stage:
    """A campaign of three whose time has come, and all places that tell of it."""

    page: httpx2.AsyncClient
    world: World
    cases: UseCases
    sender: uuid.UUID
    campaign: uuid.UUID
    emails: list[uuid.UUID]

    async def told(self) -> Told:
        dashboard = (await self.page.get("/")).text
        summary = await self.cases.queries.summary(self.world.owner_id)
        answer = OverviewOut.model_validate(summary).model_dump(mode="json")
        listed = (await self.page.get("/emails")).text
        row = listed[listed.index(f'id="email-{self.emails[0]}"') :]
        return Told(
            dashboard=words(dashboard),
            campaign=words((await self.page.get(f"/campaigns/{self.campaign}")).text),
            campaigns=words((await self.page.get("/campaigns/rows")).text),
            row=words(row[: row.index("</tr>")]),
            status="\n".join(held.lines(answer, BASE_URL)),
        )

    async def change_sender(self, changes: str, *values: object) -> None:
        await self.world.execute(f"UPDATE senders SET {changes}", *values)


@pytest.fixture
async def stage(page: httpx2.AsyncClient, world: World, cases: UseCases) -> Stage:
    return await staged(page, world, cases)


async def staged(page: httpx2.AsyncClient, world: World, cases: UseCases) -> Stage:
    sender = await world.sender()
    campaign = await world.campaign(sender, launched_at=clock.now())
    emails = await world.emails(sender, campaign, 3)
    return Stage(page, world, cases, sender, campaign, emails)


async def test_what_goes_out_is_said_to_go_out(stage: Stage) -> None:
    told = await stage.told()
    assert "going out now" in told.dashboard
    assert "now            going out" in told.status
    assert "Running" in told.campaign
    assert "going out now" in told.campaigns
    assert "Scheduled" in told.row
    assert "needs you" not in told.status


async def test_what_waits_for_its_time_is_next_at_that_time(stage: Stage) -> None:
    at = clock.now() + timedelta(days=400)
    await stage.world.execute("UPDATE email_jobs SET due_at = $1, scheduled_at = $1", at)
    told = await stage.told()
    assert f"next on {at:%b} " in told.dashboard
    assert f"next on {at:%b} " in told.campaigns
    assert "now            next at " in told.status
    assert "needs you" not in told.status


@pytest.mark.parametrize(
    ("reason", "title", "in_terminal"),
    [
        ("550 5.7.1 not you", "The server refuses news@example.com", "news@example.com is broken"),
        (
            "the server does not offer STARTTLS",
            "news@example.com cannot send What has not gone out waits.",
            "news@example.com is broken",
        ),
        (
            "535 5.7.8 wrong password",
            "The log-in of news@example.com is refused",
            "the log-in of news@example.com is refused",
        ),
    ],
)
async def test_a_broken_sender_is_told_everywhere_with_the_way_to_mend_it(
    stage: Stage, reason: str, title: str, in_terminal: str
) -> None:
    await stage.change_sender("state = 'broken', state_reason = $1", reason)
    told = await stage.told()
    assert title in told.dashboard
    assert title in told.campaign
    assert told.everywhere(reason)
    assert "held: sender broken" in told.dashboard
    assert "going out now" not in told.dashboard + told.campaigns
    assert "Running" not in told.campaign + told.campaigns
    assert "Sender broken" in told.campaigns
    assert "Sender broken" in told.campaign
    assert "Sender broken" in told.row
    assert in_terminal in told.status
    assert f"{BASE_URL}/senders/{stage.sender}" in told.status
    for path in ("/", f"/campaigns/{stage.campaign}"):
        html = (await stage.page.get(path)).text
        assert f'action="/senders/{stage.sender}/verify"' in html
    assert "Dashboard 1 " in words((await stage.page.get("/nav")).text)
    assert "Broken" in words((await stage.page.get("/senders")).text)


async def test_a_resting_sender_is_told_with_the_time_and_the_reason(stage: Stage) -> None:
    until = clock.now() + timedelta(days=400)
    said = "452 4.5.3 quota used up"
    await stage.change_sender("resting_until = $1, state_reason = $2", until, said)
    told = await stage.told()
    assert f"held until on {until:%b}" not in told.dashboard
    assert f"held until {until:%b} " in told.dashboard
    assert "the mail server is away or refuses mail" in told.dashboard
    assert "Sender resting" in told.campaign
    assert "Sender resting" in told.campaigns
    assert "Sender resting" in told.row
    assert f"the mail server rests after failures ({said})" in told.status
    assert "Sender resting" in words((await stage.page.get("/senders")).text)
    assert "needs you" not in told.status


async def test_a_limit_that_is_used_up_is_told_with_the_next_hour(
    stage: Stage, redis_url: str
) -> None:
    await stage.change_sender("hourly_limit = 40")
    with redis.Redis.from_url(redis_url) as counters:
        for hour in (clock.now(), clock.now() + HOUR):  # it may turn meanwhile
            counters.set(f"email_rate:{stage.sender}:{hour:%Y%m%d%H}", 40)
    told = await stage.told()
    assert "sender’s hourly limit" in told.dashboard
    assert "held until " in told.dashboard
    assert "40 of 40" in told.dashboard
    assert "sender 40 of 40 this hour" in told.campaign
    assert "Waits for the sender’s hourly limit, goes on" in told.campaign
    assert "At the limit" in told.campaigns
    assert "At the limit" in told.row
    assert "the sender's hourly limit is reached" in told.status
    assert "40 of 40 this hour" in told.status


async def test_a_campaigns_own_limit_is_called_its_own(stage: Stage, redis_url: str) -> None:
    await stage.world.execute("UPDATE campaigns SET hourly_limit = 7")
    with redis.Redis.from_url(redis_url) as counters:
        for hour in (clock.now(), clock.now() + HOUR):
            counters.set(f"campaign_rate:{stage.campaign}:{hour:%Y%m%d%H}", 7)
    told = await stage.told()
    assert "campaign’s hourly limit" in told.dashboard
    assert "7 of 7" in told.dashboard
    assert "campaign 7 of 7 this hour" in told.campaign
    assert "At the limit" in told.row
    assert "the campaign's hourly limit is reached" in told.status


async def test_a_minimum_delay_is_told_as_what_is_next_and_does_not_look_like_trouble(
    stage: Stage,
) -> None:
    await stage.world.execute(
        "INSERT INTO lanes (sender_id, held_by, wake_at)"
        " VALUES ($1, 'min_delay', now() + interval '5 hours')",
        stage.sender,
    )
    told = await stage.told()
    assert "delay between two emails" in told.dashboard
    assert "the delay between two emails" in told.status
    assert "Running" in told.campaign
    assert "needs you" not in told.status


async def test_a_paused_campaign_is_held_and_can_be_resumed(stage: Stage) -> None:
    await stage.page.post(f"/campaigns/{stage.campaign}/pause")
    told = await stage.told()
    assert "held: campaign paused" in told.dashboard
    assert "the campaign is paused" in told.status
    assert "Paused" in told.campaign
    assert "Resume" in told.campaign
    assert "Paused" in told.row


async def test_a_doubt_is_counted_and_leads_to_its_list(stage: Stage) -> None:
    await stage.world.execute(IN_DOUBT, stage.emails[2])
    told = await stage.told()
    assert "1 email is in doubt" in told.dashboard
    assert "after it was handed over" in told.dashboard
    assert "1 email is in doubt" in told.campaign
    assert f"1 email is in doubt; settle that: {BASE_URL}/emails?tab=in_doubt" in told.status
    assert 'href="/emails?tab=in_doubt"' in (await stage.page.get("/")).text
    link = f'href="/campaigns/{stage.campaign}?tab=in_doubt"'
    assert link in (await stage.page.get(f"/campaigns/{stage.campaign}")).text


async def test_without_a_worker_nothing_is_said_to_go_out(stage: Stage, worker: Driver) -> None:
    await sign_off(worker)
    told = await stage.told()
    assert "No worker is running" in told.dashboard
    assert "held: no worker is running" in told.dashboard
    assert "No worker is running" in told.campaign
    assert "No worker" in told.campaigns
    assert "No worker" in told.row
    assert "no worker is running: start one" in told.status
    assert "going out" not in told.dashboard + told.campaigns + told.status


@pytest.fixture
async def without_redis(database_url: str, worker: Driver) -> AsyncIterator[UseCases]:
    async with use_cases(settings_for(database_url, NOBODY_LISTENS)) as cases:
        yield cases


async def test_without_redis_nothing_is_said_to_go_out(
    without_redis: UseCases, parts: Parts, world: World
) -> None:
    async with browser(
        replace(parts, queries=without_redis.queries, email_queries=without_redis.email_queries)
    ) as client:
        await sign_in(client, parts, world)
        told = await (await staged(client, world, without_redis)).told()
    assert "Redis does not answer" in told.dashboard
    assert "Redis does not answer" in told.campaign
    assert "Held" in told.row
    assert "Redis does not answer, or refuses writes; nothing is sent until it does" in told.status


async def test_while_redis_refuses_writes_nothing_is_said_to_go_out(
    stage: Stage, redis_url: str
) -> None:
    async with refusing_writes(redis_url):
        told = await stage.told()
    assert "Redis does not answer, or refuses writes" in told.dashboard
    assert "Redis does not answer, or refuses writes" in told.campaign
    assert "Held" in told.row
    assert "or refuses writes; nothing is sent until it does" in told.status


async def test_two_queues_are_told_by_the_one_that_goes(stage: Stage) -> None:
    other = await stage.world.sender(from_address="other@example.com", state="broken")
    await stage.world.emails(other, None, ["ada@example.org"])
    told = await stage.told()
    assert "going out now" in told.dashboard
    assert "other@example.com cannot send" in told.dashboard
    assert "other@example.com" not in told.campaign
    assert "sender         other@example.com: broken, held: the sender is broken" in told.status


UNREACHED = "cannot connect to mail.test:25 (192.0.2.1: connection refused)"


async def test_a_server_that_is_away_is_named_with_the_time_and_the_reason(stage: Stage) -> None:
    await stage.change_sender(
        "resting_until = now() + interval '5 minutes', smtp_host = 'mail.test',"
        " unreached_since = now() - interval '9 minutes', state_reason = $1",
        UNREACHED,
    )
    told = await stage.told()
    assert "mail.test has not been reached since" in told.dashboard
    assert "mail.test has not been reached since" in told.campaigns
    assert all(UNREACHED in place for place in (told.campaign, told.row, told.status))
    assert "needs you" not in told.status
    assert "Dashboard 1 " not in words((await stage.page.get("/nav")).text)


@pytest.mark.parametrize("is_tried", [False, True])
async def test_a_server_that_is_away_for_long_needs_somebody(stage: Stage, is_tried: bool) -> None:
    await stage.change_sender(
        f"resting_until = now() + interval '{-1 if is_tried else 5} minutes',"
        " smtp_host = 'mail.test', unreached_since = now() - interval '11 minutes',"
        " state_reason = $1",
        UNREACHED,
    )
    told = await stage.told()
    for place in (told.dashboard, told.campaign):
        assert "mail.test has not been reached since" in place
    in_rows = 0 if is_tried else len(stage.emails)
    assert told.dashboard.count(UNREACHED) == 1
    assert told.campaign.count(UNREACHED) == 1 + in_rows
    assert "needs you      mail.test has not been reached since" in told.status
    assert f"{BASE_URL}/senders/{stage.sender}" in told.status
    for path in ("/", f"/campaigns/{stage.campaign}"):
        html = (await stage.page.get(path)).text
        assert f'action="/senders/{stage.sender}/verify"' in html
    assert "Dashboard 1 " in words((await stage.page.get("/nav")).text)


async def test_a_server_that_is_away_needs_nobody_while_its_campaign_is_paused(
    stage: Stage,
) -> None:
    await stage.change_sender("unreached_since = now() - interval '1 day'")
    await stage.world.execute("UPDATE campaigns SET state = 'paused'")
    assert "needs you" not in (await stage.told()).status
