"""A wrong setting is one clear line: what is wrong, where it was set, what to do."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio

from paceline import clock
from paceline.bootstrap.preflight.database import database_findings
from paceline.bootstrap.preflight.findings import Finding, Weight
from paceline.bootstrap.preflight.looking import Part, preflight
from paceline.bootstrap.preflight.machine import (
    clock_finding,
    disk_finding,
    home_findings,
    port_findings,
    reach_findings,
)
from paceline.bootstrap.preflight.redis import redis_findings
from paceline.cli import starting
from paceline.embedded import Postgres
from paceline.engine.condition import QueueCondition
from paceline.errors import SettingsError
from paceline.persistence.condition import DatabaseCondition, Schema, revisions
from paceline.settings import ApiSettings, Settings
from tests.integration.platform.refusing import guard, paceline, with_password
from tests.ports import free_port
from tests.world import settings_for

STARTS = 4

DATABASE = DatabaseCondition(
    version_number=180_004,
    version="18.4",
    synchronous_commit="on",
    fsync="on",
    encoding="UTF8",
    is_standby=False,
    is_read_only=False,
    role="paceline",
    now=clock.now(),
    schema=Schema.EQUAL,
    revision=revisions()[1],
)
REDIS = QueueCondition(
    waits_for_replicas=True,
    version=(7, 2, 4),
    eviction="noeviction",
    max_octets=0,
    used_octets=1,
    keeps_a_log=True,
    is_replica=False,
    is_cluster=False,
    now=clock.now(),
)


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    return settings_for(database_url, redis_url)


def heavy(findings: list[Finding]) -> list[tuple[str, Weight]]:
    return [(f.about, f.weight) for f in findings if f.weight > Weight.REMARK]


async def test_where_all_is_well_nothing_stops_a_start(settings: Settings, tmp_path: Path) -> None:
    findings = await preflight(settings, Part.WORKER, home=tmp_path)
    assert heavy(findings) == []
    assert {f.about for f in findings} >= {"PostgreSQL", "Schema", "Redis", "Clock", "Home", "EHLO"}


@pytest.mark.parametrize("command", ["worker", "api", "migrate", "devinbox"])
async def test_a_wrong_password_ends_every_command_with_one_line_and_78(
    command: str, database_url: str, redis_url: str, postgres: Postgres,
    tmp_path: Path,
) -> None:  # fmt: skip
    await guard(postgres)
    wrong = with_password(database_url, "wrong")
    # The worker hung for ever in three starts of twelve.
    starts = STARTS if command == "worker" else 1
    for _ in range(starts):
        code, said = await paceline(
            command, home=tmp_path, DATABASE_URL=wrong, REDIS_URL=redis_url, PORT="39917"
        )
        assert code == 78
        assert len(said) == 1
        assert "password authentication failed" in said[0]
        assert "DATABASE_URL is set in the environment" in said[0]
        assert "wrong@" not in said[0]


async def test_the_right_password_is_let_in(
    database_url: str, redis_url: str, postgres: Postgres, tmp_path: Path
) -> None:
    await guard(postgres)
    url = with_password(database_url, "right")
    findings = await preflight(settings_for(url, redis_url), Part.MIGRATE, home=tmp_path)
    assert heavy(findings) == []


async def test_migrations_do_not_wait_for_a_database_that_is_away(tmp_path: Path) -> None:
    url = "postgresql://ada:s3cret@127.0.0.1:1/mail"
    code, said = await paceline("migrate", home=tmp_path, DATABASE_URL=url, PACELINE_LOG="text")
    assert code == 1  # it may be there in a moment
    assert said == [
        "paceline: PostgreSQL: ada@127.0.0.1:1/mail does not answer: nothing listens there; "
        "start it, or correct the address (DATABASE_URL is set in the environment)"
    ]


@pytest.mark.parametrize("command", ["worker", "api", "migrate", "devinbox"])
@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"DATABASE_URL": "mysql://db"}, "DATABASE_URL must begin with postgresql://"),
        ({"PACELINE_ENV_FILE": "/no/such.env"}, "PACELINE_ENV_FILE: there is no file"),
        ({"DATABASE_URL_FILE": "/dev/zero"}, "DATABASE_URL_FILE: /dev/zero is no ordinary file"),
        ({"PACELINE_LOG_LEVEL": "loud"}, "PACELINE_LOG_LEVEL must be debug"),
        ({"PACELINE_LOG": "yaml"}, "PACELINE_LOG must be text or json"),
    ],
)
async def test_where_logs_are_json_a_refusal_is_too(
    command: str, setting: dict[str, str], told: str, tmp_path: Path
) -> None:
    code, [line] = await paceline(command, home=tmp_path, **setting)
    said = json.loads(line)
    assert (code, said["level"], said["component"]) == (78, "critical", command)
    assert said["message"].startswith(told)
    assert "exception" not in said


async def test_a_setting_is_told_with_the_line_of_the_file_that_made_it(
    database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "paceline.env"
    file.write_text(f"# ours\nDATABASE_URL={database_url.replace('/test_', '/no_such_')}\n")
    code, said = await paceline("migrate", home=tmp_path, PACELINE_ENV_FILE=str(file))
    assert code == 78
    assert len(said) == 1
    assert "does not exist" in said[0]
    assert f"DATABASE_URL is set in {file}, line 2" in said[0]


async def test_a_database_without_a_schema_is_waited_for(
    empty_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    settings = settings_for(empty_database_url, redis_url)
    findings = await preflight(settings, Part.WORKER, home=tmp_path)
    assert heavy(findings) == [("Schema", Weight.AWAY)]
    assert "run `paceline migrate`" in " ".join(f.line() for f in findings)
    assert heavy(await preflight(settings, Part.MIGRATE, home=tmp_path)) == []


@pytest.mark.parametrize(
    ("revision", "part", "weight"),
    [
        ("0001", Part.API, [("Schema", Weight.AWAY)]),
        ("9999", Part.API, []),
        ("9999", Part.MIGRATE, [("Schema", Weight.WRONG)]),
        ("9999", Part.DEVINBOX, []),
        ("0001", Part.DEVINBOX, []),
    ],
)
async def test_a_schema_that_is_behind_is_waited_for_and_a_newer_one_is_never_migrated(
    revision: str, part: Part, weight: object, settings: Settings, tmp_path: Path
) -> None:
    connection = await asyncpg.connect(settings.database.url)
    await connection.execute("UPDATE alembic_version SET version_num = $1", revision)
    await connection.close()
    api = replace(settings.api, port=free_port())
    inbox = replace(settings.devinbox, port=free_port())
    given = replace(settings, api=api, devinbox=inbox)
    assert heavy(await preflight(given, part, home=tmp_path)) == weight


async def test_servers_that_do_not_answer_are_told_in_words(tmp_path: Path) -> None:
    settings = settings_for("postgresql://ada:s3cret@127.0.0.1:1/mail", "redis://:hush@127.0.0.1:1")
    findings = await preflight(settings, Part.WORKER, home=tmp_path)
    assert heavy(findings) == [("PostgreSQL", Weight.AWAY), ("Redis", Weight.AWAY)]
    told = " ".join(finding.line() for finding in findings)
    assert "ada@127.0.0.1:1/mail does not answer: nothing listens there" in told
    assert "s3cret" not in told
    assert "hush" not in told
    assert "Errno" not in told


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version_number": 140_011, "version": "14.11"}, "is version 14.11; upgrade it to 15"),
        ({"encoding": "SQL_ASCII"}, "use a database with encoding UTF8"),
        ({"synchronous_commit": "off"}, "ALTER SYSTEM SET synchronous_commit = on"),
        ({"is_standby": True}, "name the primary"),
    ],
)
def test_a_postgresql_that_does_not_do_is_refused_with_what_to_do(
    change: dict[str, object], said: str
) -> None:
    findings = list(database_findings(replace(DATABASE, **change), migrates=False))
    (found,) = [finding for finding in findings if finding.weight > Weight.REMARK]
    assert said in found.line()


@pytest.mark.parametrize(
    ("change", "said", "weight"),
    [
        ({"version": (5, 0, 14)}, "is version 5.0.14; upgrade it to 6.2", Weight.WRONG),
        ({"is_cluster": True}, "use one server", Weight.WRONG),
        ({"is_replica": True}, "name the primary", Weight.AWAY),
        (
            {"eviction": "allkeys-lru", "max_octets": 10**9},
            "CONFIG SET maxmemory-policy noeviction",
            Weight.WRONG,
        ),
        ({"eviction": "volatile-lru"}, "maxmemory-policy noeviction", Weight.REMARK),
        ({"keeps_a_log": False}, "CONFIG SET appendonly yes", Weight.REMARK),
        ({"max_octets": 100, "used_octets": 95}, "95 % of its memory", Weight.REMARK),
        (
            {"max_octets": 100, "used_octets": 121},
            "121 % of its memory is taken: nothing is sent; raise maxmemory",
            Weight.AWAY,
        ),
        (
            {"max_octets": 100, "used_octets": 121, "refuses_writes": "command not allowed"},
            "121 % of its memory is taken: nothing is sent; raise maxmemory",
            Weight.AWAY,
        ),
    ],
)
def test_a_redis_that_does_not_do_is_told_with_what_to_do(
    change: dict[str, object], said: str, weight: Weight
) -> None:
    (found,) = redis_findings(replace(REDIS, **change))
    assert said in found.line()
    assert found.weight is weight


async def test_a_redis_that_asks_for_a_password_is_told_apart_from_one_that_is_away(
    settings: Settings, redis_url: str, tmp_path: Path
) -> None:
    async with redis.asyncio.from_url(redis_url) as connection:
        await connection.execute_command("ACL SETUSER guarded on >right ~* &* +@all")
        wrong = redis_url + "&username=guarded&password=wrong"
        try:
            findings = await preflight(
                settings_for(settings.database.url, wrong), Part.WORKER, home=tmp_path
            )
        finally:
            await connection.execute_command("ACL DELUSER guarded")
    assert heavy(findings) == [("Redis", Weight.WRONG)]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("nonsense=1", "the address makes no sense: there is no parameter 'nonsense'"),
        ("db=many", "the address makes no sense: Invalid value for 'db'"),
    ],
)
async def test_a_parameter_that_redis_does_not_have_is_wrong(
    query: str, told: str, settings: Settings, tmp_path: Path
) -> None:
    settings = settings_for(settings.database.url, f"redis://127.0.0.1:1/0?{query}")
    findings = await preflight(settings, Part.WORKER, home=tmp_path)
    (found,) = [f for f in findings if f.about == "Redis"]
    assert found.weight is Weight.WRONG
    assert told in found.line()


@pytest.mark.parametrize("name", ["ssl_ca_certs", "ssl_certfile"])
async def test_a_certificate_for_redis_that_is_not_there_is_told(
    name: str, settings: Settings, tmp_path: Path
) -> None:
    url = f"rediss://127.0.0.1:1/0?{name}=/no/such.pem"
    told = f"REDIS_URL, {name}: /no/such.pem cannot be read: no such file or directory"
    with pytest.raises(SettingsError) as refused:
        await preflight(settings_for(settings.database.url, url), Part.WORKER, home=tmp_path)
    assert str(refused.value) == told


async def test_a_server_of_another_kind_is_told_as_one_that_does_not_answer(
    settings: Settings, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://a@127.0.0.1:{silent.getsockname()[1]}/x?connect_timeout=1"
        given = settings_for(url, settings.redis.url)
        findings = await preflight(given, Part.MIGRATE, home=tmp_path)
    (found,) = [f for f in findings if f.about == "PostgreSQL"]
    assert "does not answer: no answer in time; start it" in found.line()


async def test_a_number_that_redis_does_not_have_is_wrong(
    settings: Settings, redis_url: str, tmp_path: Path
) -> None:
    beyond = redis_url.replace("db=0", "db=99")
    settings = settings_for(settings.database.url, beyond)
    assert heavy(await preflight(settings, Part.WORKER, home=tmp_path)) == [("Redis", Weight.WRONG)]


def test_a_home_that_cannot_be_written_is_wrong() -> None:
    (found,) = home_findings(Path("/dev/null/home"))
    assert found.weight is Weight.WRONG
    assert "cannot be written" in found.line()


def test_a_file_in_the_place_of_a_home_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    (found,) = home_findings(tmp_path / "home")
    assert "cannot be written: not a directory; " in found.line()


@pytest.mark.parametrize(
    ("mebioctets", "weight", "told"),
    [
        (2_048, Weight.FINE, "/h can be written, 2.0 GiB are free"),
        (900, Weight.REMARK, "the disk of /h is nearly full, 900 MiB are free; make room"),
        (7, Weight.AWAY, "the disk of /h is nearly full, 7 MiB are free; make room"),
    ],
)
def test_a_disk_is_told_before_it_is_full(mebioctets: int, weight: Weight, told: str) -> None:
    found = disk_finding(Path("/h"), free=mebioctets << 20)
    assert (found.weight, found.line()) == (weight, f"Home: {told}")


async def test_a_port_that_is_taken_may_be_free_in_a_moment_and_a_foreign_address_never() -> None:
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        (taken,) = port_findings("127.0.0.1", port)
    (foreign,) = port_findings("192.0.2.1", port)
    assert (taken.weight, foreign.weight) == (Weight.AWAY, Weight.WRONG)


async def test_a_dev_inbox_that_cannot_listen_ends_with_one_line(
    database_url: str, tmp_path: Path
) -> None:
    given = {"DATABASE_URL": database_url, "PACELINE_LOG": "text"}
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    async with server:
        port = str(server.sockets[0].getsockname()[1])
        taken = await paceline("devinbox", home=tmp_path, DEVINBOX_PORT=port, **given)
    foreign = await paceline("devinbox", home=tmp_path, DEVINBOX_HOST="192.0.2.1", **given)
    for (code, said), expected, name in (
        (taken, 1, "DEVINBOX_PORT"),
        (foreign, 78, "DEVINBOX_HOST"),
    ):
        (line,) = said
        assert code == expected
        assert line.startswith("paceline: Address: cannot listen on ")
        assert line.endswith(f"choose another ({name} is set in the environment)")


def test_an_address_that_others_reach_without_an_answer_is_told() -> None:
    (found,) = reach_findings(ApiSettings(host="0.0.0.0"))
    assert "set BASE_URL to the address by which others reach it" in found.line()
    assert list(reach_findings(ApiSettings(host="0.0.0.0", base_url="https://m.example"))) == []
    assert list(reach_findings(ApiSettings())) == []


def test_clocks_that_are_apart_are_told_with_whose() -> None:
    behind = clock.now() - timedelta(seconds=90)
    found = clock_finding("Redis", behind)
    assert found.weight is Weight.REMARK
    assert "Redis's is 90 s apart" in found.line()
    assert clock_finding("Redis", clock.now()).weight is Weight.FINE


def test_where_a_setting_was_made_stands_at_the_end_of_its_line() -> None:
    finding = Finding(
        about="Home", weight=Weight.WRONG, says="is full", remedy="make room", settings=("A", "B")
    )
    made = {"B": "set in .env, line 3"}
    assert finding.line(made.get) == "Home: is full; make room (B is set in .env, line 3)"
    assert finding.line({}.get) == "Home: is full; make room (A is not set)"


@pytest.mark.parametrize("query", ["sslrootcert={}", "sslcert={}", "passfile={}", "sslcrl={}"])
async def test_a_file_that_is_not_there_is_no_server_that_is_away(
    query: str, settings: Settings, tmp_path: Path
) -> None:
    missing = tmp_path / "missing.pem"
    url = f"{settings.database.url}&{query.format(missing)}"
    with pytest.raises(SettingsError) as refused:
        await preflight(settings_for(url, settings.redis.url), Part.WORKER, home=tmp_path)
    name = query.partition("=")[0]
    told = f"DATABASE_URL, {name}: {missing} cannot be read: no such file or directory"
    assert str(refused.value) == told


@pytest.mark.parametrize("query", ["sslrootcert={}", "sslcert={}"])
async def test_a_file_that_holds_no_certificate_is_told(
    query: str, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a certificate")
    url = f"{settings.database.url}&{query.format(file)}"
    with pytest.raises(SettingsError, match="holds nothing in PEM that can be used"):
        await preflight(settings_for(url, settings.redis.url), Part.WORKER, home=tmp_path)


async def test_an_api_that_listens_already_waits_for_its_schema_and_then_holds_the_key(
    empty_database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(starting, "AGAIN_SECONDS", 0.01)
    stop, listening = asyncio.Event(), asyncio.Event()
    given = settings_for(empty_database_url, redis_url)
    given = replace(given, api=replace(given.api, port=free_port()))

    async def work(stop: asyncio.Event) -> None:
        server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", given.api.port)
        async with server:
            listening.set()
            await stop.wait()

    started = asyncio.create_task(starting.start_when_fit(given, Part.API, stop, work))
    await listening.wait()
    assert (await paceline("migrate", home=tmp_path, DATABASE_URL=empty_database_url))[0] == 0
    connection = await asyncpg.connect(empty_database_url)
    async with asyncio.timeout(60):
        while not await connection.fetchval("SELECT count(*) FROM secret_key"):
            assert not started.done(), started
    await connection.close()
    stop.set()
    await started
