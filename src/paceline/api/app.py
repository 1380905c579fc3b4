"""Puts the resources together into one ASGI application."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.routing import Match

from paceline import __version__
from paceline.api import (
    api_keys,
    attachments,
    campaigns,
    emails,
    health,
    problems,
    senders,
    suppressions,
)
from paceline.api.bodies import BodyRules
from paceline.api.outgoing import ProblemOut
from paceline.api.parts import ApiParts
from paceline.api.unpacking import Unpacking

# One entry for all of them: what differs is in the words.
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "Not carried out; `errors` names the fields",
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
    }
}
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def create_api(parts: ApiParts) -> FastAPI:
    """The HTTP API under `/api/v1`, its description, and the health checks.

    The dashboard may be mounted at `/` afterwards; unknown paths under `/api` stay here.
    """
    app = FastAPI(
        title="Paceline",
        version=__version__,
        summary="Schedules email and sends each one at its time, once, within every limit.",
        openapi_url="/api/openapi.json",
        docs_url=None,  # a page of scripts from somebody else's server
        redoc_url=None,
        redirect_slashes=False,
        responses={503: {"model": ProblemOut, "description": "Try again in a moment"}},
    )
    app.state.api = parts
    v1 = APIRouter(prefix="/api/v1", responses=_PROBLEMS)
    for resource in (senders, campaigns, attachments, emails, suppressions, api_keys):
        v1.include_router(resource.router)
    app.include_router(v1)
    app.include_router(health.router)
    app.add_api_route("/api/{path:path}", _nothing_here, methods=_METHODS, include_in_schema=False)
    problems.install(app)
    app.add_middleware(BodyRules)
    app.add_middleware(Unpacking)  # before the rules: they count what was unpacked
    return app


async def _nothing_here(request: Request) -> None:
    allowed = _allowed_methods(request)
    if allowed:
        raise HTTPException(
            405, f"{request.method} is not allowed here", headers={"Allow": ", ".join(allowed)}
        )
    raise HTTPException(404, "Not Found")


def _allowed_methods(request: Request) -> list[str]:
    """The methods that this path does answer: the catch-all would hide them."""
    found: set[str] = set()
    for method in _METHODS:
        scope = {**request.scope, "method": method}
        for route in request.app.routes:
            endpoint = getattr(route, "endpoint", None)
            if endpoint is not _nothing_here and route.matches(scope)[0] is Match.FULL:
                found.add(method)
    return sorted(found)
