"""The drawer has an address: a link opens it, Back closes it, and the list beneath stays."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.running import System

OPEN = re.compile(r"\?.*open=/emails/[0-9a-f-]{36}$")


@pytest.fixture(scope="module")
def path(system: System) -> str:
    """A paused campaign of three."""
    made = system.paused_campaign(
        "Drawer",
        [f"drawer{n}@example.org" for n in range(3)],
        sender={"name": "Drawer", "from_address": "drawer@northwind.example"},
    )
    return f"/campaigns/{made}?tab=scheduled"


def test_back_closes_the_drawer_and_forward_opens_it_again(page: Page, path: str) -> None:
    page.goto(path)
    page.evaluate("window.sameDocument = true")
    drawer = page.locator("#drawer dialog[open]")
    page.get_by_role("link", name="drawer2@example.org").click()
    expect(drawer).to_contain_text("drawer2@example.org")
    expect(page).to_have_url(OPEN)
    page.go_back()
    expect(drawer).to_have_count(0)
    assert page.url.endswith(path)
    page.go_forward()
    expect(drawer).to_contain_text("drawer2@example.org")
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(page).to_have_url(re.compile(re.escape(path) + "$"))
    assert page.evaluate("window.sameDocument")


@pytest.mark.parametrize("way", ["Escape", "Back"])
def test_closing_it_leaves_the_focus_on_its_row(page: Page, path: str, way: str) -> None:
    page.goto(path)
    row = page.get_by_role("link", name="drawer2@example.org")
    row.focus()
    page.keyboard.press("Enter")
    drawer = page.locator("#drawer dialog[open]")
    expect(drawer).to_contain_text("drawer2@example.org")
    page.evaluate("""
        navigation.addEventListener("navigatesuccess", () => (document.body.dataset.back = "1"))
    """)
    if way == "Back":
        page.go_back()
    else:
        page.keyboard.press("Escape")
    expect(page.locator("body")).to_have_attribute("data-back", "1")
    expect(drawer).to_have_count(0)
    expect(row).to_be_focused()


def test_forward_opens_it_also_before_the_browser_has_told_that_it_closed(
    page: Page, path: str
) -> None:
    page.goto(path)
    drawer = page.locator("#drawer dialog[open]")
    page.get_by_role("link", name="drawer2@example.org").click()
    expect(drawer).to_contain_text("drawer2@example.org")
    page.evaluate("""
        document.querySelector("#drawer dialog").addEventListener("close", (told) => {
          told.stopImmediatePropagation();
          window.tell = () => told.target.dispatchEvent(new Event("close"));
          document.body.dataset.told = "1";
        }, { capture: true, once: true })
    """)
    page.go_back()
    expect(drawer).to_have_count(0)
    expect(page.locator("body")).to_have_attribute("data-told", "1")
    page.evaluate("""
        new Promise((over) => {
          addEventListener("popstate", over, { once: true });
          history.forward();
        }).then(() => tell())
    """)
    expect(drawer).to_contain_text("drawer2@example.org")
    expect(page).to_have_url(OPEN)


def test_back_after_the_drawer_leads_to_the_list_before(page: Page, path: str) -> None:
    page.goto(path)
    page.locator("#tabs").get_by_role("link", name="Sent").click()
    expect(page).to_have_url(re.compile("tab=sent"))
    page.locator("#tabs").get_by_role("link", name="Scheduled").click()
    page.get_by_role("link", name="drawer1@example.org").click()
    expect(page.locator("#drawer dialog[open]")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#drawer dialog")).to_have_count(0)
    page.go_back()
    expect(page).to_have_url(re.compile("tab=sent"))
    expect(page.locator("#tabs [aria-current]")).to_contain_text("Sent")


def test_a_shared_link_opens_the_list_with_its_drawer(page: Page, path: str) -> None:
    page.goto(path)
    href = page.get_by_role("link", name="drawer2@example.org").get_attribute("href")
    page.goto(f"{path}&open={href}")
    drawer = page.locator("#drawer dialog[open]")
    expect(drawer).to_contain_text("drawer2@example.org")
    page.reload()
    expect(drawer).to_contain_text("drawer2@example.org")
    drawer.get_by_role("button", name="Close").click()
    expect(page).to_have_url(re.compile(re.escape(path) + "$"))


def test_an_address_opens_nothing_but_a_page_of_its_own(page: Page, path: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for foreign in ("//evil.example/x", "/sign-out", f"/emails/{uuid.uuid4()}/body"):
        page.goto(f"{path}&open={foreign}")
        expect(page.locator("#rows tbody tr").first).to_be_visible()
    loaded = [url for url in asked if "open=" not in url]
    assert not [url for url in loaded if "evil" in url or url.endswith(("/sign-out", "/body"))]


def test_without_scripts_a_row_and_a_shared_link_lead_to_the_page(
    system: System, chromium: Browser, signed_in_state: dict[str, object], path: str
) -> None:
    context = chromium.new_context(
        base_url=system.url,
        storage_state=signed_in_state,  # type: ignore[arg-type]  # as it came from Playwright
        java_script_enabled=False,
    )
    page = context.new_page()
    page.goto(path)
    link = page.get_by_role("link", name="drawer2@example.org")
    href = link.get_attribute("href")
    link.click()
    expect(page.get_by_role("heading", name="Hello")).to_be_visible()
    page.goto(f"{path}&open={href}")
    page.get_by_role("link", name="Open what this link is about").click()
    expect(page.get_by_role("heading", name="Hello")).to_be_visible()
    context.close()


def test_what_is_done_is_said_after_the_redirect_and_once(page: Page, path: str) -> None:
    page.goto(path)
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("status").filter(has_text="Resumed.")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status").filter(has_text="Paused.")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    expect(page.get_by_text("Paused.")).to_have_count(0)


def test_what_is_wrong_is_linked_and_the_first_field_has_the_focus(page: Page) -> None:
    page.goto("/senders/new?preset=custom")
    page.get_by_label("From address").fill("me@northwind.example")
    page.get_by_label("Port").fill("many")
    page.get_by_label("Connections").fill("none")
    page.get_by_role("button", name="Add and verify").click()
    banner = page.get_by_role("alert")
    expect(banner).to_contain_text("2 fields need another look.")
    expect(page.get_by_label("Port")).to_be_focused()
    expect(page.get_by_label("From address")).to_have_value("me@northwind.example")
    banner.get_by_role("link", name="Connections").click()
    expect(page.get_by_label("Connections")).to_be_focused()
