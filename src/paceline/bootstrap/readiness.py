"""What `/readyz` asks: the preflight about PostgreSQL, and whether Redis answers.

Anybody may read it, so that no host, user or address is told; the log has them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from paceline.auth.oidc import Provider
from paceline.bootstrap.preflight.database import look_at_database
from paceline.bootstrap.preflight.findings import Weight
from paceline.bootstrap.preflight.secret_key import look_at_key
from paceline.engine.queue import LaneQueue, QueueRefusesWrites
from paceline.errors import OperationalError
from paceline.persistence.database import Database
from paceline.settings import Settings


def probes_of(
    database: Database, queue: LaneQueue, settings: Settings
) -> Mapping[str, Callable[[], Awaitable[None]]]:
    """By name. Each raises `OperationalError` when its part of the world is not fit for work."""

    async def postgresql() -> None:
        findings, seen = await look_at_database(database, settings.database.url)
        if seen and seen.can_be_asked:
            findings += await look_at_key(database, settings.secrets)
        bad = [finding for finding in findings if finding.weight >= Weight.AWAY]
        if bad:
            told = f"{bad[0].about}: {bad[0].says}; {bad[0].remedy}"
            raise OperationalError(told if seen else "does not answer, or refuses us")

    async def redis() -> None:
        try:
            await queue.takes_writes()
        except QueueRefusesWrites:
            raise OperationalError("refuses writes: what is due waits for it") from None
        except OperationalError:
            raise OperationalError("does not answer: what is due waits for it") from None

    return {"postgresql": postgresql, "redis": redis}


def answers(provider: Provider) -> Callable[[], Awaitable[None]]:
    """Whether the sign-in provider does, as far as people have asked: it is not asked for this."""

    async def sign_in() -> None:
        if provider.is_silent:
            raise OperationalError("the provider does not answer: who is signed in goes on")

    return sign_in
