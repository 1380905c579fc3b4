"""Redis behind Sentinel: the primary is lost, or cut off from its replicas, in mid-campaign.

A replica follows a little behind: what it never heard of must break no limit and lose no lane.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from tests.hosts.conftest import Ground
from tests.hosts.network import Host
from tests.hosts.servers import Crashable, HostRedis, Sentinel
from tests.hosts.town import Town


@dataclass
class Guarded:
    """A primary, two replicas, and a Sentinel beside each."""

    hosts: list[Host]
    servers: list[HostRedis]

    @property
    def url(self) -> str:
        return f"redis+sentinel://{','.join(host.address for host in self.hosts)}/main/0"

    def promoted(self) -> bool:
        """Whether another than the first takes writes, as it says itself."""
        try:
            return "master" in [self._role(server) for server in self.servers[1:]]
        except redis.ConnectionError:
            return False  # Sentinel ends all connections to whom it gives another role

    def _role(self, server: HostRedis) -> str:
        with redis.Redis.from_url(server.url) as connection:
            return str(connection.info("replication")["role"])

    def ready(self) -> bool:
        """The primary has its replicas, and takes writes."""
        with redis.Redis.from_url(self.servers[0].url) as connection:
            return connection.info("replication")["min_slaves_good_slaves"] == 2


@pytest.fixture
def guarded(ground: Ground, tmp_path: Path) -> Iterator[Guarded]:
    hosts = [ground.network.once(f"redis{n}") for n in range(3)]
    safe = ("--min-replicas-to-write", "1", "--min-replicas-max-lag", "4")
    safe += ("--repl-diskless-sync-delay", "0")
    follow = ("--replicaof", hosts[0].address, "6379")
    servers = [
        HostRedis(ground.folder / tmp_path.name / host.name, host=host, settings=settings)
        for host, settings in zip(hosts, (safe, (*safe, *follow), (*safe, *follow)), strict=True)
    ]
    started = [Crashable(server, tmp_path / f"{server.host}.log") for server in servers]
    for server in started:
        server.start()
    sentinels = [Sentinel(host, hosts[0], tmp_path) for host in hosts]
    try:
        yield Guarded(hosts, servers)
    finally:
        for host in hosts:
            host.heal()
            host.appear()
        for sentinel in sentinels:
            sentinel.stop()
        for server in started:
            server.stop(signal.SIGKILL)


@pytest.mark.parametrize("how", ["gone", "cut off"])
async def test_a_primary_that_is_lost_in_mid_campaign_breaks_no_limit_and_loses_no_lane(
    how: str, town: Town, guarded: Guarded
) -> None:
    town.redis_url = guarded.url
    await town.until(guarded.ready, "the replicas follow")
    await town.start_all()
    await town.campaigns_of(4, emails=150)
    await town.campaign(200, hourly_limit=80)
    await town.campaign(40, hourly_limit=40, min_delay_ms=100)
    await town.until_sent(150)
    primary = guarded.hosts[0]
    if how == "gone":
        primary.vanish()
    else:
        primary.cut_from(*guarded.hosts[1:])  # the workers reach it as before
    await town.until(guarded.promoted, "another is the primary")
    promoted = time.time()
    await town.campaign(60)  # what was to go may have gone before
    await town.until(lambda: len(town.emails(since=promoted)) > 50, "it goes on", within=180)
    await town.until_done()
    await town.verdict()
