"""`/healthz`: this process lives. `/readyz`: it can take work, and what does not answer."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from paceline.api.parts import Wired
from paceline.api.problems import RETRY_AFTER_SECONDS, problem
from paceline.observability.probing import answer_of

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Alive; says nothing about anything else."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(parts: Wired) -> Response:
    """Ready, when it can take work. What can be waited for is told, and takes nobody out."""
    names = list(parts.probes)
    found = await asyncio.gather(*(answer_of(parts.probes[name]) for name in names))
    checks = dict(zip(names, found, strict=True))
    failing = [f"{name}: {checks[name]}" for name in names if checks[name] != "ok"]
    if any(checks[name] != "ok" for name in parts.vital & checks.keys()):
        return problem(
            503,
            "; ".join(failing),
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
            extra={"checks": checks},
        )
    return JSONResponse({"status": "ready", "checks": checks})
