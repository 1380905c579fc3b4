"""PostgreSQL with a synchronous standby, which is promoted in mid-campaign.

The primary's host is gone without a word. What it had committed, the standby has.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from paceline.embedded.postgres_program import binaries
from paceline.embedded.process import SystemUser
from paceline.embedded.system_user import server_user
from paceline.persistence.database import Database
from tests.faults.processes import migrate
from tests.hosts.conftest import Ground
from tests.hosts.network import Host
from tests.hosts.servers import Crashable, HostPostgres
from tests.hosts.town import Town
from tests.world import World

WAITS = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"


@dataclass
class Pair:
    """A primary that commits nothing alone, and its standby."""

    hosts: list[Host]
    servers: list[HostPostgres]
    user: SystemUser

    @property
    def url(self) -> str:
        """Both, as a worker is told them."""
        hosts = ",".join(host.address for host in self.hosts)
        return f"postgresql://paceline@{hosts}/paceline?target_session_attrs=read-write"

    def promote(self) -> None:
        """The standby is the primary from now on."""
        self.run("pg_ctl", "promote", "-D", str(self.servers[1].directory))

    def run(self, program: str, *arguments: str) -> None:
        """One of PostgreSQL's programs, as its user."""
        path = binaries(self.user, self.servers[0].directory.parent) / program
        command = [str(path), *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd="/", **self.user.options())


@pytest.fixture
async def pair(ground: Ground, town: Town, tmp_path: Path) -> AsyncIterator[Pair]:
    hosts = [ground.network.once(name) for name in ("primary", "standby")]
    folder = ground.folder / "pair"
    folder.mkdir(mode=0o755)
    user = server_user(folder / "postgres")
    assert user is not None
    alone = HostPostgres(folder / "one", host=hosts[0])
    standby = HostPostgres(folder / "two", host=hosts[1])
    first, second = Crashable(alone, tmp_path / "one.log"), Crashable(standby, tmp_path / "two.log")
    pair = Pair(hosts, [alone, standby], user)
    first.start()
    standby.directory.mkdir(mode=0o700)
    os.chown(standby.directory, user.uid, user.gid)
    source = f"host={hosts[0].address} user=paceline application_name=standby"
    pair.run("pg_basebackup", "-D", str(standby.directory), "-R", "-c", "fast", "-d", source)
    second.start()
    url = alone.url_of("paceline")
    await asyncio.to_thread(migrate, url)
    database = Database(url)
    ours = town.world
    town.world = await World.create(database, watched=False)
    await town.world.execute("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
    await town.world.execute("SELECT pg_reload_conf()")
    town.database_url = pair.url

    async def waits() -> bool:
        return bool(await town.world.fetchval(WAITS))

    await town.until(waits, "the standby is synchronous")
    try:
        yield pair
    finally:
        await town.world.database.close()
        town.world = ours
        for host in hosts:
            host.appear()
        first.stop(signal.SIGQUIT)
        second.stop(signal.SIGQUIT)
        shutil.rmtree(folder)


async def test_a_standby_that_is_promoted_in_mid_campaign_knows_of_all_that_was_sent(
    town: Town, pair: Pair
) -> None:
    await town.start_all()
    await town.campaigns_of(5, emails=150)
    await town.campaign(50, hourly_limit=50, min_delay_ms=100)
    await town.until_sent(200)
    pair.hosts[0].vanish()
    pair.promote()
    before = town.world.database
    town.world.database = Database(pair.servers[1].url_of("paceline"))
    await before.close()
    await town.until_workers(3, within=120)
    await town.until_done()
    await town.verdict(doubts=town.under_way)
