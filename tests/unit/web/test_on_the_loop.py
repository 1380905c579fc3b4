"""No request waits for one of the threads that the framework has for everybody together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from paceline.api.app import _application as the_api
from paceline.web.app import _application as the_pages


def routes_of(routes: list[BaseRoute]) -> Iterator[APIRoute]:
    """Those of an application, and of the routers in it, however the framework keeps them."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if isinstance(route, APIRoute):
            yield route
        elif inner is not None:
            yield from routes_of(inner.routes)


def calls_of(needed: Dependant) -> Iterator[Any]:
    yield needed.call
    for below in needed.dependencies:
        yield from calls_of(below)


def on_the_loop(call: Any) -> bool:
    kinds = (iscoroutinefunction, isasyncgenfunction)
    return any(kind(one) for kind in kinds for one in (call, type(call).__call__))


@pytest.mark.parametrize("application", [the_api, the_pages])
def test_routes_and_what_they_depend_on_are_carried_out_on_the_loop(
    application: Callable[[], FastAPI],
) -> None:
    routes = list(routes_of(application().routes))
    assert len(routes) > 20
    on_threads = {
        (route.path, call)
        for route in routes
        for call in calls_of(route.dependant)
        if call is not None and not on_the_loop(call)
    }
    assert not on_threads
