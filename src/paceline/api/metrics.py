"""`/metrics`: how the installation and this process are doing, for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.api.parts import Wired
from paceline.api.problems import problem
from paceline.observability.exposition import CONTENT_TYPE

router = APIRouter(tags=["health"])


@router.get("/metrics")
async def metrics(request: Request, parts: Wired) -> Response:
    """Figures, for those who may read them: SECURITY.md says who."""
    told: bytes | int = 404
    if parts.metrics is not None:
        headers = request.headers
        told = await parts.metrics(headers.get("authorization", ""), headers.get("host", ""))
    match told:
        case bytes():
            return Response(told, media_type=CONTENT_TYPE)
        case 401:
            challenge = {"WWW-Authenticate": "Bearer"}
            return problem(401, "the bearer is not PACELINE_METRICS_TOKEN", headers=challenge)
    return problem(404, "without PACELINE_METRICS_TOKEN only this machine is told")
