"""PgBouncer in transaction mode, spoken to by TLS: transactions through it, sessions past it."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from paceline.bootstrap.preflight.database import look_at_database
from paceline.persistence.database import Database
from tests.certificates import certify
from tests.hosts.conftest import Ground
from tests.hosts.network import SUBNET, Host
from tests.hosts.servers import Api
from tests.hosts.town import Town

PORT = 6432
SESSIONS = 6  # of PostgreSQL, for all transactions of all processes


@dataclass
class Bouncer:
    """One PgBouncer in front of the ground's PostgreSQL."""

    host: Host
    certificate: Path

    def answers(self) -> bool:
        """Whether it is there by now."""
        try:
            socket.create_connection((self.host.address, PORT), timeout=1).close()
        except OSError:
            return False
        return True

    def url(self, database: str) -> str:
        """By TLS, certificate and name checked."""
        return (
            f"postgresql://paceline@{self.host.address}:{PORT}/{database}"
            f"?sslmode=verify-full&sslrootcert={self.certificate}"
        )


@pytest.fixture
def bouncer(ground: Ground, town: Town) -> Iterator[Bouncer]:
    host, server = ground.network.once("pgbouncer"), town.postgres_host
    user = pwd.getpwnam("nobody")
    folder = ground.folder / "pgbouncer"
    folder.mkdir(exist_ok=True)
    secret, public = folder / "secret.pem", folder / "public.pem"
    certify(secret, host.address)
    public.write_text(secret.read_text().partition("-----BEGIN PRIVATE")[0])
    (folder / "users").write_text('"paceline" ""\n')
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\n* = host={server.address} port=5432\n"
        f"[pgbouncer]\nlisten_addr = {SUBNET}.{host.number}\nlisten_port = {PORT}\n"
        "pool_mode = transaction\nauth_type = trust\nunix_socket_dir =\n"
        f"auth_file = {folder}/users\ndefault_pool_size = {SESSIONS}\nmax_client_conn = 400\n"
        "client_tls_sslmode = require\n"
        f"client_tls_cert_file = {secret}\nclient_tls_key_file = {secret}\n"
    )
    for path in (folder, *folder.iterdir()):
        os.chown(path, user.pw_uid, user.pw_gid)
    as_user = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    with (town.folder / "pgbouncer.log").open("ab") as output:
        process = subprocess.Popen(
            [*host.enter, *as_user, "/usr/sbin/pgbouncer", str(settings)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield Bouncer(host, public)
    finally:
        process.kill()
        process.wait()


async def test_many_processes_share_a_few_sessions_of_postgresql(
    town: Town, bouncer: Bouncer
) -> None:
    await town.until(bouncer.answers, "PgBouncer is there")
    direct = town.database_url
    town.database_url = bouncer.url(direct.rpartition("/")[2])
    town.env = {"DATABASE_DIRECT_URL": direct}
    await town.start_all()
    env = {"DATABASE_URL": town.database_url, "REDIS_URL": town.redis_url, **town.env}
    env["PACELINE_HOME"] = str(town.folder / "api")
    api = Api.start(town.hosts[0], env=env, log=town.folder / "api.log")
    try:
        await town.campaigns_of(5, emails=100)
        await town.campaign(50, hourly_limit=50, min_delay_ms=100)
        await town.until(api.is_ready, "the API is ready")
        key = api.runs("api-key", "create", "--email", "ada@example.com", "--owner")
        for _ in range(40):
            assert api.asks("/api/v1/campaigns", key)["items"] == []  # the town's are another's
        town.lose(town.busiest())
        await town.until_done()
    finally:
        api.stop()
    await town.verdict(doubts=town.under_way)
    said = "".join(path.read_text() for path in town.folder.glob("*.log"))
    assert "prepared statement" not in said


async def test_a_pooler_that_is_taken_for_postgresql_itself_is_told_apart(
    town: Town, bouncer: Bouncer
) -> None:
    await town.until(bouncer.answers, "PgBouncer is there")
    url = bouncer.url(town.database_url.rpartition("/")[2])
    database = Database(url)
    findings, _ = await look_at_database(database, url)
    await database.close()
    assert "DATABASE_DIRECT_URL" in findings[0].remedy
