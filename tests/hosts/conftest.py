"""The hosts, once for all scenarios; a database and an empty Redis for each."""

from __future__ import annotations

import secrets
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from paceline.persistence.database import Database
from tests.databases import Databases
from tests.faults.processes import Crashable
from tests.hosts.network import Host, Network, network
from tests.hosts.servers import HostPostgres, HostRedis, HostSink
from tests.hosts.town import Town
from tests.world import World


@dataclass(frozen=True)
class Ground:
    """What all scenarios share."""

    folder: Path
    network: Network
    workers: list[Host]
    postgres: HostPostgres
    redis: HostRedis
    smtp: Host
    databases: Databases


@pytest.fixture(scope="session")
def ground(servers_directory: Path) -> Iterator[Ground]:
    folder = servers_directory
    with network() as hosts:
        workers = [hosts.host(name) for name in ("one", "two", "three")]
        postgres = HostPostgres(folder / "postgres", host=hosts.host("postgres"))
        queue = HostRedis(folder / "redis", host=hosts.host("redis"))
        servers = [
            Crashable(postgres, folder / "postgres.log"),
            Crashable(queue, folder / "redis.log"),
        ]
        try:
            for server in servers:
                server.start()
            with Databases(postgres) as databases:
                databases.migrated("migrated")
                smtp = hosts.host("smtp")
                yield Ground(folder, hosts, workers, postgres, queue, smtp, databases)
        finally:
            servers[0].stop(signal.SIGQUIT)
            servers[1].stop(signal.SIGKILL)


@pytest.fixture
async def town(ground: Ground, tmp_path: Path) -> AsyncIterator[Town]:
    with redis.Redis.from_url(ground.redis.url) as connection:
        connection.flushall()
    name = f"town_{secrets.token_hex(4)}"
    ground.databases.create(name, template="migrated")
    database = Database(ground.postgres.url_of(name))
    sink = HostSink(ground.smtp, tmp_path / "sink.log")
    assert ground.postgres.host
    assert ground.redis.host
    town = Town(
        folder=tmp_path,
        hosts=ground.workers,
        postgres_host=ground.postgres.host,
        redis_host=ground.redis.host,
        sink=sink,
        world=await World.create(database, watched=False),
        database_url=ground.postgres.url_on_bridge(name),
        redis_url=ground.redis.url_on_bridge,
    )
    try:
        yield town
    finally:
        for host in ground.workers:
            host.heal()
            host.appear()
        for worker in town.workers.values():
            worker.kill()
        sink.stop()
        await database.close()
