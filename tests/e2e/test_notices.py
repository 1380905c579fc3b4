"""Notices of the browser: off until somebody chooses some and allows them, then told once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from paceline.services.campaigns import NewCampaign
from paceline.services.inline_recipients import RawRecipient
from tests.e2e.running import System

# In place of the browser's own, which shows nothing where there is no window.
WATCHED = """
window.shown = [];
window.Notification = class {
  static permission = "granted";
  constructor(title) {
    window.shown.push({ title, it: this });
    document.documentElement.dataset.shown = window.shown.length;
  }
  close() {}
};
"""
CHOICES = ("A campaign has finished", "A sender needs you", "Emails failed, or are in doubt")


@pytest.fixture
def page(system: System, chromium: Browser, signed_in_state: dict[str, object]) -> Iterator[Page]:
    context = chromium.new_context(
        base_url=system.url,
        storage_state=signed_in_state,  # type: ignore[arg-type]  # as it came from Playwright
    )
    context.add_init_script(WATCHED)
    page = context.new_page()
    yield page
    choose(page, on=False)
    context.close()


def choose(page: Page, *, on: bool) -> None:
    page.goto("/settings")
    for choice in CHOICES:
        page.get_by_label(choice).set_checked(on)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.")).to_be_visible()


def finish_a_campaign(system: System) -> uuid.UUID:
    cases, owner = system.cases, system.owner_id
    made = system.sender("Notices", f"{uuid.uuid4().hex[:8]}@northwind.example")
    new = NewCampaign(
        sender_id=made.id,
        name="A <b>short</b> one",
        subject="Hello",
        text="Dear reader",
        recipients=[RawRecipient(email="reader@example.org")],
    )
    campaign = system.run(cases.campaigns.create(owner, new)).campaign
    system.run(cases.campaigns.launch(owner, campaign.id))
    done = {"completed"}
    system.eventually(
        lambda: system.run(cases.queries.campaign(owner, campaign.id)).state in done, within=60
    )
    return campaign.id


def polled(page: Page) -> None:
    """Wait for the next two answers of the sidebar: what the first one said is in the page then."""
    for _ in range(2):
        with page.expect_response(lambda answer: "/nav?" in answer.url, timeout=30_000):
            pass


def test_a_campaign_that_finishes_is_told_once_and_leads_to_its_page(
    page: Page, system: System
) -> None:
    choose(page, on=True)
    page.goto("/senders")
    polled(page)
    assert page.evaluate("window.shown.length") == 0  # what was so before is no news
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")
    campaign_id = finish_a_campaign(system)
    expect(page.locator("html")).to_have_attribute("data-shown", "1", timeout=30_000)
    polled(page)
    assert page.evaluate("window.shown.map((one) => one.title)") == ["Finished: A <b>short</b> one"]
    page.evaluate("window.shown[0].it.onclick()")
    expect(page).to_have_url(f"{system.url}/campaigns/{campaign_id}")
    polled(page)
    assert page.evaluate("window.shown.length") == 0  # nor again on another page


def test_nothing_is_told_that_nobody_chose(page: Page, system: System) -> None:
    page.goto("/senders")
    finish_a_campaign(system)
    polled(page)
    assert page.evaluate("window.shown.length") == 0
    expect(page.locator("#nav[data-notices]")).to_have_count(0)


def test_the_browser_is_asked_only_when_the_button_is_pressed(
    system: System, chromium: Browser, signed_in_state: dict[str, object]
) -> None:
    context = chromium.new_context(
        base_url=system.url,
        storage_state=signed_in_state,  # type: ignore[arg-type]  # as it came from Playwright
    )
    context.add_init_script(
        "Object.defineProperty(Notification, 'permission', { get: () => 'default' });"
        "Notification.requestPermission = async () => {"
        "  document.documentElement.dataset.asked = 'yes'; return 'default'; };"
    )
    page = context.new_page()
    page.goto("/settings")
    expect(page.get_by_text("This browser has not been asked yet.")).to_be_visible()
    expect(page.locator("html[data-asked]")).to_have_count(0)
    page.get_by_role("button", name="Allow in this browser").click()
    expect(page.locator("html[data-asked]")).to_have_count(1)
    context.close()
