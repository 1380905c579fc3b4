"""A PostgreSQL that asks one user for a password, and commands as an operator starts them."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from pathlib import Path

import asyncpg

from paceline.embedded import Postgres

USER, PASSWORD = "guarded", "right"
KEY = base64.b64encode(b"k" * 32).decode()
PATIENCE_SECONDS = 60
_OURS = ("PACELINE_", "DATABASE_", "REDIS_", "PORT", "BASE_URL")


async def guard(server: Postgres) -> None:
    """From now on `USER` needs `PASSWORD`; nobody else does."""
    rules = server.directory / "pg_hba.conf"
    line = f"local all {USER} scram-sha-256\n"
    if line not in rules.read_text():
        rules.write_text(line + rules.read_text())
    connection = await asyncpg.connect(server.url)
    try:
        known = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", USER)
        if not known:
            await connection.execute(f"CREATE ROLE {USER} LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()


def with_password(url: str, password: str) -> str:
    """The same database, as that user."""
    return url.replace("postgresql://paceline@", f"postgresql://{USER}:{password}@")


def environment(home: Path, **settings: str) -> dict[str, str]:
    """This process' environment, with none of our settings but these."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    made = {"PACELINE_HOME": str(home), "PACELINE_ENV_FILE": "", "PACELINE_SECRET_KEY": KEY}
    return {**env, **made, **settings}


async def paceline(*arguments: str, home: Path, **settings: str) -> tuple[int, list[str]]:
    """One command from start to end: its exit code, and the lines that it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "paceline", *arguments),
        env=environment(home, **settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, said.decode().splitlines()
