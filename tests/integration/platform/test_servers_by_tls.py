"""PostgreSQL and Redis spoken to by TLS, certificate and name checked against a CA of our own."""

from __future__ import annotations

import asyncio
import re
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.certificates import certify
from tests.faults.processes import START_SECONDS, Worker
from tests.integration.engine.sink import Sink
from tests.integration.platform.passing_on import listening
from tests.integration.platform.refusing import paceline
from tests.world import World


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    certify(tmp_path / "server.pem", "127.0.0.1")
    return tmp_path / "server.pem"


def shown(certificate: Path) -> ssl.SSLContext:
    """What a server shows whoever connects."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@asynccontextmanager
async def by_tls(database_url: str, certificate: Path, trusted: Path) -> AsyncIterator[str]:
    """The address of the same database, for somebody who trusts nothing but `trusted`."""
    tls = shown(certificate)
    parts = urlsplit(database_url)
    (folder,) = parse_qs(parts.query)["host"]
    async with listening(f"{folder}/.s.PGSQL.5432", tls, when_asked=True) as place:
        query = f"sslmode=verify-full&sslrootcert={trusted}"
        yield f"postgresql://paceline@{place}{parts.path}?{query}"


async def test_migrations_doctor_and_other_commands_go_by_tls(
    empty_database_url: str, redis_url: str, certificate: Path, tmp_path: Path
) -> None:
    async with by_tls(empty_database_url, certificate, certificate) as url:
        for command in (("migrate",), ("doctor", "-q"), ("api-key", "list")):
            code, said = await paceline(
                *command, home=tmp_path, DATABASE_URL=url, REDIS_URL=redis_url
            )
            assert code == 0, said


@pytest.mark.parametrize("command", ["worker", "migrate", "doctor", "backup kept.pl"])
async def test_a_certificate_of_another_authority_ends_every_command_with_one_line(
    command: str, database_url: str, redis_url: str, certificate: Path, tmp_path: Path
) -> None:
    certify(tmp_path / "other.pem", "127.0.0.1")
    env = {"REDIS_URL": redis_url, "PACELINE_LOG": "text"}
    async with by_tls(database_url, certificate, tmp_path / "other.pem") as url:
        code, said = await paceline(*command.split(), home=tmp_path, DATABASE_URL=url, **env)
    (line,) = [line for line in said if "PostgreSQL" in line]
    assert code == 78
    assert "refuses us: its certificate is not trusted: self-signed certificate; " in line
    assert len(said) == 1 or command == "doctor"


async def test_a_certificate_for_another_host_is_not_taken(
    database_url: str, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    certify(other, "192.0.2.1")
    async with by_tls(database_url, other, other) as url:
        code, [line] = await paceline(
            "migrate", home=tmp_path, DATABASE_URL=url, PACELINE_LOG="text"
        )
    assert code == 78
    assert "certificate is not valid for '127.0.0.1'" in line


async def test_a_backup_by_tls_asks_for_programs_that_speak_it_and_leaves_no_file(
    database_url: str, certificate: Path, tmp_path: Path
) -> None:
    """Those of the tests' own server, which `paceline up` brings along, do not."""
    kept = tmp_path / "kept.pl"
    async with by_tls(database_url, certificate, certificate) as url:
        code, [line] = await paceline("backup", str(kept), home=tmp_path, DATABASE_URL=url)
    assert code == 1
    assert re.fullmatch(
        r"paceline: PostgreSQL is version 18, and its programs here that speak TLS are .*: "
        r"install pg_dump, pg_restore and psql 18 \(Debian: postgresql-client-18\)",
        line,
    )
    assert not kept.exists()


async def test_a_worker_sends_with_tls_to_both(
    world: World, database_url: str, redis_url: str, certificate: Path, tmp_path: Path
) -> None:
    async with (
        Sink() as sink,
        by_tls(database_url, certificate, certificate) as database,
        listening(unquote(urlsplit(redis_url).path), shown(certificate)) as place,
    ):
        sender_id = await world.sender(port=sink.port, hourly_limit=100)
        await world.emails(sender_id, await world.campaign(sender_id), 10)
        worker = Worker.start(
            database_url=database,
            redis_url=f"rediss://{place}/0?ssl_ca_certs={certificate}",
            home=tmp_path / "home",
            log=tmp_path / "log",
        )
        try:
            await world.signal(sender_id)
            await sink.wait_for(10, within=START_SECONDS)
            worker.signal(signal.SIGTERM)
            assert await asyncio.to_thread(worker.process.wait, START_SECONDS) == 0
        finally:
            worker.kill()
