"""What the compose page costs on the wire: octets as served, so the same on every machine."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, Response

from tests.e2e.running import System
from tests.e2e.writing import editor_of

MOST_AT_FIRST = 150_000  # until the fields can be filled in
MOST = 300_000  # with the editor
EDITOR = re.compile(r"/c-[^/]+\.js")


@pytest.fixture(scope="module", autouse=True)
def _sender(system: System) -> None:
    system.sender("Northwind Weight", "weight@northwind.example")


def octets(response: Response) -> int:
    response.finished()
    sizes = response.request.sizes()
    return sizes["responseBodySize"] + sizes["responseHeadersSize"]


def test_the_compose_page_is_light_and_its_fields_are_lighter(
    system: System, chromium: Browser, signed_in_state: dict[str, object]
) -> None:
    context = chromium.new_context(
        base_url=system.url,
        storage_state=signed_in_state,  # type: ignore[arg-type]  # as it came from Playwright
    )
    page: Page = context.new_page()
    answers: list[Response] = []

    def hear(answer: Response) -> None:
        answers.append(answer)

    page.on("response", hear)
    page.goto("/compose", wait_until="load")
    editor_of(page)
    page.wait_for_load_state("networkidle")
    weights = {answer.url.partition("?")[0]: octets(answer) for answer in answers}
    context.close()
    editor = sum(weight for url, weight in weights.items() if EDITOR.search(url))
    assert editor, "the editor is a part of its own"
    assert sum(weights.values()) - editor < MOST_AT_FIRST, weights
    assert sum(weights.values()) < MOST, weights
