"""The keyboard: the palette, the search, the rows, a new campaign, and the list of keys."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.running import System


@pytest.fixture
def start(page: Page) -> Page:
    page.goto("/suppressions")
    return page


def test_the_palette_leads_to_a_screen_by_a_few_letters(start: Page) -> None:
    start.keyboard.press("Control+k")
    palette = start.get_by_role("dialog", name="Go to")
    field = palette.get_by_role("combobox")
    expect(field).to_be_focused()
    field.fill("sende")
    expect(palette.get_by_role("option", selected=True)).to_have_text("Senders")
    start.keyboard.press("ArrowDown")
    expect(palette.get_by_role("option", selected=True)).to_have_text("Add a sender")
    active = field.get_attribute("aria-activedescendant")
    expect(start.locator(f"#{active}")).to_have_text("Add a sender")
    start.keyboard.press("ArrowUp")
    start.keyboard.press("Enter")
    expect(start).to_have_url(re.compile("/senders$"))


def test_the_palette_looks_for_what_it_does_not_know_among_the_emails(start: Page) -> None:
    start.keyboard.press("Control+k")
    start.get_by_role("combobox", name="Go to").fill("ada@example")
    chosen = start.get_by_role("dialog", name="Go to").get_by_role("option", selected=True)
    expect(chosen).to_contain_text("Look for “ada@example”")
    start.keyboard.press("Enter")
    expect(start).to_have_url(re.compile(r"/emails\?q=ada%40example"))


def test_escape_closes_the_palette_and_the_focus_is_where_it_was(start: Page) -> None:
    link = start.get_by_role("link", name="Add addresses").first
    link.focus()
    start.keyboard.press("Control+k")
    expect(start.get_by_role("dialog", name="Go to")).to_be_visible()
    start.keyboard.press("Escape")
    expect(link).to_be_focused()


def test_keys_search_move_along_the_rows_and_are_listed(start: Page) -> None:
    start.keyboard.press("?")
    help_ = start.get_by_role("dialog", name="Keyboard")
    expect(help_).to_be_visible()
    start.keyboard.press("c")  # not while a dialog is open
    help_.get_by_role("button", name="Close").click()
    start.goto("/suppressions/new")
    start.get_by_role("textbox", name="Addresses").fill("one@x.org\ntwo@x.org")
    start.get_by_role("button", name="Suppress them").click()
    expect(start.get_by_text("2 addresses added.")).to_be_visible()
    start.locator("h1").click()
    start.keyboard.press("j")
    expect(start.get_by_role("link", name="Take one@x.org off the list")).to_be_focused()
    start.keyboard.press("j")
    expect(start.get_by_role("link", name="Take two@x.org off the list")).to_be_focused()
    start.keyboard.press("k")
    expect(start.get_by_role("link", name="Take one@x.org off the list")).to_be_focused()
    start.keyboard.press("/")
    search = start.get_by_role("searchbox", name="Search addresses")
    expect(search).to_be_focused()
    start.keyboard.type("jck?/two")  # letters, while somebody types
    expect(search).to_have_value("jck?/two")


def test_a_row_that_keys_lead_to_is_ringed_as_a_whole(start: Page, system: System) -> None:
    system.sender("Ringed", "ringed@x.org")
    start.goto("/senders")
    expect(start.get_by_role("link", name="Ringed")).to_be_visible()
    start.keyboard.press("j")
    link = start.locator("a.pl-opener:focus")
    expect(link).to_have_css("outline-style", "none")  # it would cut the address below
    row = start.locator("tr", has=link)
    expect(row).to_have_css("outline-style", "solid")


def test_c_begins_a_campaign(start: Page) -> None:
    start.keyboard.press("c")
    expect(start).to_have_url(re.compile("/compose"))


def test_the_theme_of_the_menu_is_kept_by_the_server(start: Page) -> None:
    start.get_by_role("button", name="Account menu").click()
    with start.expect_response("**/settings/theme"):
        start.get_by_role("button", name="Dark").click()
    expect(start.locator("html")).to_have_class("dark")
    start.goto("/settings")
    expect(start.get_by_label("Theme")).to_have_value("dark")
    start.get_by_label("Theme").select_option("system")
    start.get_by_role("button", name="Save", exact=True).click()
    expect(start.get_by_text("Saved.")).to_be_visible()


def test_a_key_that_was_made_is_copied(start: Page) -> None:
    start.context.grant_permissions(["clipboard-read", "clipboard-write"])
    start.goto("/api-keys")
    start.get_by_label("Name").fill("Report")
    start.get_by_role("button", name="Make the key").click()
    start.get_by_role("button", name="Copy the command").click()
    expect(start.get_by_role("button", name="Copied")).to_be_visible()
    copied = start.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(
        r"curl -sS -H 'Authorization: Bearer pl_[\w-]+' http://\S+/campaigns", copied
    )
    start.get_by_role("button", name="Revoke").click()
    start.get_by_role("button", name="Revoke it").click()
    expect(start.get_by_text("Revoked: it opens nothing any more.")).to_be_visible()
