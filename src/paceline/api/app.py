"""Puts the resources together into one ASGI application."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import cache
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from paceline import __version__
from paceline.api import (
    api_keys,
    attachments,
    campaigns,
    emails,
    health,
    metrics,
    persons,
    problems,
    recipients,
    senders,
    status,
    suppressions,
)
from paceline.api.arriving import ARRIVAL, Arrival
from paceline.api.bodies import BodyRules
from paceline.api.departing import UNTIL_SENT
from paceline.api.etags import conditions_are_honoured
from paceline.api.headers import API_HEADERS
from paceline.api.outgoing.problems import ProblemOut
from paceline.api.parts import PARTS, ApiParts
from paceline.api.query import only_known
from paceline.api.security import held_to_scope
from paceline.api.unpacking import Unpacking
from paceline.auth.acting import acting, address_of
from paceline.default_headers import DefaultHeaders
from paceline.methods import AnsweredMethods, Methods

# One entry for all of them: what differs is in the words.
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "Not carried out; `errors` names the fields",
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
    }
}


def create_api(parts: ApiParts, *, https: bool = False) -> ASGIApp:
    """The HTTP API under `/api/v1`, its description, and the health checks.

    `https`: that is how it is reached from outside, and nobody is to come back in the clear.
    Unknown paths are answered here, too: what is not of the API must not be sent to it.
    """
    app = _application()

    async def api(scope: Scope, receive: Receive, send: Send) -> None:
        arrival = Arrival(scope, receive)
        async with AsyncExitStack() as until_sent:
            own = {PARTS: parts, ARRIVAL: arrival, UNTIL_SENT: until_sent}
            state = {**scope.get("state", {}), **own}
            with acting(address=address_of(scope)):
                await app({**scope, "state": state}, arrival.receive, send)

    return DefaultHeaders(api, API_HEADERS, https=https)


@cache
def _application() -> FastAPI:
    """One for all: FastAPI takes a quarter of a second over its routes, and each request brings its
    parts along."""
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
    v1 = APIRouter(
        prefix="/api/v1",
        responses=_PROBLEMS,
        dependencies=[
            Depends(held_to_scope),
            Depends(only_known),
            Depends(conditions_are_honoured),
        ],
    )
    for resource in (
        senders,
        campaigns,
        recipients,
        attachments,
        emails,
        suppressions,
        persons,
        api_keys,
        status,
    ):
        v1.include_router(resource.router)
    app.include_router(v1)
    app.include_router(health.router)
    app.include_router(metrics.router)
    problems.install(app)
    app.add_middleware(Methods, answered=AnsweredMethods(app.routes), refuse=_not_allowed)
    app.add_middleware(BodyRules)
    app.add_middleware(Unpacking)  # before the rules: they count what was unpacked
    return app


async def _not_allowed(request: Request, allowed: str) -> Response:
    return problems.problem(405, f"{request.method} is not allowed here, only {allowed}")
