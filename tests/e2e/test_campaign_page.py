"""A campaign's page keeps itself up to date around what somebody is doing on it."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

from tests.e2e.running import System


@pytest.fixture(scope="module")
def campaign_id(system: System) -> uuid.UUID:
    """A paused campaign of four."""
    return system.paused_campaign(
        "Looked at",
        [f"page{n}@example.org" for n in range(4)],
        sender={"name": "Campaign page", "from_address": "campaign-page@northwind.example"},
        text=None,
        html="<p>Dear reader</p><script>document.title='ran'</script>",
    )


def test_the_question_before_cancelling_stays_open_while_the_page_lives(
    page: Page, campaign_id: uuid.UUID
) -> None:
    page.goto(f"/campaigns/{campaign_id}")
    page.get_by_role("button", name="Cancel", exact=True).click()
    question = page.get_by_text("Cancel this campaign?")
    expect(question).to_be_visible()
    before = page.locator("#live-time").text_content()
    expect(page.locator("#live-time")).not_to_have_text(before or "")
    expect(question).to_be_visible()
    page.get_by_role("button", name="Keep it").click()
    expect(question).to_be_hidden()


def test_a_pace_is_changed_without_scripts_and_its_difference_read_first(
    system: System, chromium: Browser, signed_in_state: dict[str, object], campaign_id: uuid.UUID
) -> None:
    context = chromium.new_context(
        base_url=system.url,
        storage_state=signed_in_state,  # type: ignore[arg-type]  # as it came from Playwright
        java_script_enabled=False,
    )
    page = context.new_page()
    page.goto(f"/campaigns/{campaign_id}")
    page.get_by_role("link", name="Change start or pace").click()
    page.get_by_label("Delay").fill("7200")
    page.get_by_role("button", name="Show the difference").click()
    expect(page.locator("#difference")).to_contain_text(re.compile(r"Finishes around.*later", re.S))
    page.get_by_role("button", name="Save the change").click()
    expect(page).to_have_url(re.compile(f"/campaigns/{campaign_id}$"))
    expect(page.locator(".pl-facts")).to_contain_text("7,200 s")
    context.close()


def test_the_views_of_an_email_change_in_the_drawer_and_the_poll_leaves_them_alone(
    context: BrowserContext, campaign_id: uuid.UUID
) -> None:
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(f"/campaigns/{campaign_id}")
    page.get_by_role("link", name="page3@example.org").click()
    drawer = page.locator("#drawer dialog[open]")
    frame = drawer.frame_locator("iframe")
    expect(frame.locator("body")).to_contain_text("Dear reader")
    for view, said in (
        ("Headers", "Subject: Hello"),
        ("Source", "multipart/alternative"),
        ("HTML", "Dear reader"),
        ("Source", "<script>"),
    ):
        drawer.get_by_role("link", name=view, exact=True).click()
        expect(drawer.locator("[aria-current=page]")).to_have_text(view)
        expect(frame.locator("body")).to_contain_text(said)
    with page.expect_response(re.compile("/detail$")):
        pass
    expect(frame.locator("body")).to_contain_text("multipart/alternative")
    # The browser kept the email's script from running, and had nothing else to complain about.
    assert complaints
    assert all(said.startswith("Blocked script execution in") for said in complaints)
    expect(page).not_to_have_title("ran")


def test_an_open_page_is_told_that_nothing_changed_and_then_what_did(
    system: System, page: Page, campaign_id: uuid.UUID
) -> None:
    def unchanged(answer: Response) -> bool:
        return "/rows" in answer.url and answer.status == 304

    with page.expect_response(unchanged):
        page.goto(f"/campaigns/{campaign_id}")
    before = page.locator("#live-time").text_content()
    with page.expect_response(unchanged):
        pass
    expect(page.locator("#live-time")).not_to_have_text(before or "")
    system.run(system.cases.campaigns.cancel(system.owner_id, campaign_id))
    expect(page.locator("#campaign-head")).to_contain_text("Cancelled")
