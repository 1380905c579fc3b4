"""Hosts whose clocks are minutes apart, and a person who meets another API process each time."""

from __future__ import annotations

import re
from pathlib import Path

from tests.hosts.servers import Api
from tests.hosts.town import START_SECONDS, Town

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), Path())


def wrong_by(seconds: int) -> dict[str, str]:
    """The environment of a process whose wall clock is wrong."""
    return {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME": f"{seconds:+d}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_NO_CACHE": "1",
    }


async def test_clocks_that_are_minutes_apart_break_no_limit_and_send_nothing_early(
    town: Town,
) -> None:
    for host, seconds in zip(town.hosts, (-240, 0, 300), strict=True):
        town.start(host, env=wrong_by(seconds))
    await town.until_workers(len(town.hosts), within=START_SECONDS)
    await town.campaigns_of(4, emails=100)
    await town.campaign(50, hourly_limit=50, min_delay_ms=100)
    await town.campaign(90, hourly_limit=40)
    late = await town.campaign(30, due_in_seconds=20)
    due_at = await town.world.fetchval(
        "SELECT extract(epoch FROM min(due_at))::float8 FROM email_jobs WHERE sender_id = $1", late
    )
    town.lose(town.busiest())
    await town.until_done()
    await town.verdict(doubts=town.under_way)
    assert min(entry["began"] for entry in town.emails(sender="news6@example.com")) >= due_at
    said = "".join(worker.log.read_text() for worker in town.workers.values())
    assert re.search(r"PostgreSQL's is (2|3)\d\d s apart from this machine's", said)


async def test_nobody_needs_to_come_back_to_the_process_that_answered_before(town: Town) -> None:
    env = {"DATABASE_URL": town.database_url, "REDIS_URL": town.redis_url}
    doors = [
        Api.start(host, env={**env, "PACELINE_HOME": str(town.folder / host.name)}, log=log)
        for host in town.hosts
        for log in (town.folder / f"api-{host.name}.log",)
    ]
    one, two, three = doors
    try:
        for door in doors:
            await town.until(door.is_ready, f"the API on {door.host.name} is ready")
        town.start(town.hosts[0])
        key = one.runs("api-key", "create", "--email", "ada@example.com", "--owner")
        sender = {
            "name": "News",
            "from_address": "news@example.com",
            "smtp_host": town.sink.host.address,
            "smtp_port": 2525,
            "smtp_security": "none",
        }
        campaign = {
            "sender_id": one.asks("/api/v1/senders", key, sender)["id"],
            "name": "First",
            "subject": "Hello",
            "text": "Dear reader",
            "recipients": [{"email": f"r{n}@example.org"} for n in range(20)],
        }
        created = two.asks("/api/v1/campaigns", key, campaign, once="the-same")
        assert three.asks("/api/v1/campaigns", key, campaign, once="the-same") == created
        path = f"/api/v1/campaigns/{created['id']}"
        three.asks(f"{path}/launch", key, {})
        await town.until(lambda: one.asks(path, key)["state"] == "completed", "it is complete")
        assert two.asks(path, key)["counts"]["sent"] == 20
    finally:
        for door in doors:
            door.stop()
    await town.verdict()
