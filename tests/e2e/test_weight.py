"""What pages cost on the wire: octets as served, so the same on every machine."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Response

from tests.e2e.running import System
from tests.e2e.writing import editor_of

MOST_AT_FIRST = 150_000  # of a first page; of the compose page, until its fields can be filled in
MOST = 300_000  # with the editor
EDITOR = re.compile(r"/c-[^/]+\.js")


@pytest.fixture(scope="module", autouse=True)
def _sender(system: System) -> None:
    system.sender("Northwind Weight", "weight@northwind.example")


@pytest.fixture
def answers(page: Page) -> list[Response]:
    """All that the page is answered; its browser has nothing yet."""
    answers: list[Response] = []

    def hear(answer: Response) -> None:
        answers.append(answer)

    page.on("response", hear)
    return answers


def weights(answers: list[Response]) -> dict[str, int]:
    return {answer.url.partition("?")[0]: octets(answer) for answer in answers}


def octets(response: Response) -> int:
    response.finished()
    sizes = response.request.sizes()
    return sizes["responseBodySize"] + sizes["responseHeadersSize"]


@pytest.mark.parametrize("path", ["/", "/emails", "/campaigns", "/queue"])
def test_a_first_page_is_light(page: Page, answers: list[Response], path: str) -> None:
    page.goto(path, wait_until="load")
    page.wait_for_load_state("networkidle")
    found = weights(answers)
    assert len(found) > 3, "with its styles and scripts"
    assert sum(found.values()) < MOST_AT_FIRST, found


def test_the_compose_page_is_light_and_its_fields_are_lighter(
    page: Page, answers: list[Response]
) -> None:
    page.goto("/compose", wait_until="load")
    editor_of(page)
    page.wait_for_load_state("networkidle")
    found = weights(answers)
    editor = sum(weight for url, weight in found.items() if EDITOR.search(url))
    assert editor, "the editor is a part of its own"
    assert sum(found.values()) - editor < MOST_AT_FIRST, found
    assert sum(found.values()) < MOST, found
