"""The measuring of pages leaves none out."""

from __future__ import annotations

from fastapi.routing import APIRoute

from bench.page_paths import NOT_MEASURED, OF_CAMPAIGN, OF_LAUNCHED, PAGES
from paceline.web.app import _SCREENS


def test_every_page_and_partial_is_measured_or_named_as_not_measured() -> None:
    given = {
        route.path
        for module in _SCREENS
        for route in module.router.routes
        if isinstance(route, APIRoute) and "GET" in route.methods
    }
    templates = (*PAGES.values(), *OF_CAMPAIGN.values(), *OF_LAUNCHED.values())
    measured = {path.partition("?")[0] for path in templates}
    assert measured | NOT_MEASURED == given
    assert not measured & NOT_MEASURED
