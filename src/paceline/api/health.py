"""`/healthz`: this process lives. `/readyz`: what it needs answers, or what does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from paceline.api.parts import Wired
from paceline.api.problems import RETRY_AFTER_SECONDS, problem
from paceline.errors import OperationalError

PROBE_SECONDS = 2.0

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Alive; says nothing about anything else."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(parts: Wired) -> Response:
    """Ready, when everything that it stands on answers."""
    names = list(parts.probes)
    found = await asyncio.gather(*(_probe(parts.probes[name]) for name in names))
    checks = dict(zip(names, found, strict=True))
    failing = [f"{name}: {what}" for name, what in checks.items() if what != "ok"]
    if failing:
        return problem(
            503,
            "; ".join(failing),
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
            extra={"checks": checks},
        )
    return JSONResponse({"status": "ready", "checks": checks})


async def _probe(probe: Callable[[], Awaitable[None]]) -> str:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await probe()
    except TimeoutError:
        return f"no answer within {PROBE_SECONDS:g} s"
    except OperationalError as error:
        return str(error) or type(error).__name__
    return "ok"
