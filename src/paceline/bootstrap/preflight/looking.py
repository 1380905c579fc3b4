"""The look itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path

from paceline.bootstrap.preflight.database import gone, look_at_database
from paceline.bootstrap.preflight.findings import Finding
from paceline.bootstrap.preflight.machine import (
    clock_finding,
    environment_findings,
    home_findings,
    introduction_findings,
    port_findings,
    reach_findings,
)
from paceline.bootstrap.preflight.redis import look_at_redis, neighbour_findings
from paceline.bootstrap.preflight.secret_key import hold_to_key, look_at_key
from paceline.engine.condition import INSTALLATION_SECONDS
from paceline.persistence.database import Database, DatabaseUnavailable
from paceline.persistence.witness import installation_of
from paceline.settings import Settings
from paceline.settings.names import lookalikes


class Part(Enum):
    """Who is about to start, and what it stands on."""

    MIGRATE = frozenset({"database"})
    DEVINBOX = frozenset({"database", "inbox"})
    API = frozenset({"database", "schema", "redis", "secret", "port"})
    WORKER = frozenset({"database", "schema", "redis", "secret", "home", "ehlo"})
    DOCTOR = frozenset({"database", "schema", "redis", "secret", "home", "ehlo", "port"})


async def preflight(
    settings: Settings,
    part: Part,
    *,
    home: Path,
    env: Mapping[str, str] | None = None,
    again: bool = False,
) -> list[Finding]:
    """All findings. Raises `SettingsError` when a setting that is needed is not made at all.

    `again`: since the start there was one look already, and the port is our own by now.
    """
    needs = part.value - ({"port", "inbox"} if again else set())
    findings = list(environment_findings(lookalikes(env or {})))
    if "secret" in needs:
        assert settings.secrets.key, "it raises when there is none"
    url = settings.database.url
    database, installation = Database.of(settings.database, pool_size=1), None
    try:
        told, seen = await look_at_database(database, url, migrates=part is Part.MIGRATE)
        # Mail that the dev inbox cannot keep yet is tried again by who sent it.
        findings += [f for f in told if f.about != "Schema" or part is not Part.DEVINBOX]
        if seen:
            findings.append(clock_finding("PostgreSQL", seen.now))
        if "secret" in needs and seen and seen.can_be_asked:
            try:
                findings += await look_at_key(database, settings.secrets)
                installation = await installation_of(database)
            except DatabaseUnavailable as error:
                findings.append(gone(url, error))
    finally:
        await database.close()
    if "redis" in needs:
        told, queue = await look_at_redis(settings.redis.url)
        findings += told
        if queue:
            findings.append(clock_finding("Redis", queue.now))
        if queue and installation and "home" in needs:  # who takes lanes
            if any(neighbour_findings(queue, installation)):
                await asyncio.sleep(INSTALLATION_SECONDS + 1)  # its last worker may just have ended
                _, queue = await look_at_redis(settings.redis.url)
            findings += neighbour_findings(queue, installation) if queue else ()
    if "home" in needs:
        findings += home_findings(home)
    if "ehlo" in needs:
        findings += await introduction_findings(settings.api)
    return findings + list(_listening_findings(settings, needs))


def _listening_findings(settings: Settings, needs: frozenset[str]) -> Iterator[Finding]:
    if "port" in needs:
        yield from port_findings(settings.api.host, settings.api.port)
        yield from reach_findings(settings.api)
    if "inbox" in needs:
        inbox, names = settings.devinbox, ("DEVINBOX_HOST", "DEVINBOX_PORT")
        yield from port_findings(inbox.host, inbox.port, settings=names)


async def hold(settings: Settings) -> None:
    """Once the database is there: hold this process to the installation's key. Raises `Unfit`."""
    database = Database.of(settings.database, pool_size=1)
    try:
        await hold_to_key(database, settings.secrets)
    finally:
        await database.close()
