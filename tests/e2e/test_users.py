"""Administration in a browser: inviting somebody, keeping them out, and what the log says of it."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.e2e.running import System

GUEST = "guest@northwind.example"


def invite(page: Page, email: str) -> str:
    page.goto("/users")
    page.get_by_label("Email address").fill(email)
    page.get_by_role("button", name="Make a link").click()
    expect(page.get_by_text("It works once, for seven days")).to_be_visible()
    return page.locator("#invitation").inner_text()


def test_somebody_is_invited_deactivated_and_let_in_again(
    page: Page, system: System, chromium: Browser
) -> None:
    link = invite(page, GUEST)
    page.goto("/users")
    expect(page.locator("#invitation")).to_have_count(0)
    expect(page.get_by_role("region", name="Invitations not used yet")).to_contain_text(GUEST)

    guest = chromium.new_context(base_url=system.url)
    theirs = guest.new_page()
    theirs.goto(link)
    theirs.get_by_role("button", name="Continue").click()
    expect(theirs.get_by_role("link", name="Campaigns")).to_be_visible()
    expect(theirs.get_by_role("link", name="Users")).to_have_count(0)

    page.goto("/users")
    row = page.get_by_role("row").filter(has_text=GUEST)
    row.get_by_role("button", name="Deactivate", exact=True).first.click()
    question = page.get_by_role("dialog", name=f"Deactivate {GUEST}?")
    expect(question).to_contain_text("nothing is lost")
    question.get_by_role("button", name="Deactivate").click()
    expect(page.get_by_text(f"{GUEST} is deactivated.")).to_be_visible()
    # Their page finds out by itself, with its next look at what is so, and stays where it is.
    expect(theirs.get_by_text("You were signed out.")).to_be_visible(timeout=30_000)
    theirs.get_by_role("link", name="Sign in again").first.click()
    expect(theirs).to_have_url(re.compile("/login"))

    page.get_by_role("row").filter(has_text=GUEST).get_by_role(
        "button", name="Reactivate"
    ).first.click()
    question = page.get_by_role("dialog", name=f"Let {GUEST} in again?")
    question.get_by_role("button", name="Reactivate").click()
    expect(page.get_by_text(f"{GUEST} may sign in again.")).to_be_visible()

    page.get_by_role("link", name=f"Log of {GUEST}").click()
    log = page.get_by_role("table", name="Audit log")
    for act in ("Reactivated", "Deactivated", "Signed in", "Invited"):
        expect(log).to_contain_text(act)
    page.get_by_label("Kind").select_option(label="Sign-ins")
    expect(log).not_to_contain_text("Reactivated")
    expect(page).to_have_url(re.compile("kind=sign_in"))
    guest.close()


def test_the_log_is_searched_while_typing(page: Page) -> None:
    invite(page, "found@northwind.example")
    page.goto("/audit-log")
    page.get_by_role("searchbox", name="Search the log").fill("found@northwind nobody")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_role("searchbox", name="Search the log").fill("found@northwind")
    expect(page.get_by_role("table", name="Audit log")).to_contain_text("Invited")
