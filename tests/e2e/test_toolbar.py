"""Headings, links, images, undo: what the toolbar makes, and what it refuses in words."""

from __future__ import annotations

import uuid

import pytest
from playwright.sync_api import Locator, Page, expect

from paceline.domain.identifiers import new_id
from paceline.services.drafts import Saving
from tests.e2e.running import System
from tests.e2e.writing import body_of, choose_format, editor_of, write


@pytest.fixture(scope="module", autouse=True)
def _sender(system: System) -> None:
    system.sender("Northwind Toolbar", "toolbar@northwind.example")


def opened(page: Page, name: str) -> Locator:
    page.get_by_role("button", name=name, exact=True).click()
    return page.get_by_role("dialog", name=name)


def at(page: Page, system: System, body: str) -> None:
    """A draft that was written before."""
    typed = {"subject": f"Toolbar {uuid.uuid4().hex[:8]}", "body": body, "format": "rich"}
    saving = Saving(version=0, page="elsewhere")
    made = system.run(system.cases.drafts.save(system.owner_id, new_id(), typed, saving))
    page.goto(f"/compose/{made.id}")
    editor_of(page)


def select_all(page: Page) -> None:
    """What is written is selected, and the editor has the focus."""
    editor_of(page).press("ControlOrMeta+a")
    expect(editor_of(page)).to_be_focused()


def test_a_heading_is_chosen_and_given_up_again(page: Page, system: System) -> None:
    at(page, system, "")
    write(page, "News")
    page.get_by_label("Text style").select_option("Heading 2")
    expect(body_of(page)).to_have_value("<h2>News</h2>")
    expect(page.get_by_label("Text style")).to_have_value("2")
    page.get_by_label("Text style").select_option("Paragraph")
    expect(body_of(page)).to_have_value("<p>News</p>")


def test_a_link_is_made_with_its_text_changed_and_taken_away(page: Page, system: System) -> None:
    at(page, system, "")
    dialog = opened(page, "Link")
    expect(dialog.get_by_role("button", name="Remove link")).to_be_hidden()
    dialog.get_by_label("Address").fill("shop.example/?for={{ email }}")
    dialog.get_by_label("Text").fill("our shop, {{ name }}")
    dialog.get_by_role("button", name="Save link").click()
    made = '<a href="https://shop.example/?for={{ email }}">our shop, {{ name }}</a>'
    expect(body_of(page)).to_have_value(f"<p>{made}</p>")
    expect(page.locator(".pl-rte a .pl-merge")).to_have_text("{{ name }}")
    page.keyboard.type(" now")
    expect(body_of(page)).to_have_value(f"<p>{made} now</p>")
    select_all(page)
    dialog = opened(page, "Link")
    expect(dialog.get_by_label("Address")).to_have_value("https://shop.example/?for={{ email }}")
    dialog.get_by_role("button", name="Remove link").click()
    expect(body_of(page)).to_have_value("<p>our shop, {{ name }} now</p>")


def test_another_address_leaves_the_words_and_their_look(page: Page, system: System) -> None:
    at(page, system, '<p><a href="https://old.example"><strong>our</strong> shop</a></p>')
    select_all(page)
    dialog = opened(page, "Link")
    expect(dialog.get_by_label("Text")).to_have_value("our shop")
    dialog.get_by_label("Address").fill("https://new.example")
    dialog.get_by_role("button", name="Save link").click()
    expect(body_of(page)).to_have_value(
        '<p><a href="https://new.example"><strong>our</strong> shop</a></p>'
    )


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("javascript:alert(1)", "“javascript:” runs something"),
        ("java\tscript:alert(1)", "“javascript:” runs something"),
        ("data:text/html,x", "“data:” runs something"),
        ("file:///etc/passwd", "“file:” is nothing that mail programs open"),
        ("/prices", "leads nowhere outside"),
        ("", "Where does it lead?"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused_in_words(
    page: Page, system: System, address: str, why: str
) -> None:
    at(page, system, "<p>Dear</p>")
    dialog = opened(page, "Link")
    dialog.get_by_label("Address").fill(address)
    dialog.get_by_role("button", name="Save link").click()
    expect(dialog.locator("#link_address-note")).to_contain_text(why)
    expect(dialog.get_by_label("Address")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(body_of(page)).to_have_value("<p>Dear</p>")


def test_an_image_has_a_description_and_is_loaded_from_nowhere(page: Page, system: System) -> None:
    at(page, system, "<p>Dear</p>")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    # Of the preview: what its own policy keeps it from is told on the console, and no fault.
    page.route("**/compose/preview", lambda route: route.fulfill(body=""))
    dialog = opened(page, "Image")
    dialog.get_by_label("Image address").fill("http://images.example/logo.png")
    dialog.get_by_role("button", name="Save image").click()
    expect(dialog.locator("#image_address-note")).to_contain_text("begins with https://")
    dialog.get_by_label("Image address").fill("https://images.example/logo.png")
    dialog.get_by_role("button", name="Save image").click()
    expect(dialog.locator("#image_alt-note")).to_contain_text("Say in a few words")
    dialog.get_by_label("Description").fill("Our logo")
    dialog.get_by_label("Width in pixels").fill("120")
    dialog.get_by_role("button", name="Save image").click()
    expect(page.locator(".pl-image")).to_have_text("Image: Our logo")
    image = '<img src="https://images.example/logo.png" alt="Our logo" width="120">'
    expect(body_of(page)).to_have_value(f"<p>{image}Dear</p>")
    choose_format(page, "HTML source")
    choose_format(page, "Rich text")
    expect(page.locator(".pl-image")).to_have_text("Image: Our logo")
    page.locator(".pl-image").click()
    dialog = opened(page, "Image")
    expect(dialog.get_by_label("Description")).to_have_value("Our logo")
    dialog.get_by_label("Description").fill("The logo")
    dialog.get_by_role("button", name="Save image").click()
    expect(page.locator(".pl-image")).to_have_text("Image: The logo")
    assert not [url for url in asked if "images.example" in url]


def test_undo_and_redo_go_back_and_forth(page: Page, system: System) -> None:
    at(page, system, "")
    undo, redo = (page.get_by_role("button", name=name, exact=True) for name in ("Undo", "Redo"))
    expect(undo).to_have_attribute("aria-disabled", "true")
    write(page, "Dear")
    expect(undo).to_have_attribute("aria-disabled", "false")
    undo.click()
    expect(body_of(page)).to_have_value("")
    redo.click()
    expect(body_of(page)).to_have_value("<p>Dear</p>")
