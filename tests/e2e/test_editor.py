"""The editor takes over from the plain field below it without losing a keystroke."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from paceline import web
from tests.e2e.running import System
from tests.e2e.writing import editor_of

_BUILT = Path(web.__file__).parent / "static/dist"
# The part that is loaded on demand; what it shares with the rest comes with the page.
[EDITOR] = [part.name for part in _BUILT.glob("c-*.js") if "ProseMirror" in part.read_text()]
EDITOR_SCRIPT = re.compile(f"/{EDITOR}$")


@pytest.fixture(scope="module", autouse=True)
def _sender(system: System) -> None:
    system.sender("Northwind Letters", "letters@northwind.example")


@pytest.fixture
def late(page: Page) -> list[Route]:
    """The compose page without its editor, whose script waits in this list."""
    held: list[Route] = []

    def hold(script: Route) -> None:
        held.append(script)

    page.route(EDITOR_SCRIPT, hold)
    with page.expect_request(EDITOR_SCRIPT):
        page.goto("/compose", wait_until="domcontentloaded")
    return held


def arrive(page: Page, late: list[Route]) -> None:
    for script in late:
        script.continue_()
    editor_of(page)


def test_what_is_typed_before_the_editor_arrives_goes_on_in_it(
    page: Page, late: list[Route]
) -> None:
    page.get_by_label("Body").click()
    page.keyboard.type("Dear ")
    arrive(page, late)
    page.keyboard.type("Ada")
    expect(page.locator("textarea[name=body]")).to_have_value("<p>Dear Ada</p>")


def test_the_caret_stays_between_its_letters_and_lines_stay_lines(
    page: Page, late: list[Route]
) -> None:
    page.get_by_label("Body").click()
    page.keyboard.type("Dear {{ name }},\n\none < two\nthree")
    for _ in "ree":
        page.keyboard.press("ArrowLeft")
    arrive(page, late)
    page.keyboard.type("*")
    expect(page.locator("textarea[name=body]")).to_have_value(
        "<p>Dear {{ name }},</p><p>one &lt; two<br>th*ree</p>"
    )
    expect(page.locator(".pl-rte .pl-merge")).to_have_text("{{ name }}")


def test_a_selection_made_before_the_editor_arrives_is_written_over_in_it(
    page: Page, late: list[Route]
) -> None:
    body = page.get_by_label("Body")
    body.fill("<p>Dear <b>you</b></p>")
    body.press("ControlOrMeta+a")
    arrive(page, late)
    page.keyboard.type("Anew")
    expect(page.locator("textarea[name=body]")).to_have_value("<p>Anew</p>")


def test_the_editor_takes_no_focus_from_another_field(page: Page, late: list[Route]) -> None:
    page.get_by_label("Body").fill("Kept")
    page.get_by_label("Subject").click()
    arrive(page, late)
    page.keyboard.type("Still here")
    expect(page.get_by_label("Subject")).to_have_value("Still here")
    expect(page.locator("textarea[name=body]")).to_have_value("<p>Kept</p>")


def test_a_field_with_a_default_is_a_chip_and_stays_what_it_was(
    page: Page, late: list[Route]
) -> None:
    body = '<p>Dear {{ name | default("there") }}</p><p><a href="{{ url }}">here</a></p>'
    page.get_by_label("Body").fill(body)
    page.keyboard.press("ControlOrMeta+Home")
    for _ in "<p>":
        page.keyboard.press("ArrowRight")
    arrive(page, late)
    expect(page.locator(".pl-rte .pl-merge")).to_have_text('{{ name | default("there") }}')
    page.keyboard.type("My ")
    expect(page.locator("textarea[name=body]")).to_have_value(
        re.compile(r'<p>My Dear \{\{ name \| default\("there"\) \}\}</p>')
    )
