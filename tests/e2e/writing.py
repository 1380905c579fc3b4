"""Writing a message in the browser, and sending it off, as a person does."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from paceline.services.views import SenderView

CAMPAIGN = re.compile(r"/campaigns/[0-9a-f-]{36}$")
REVIEW = re.compile(r"/compose/[0-9a-f-]{36}/review$")
DRAFT = re.compile(r"/compose/[0-9a-f-]{36}$")


def editor_of(page: Page) -> Locator:
    """The editor, once it has taken over from the plain field that stands there before it."""
    editor = page.locator(".pl-rte")
    editor.wait_for()
    return editor


def write(page: Page, text: str) -> None:
    """Type at the end of the body."""
    editor_of(page).click()
    page.keyboard.type(text)


def body_of(page: Page) -> Locator:
    """What the form sends as the body, whether the editor hides it or not."""
    return page.locator("textarea[name=body]")


def choose_format(page: Page, name: str) -> None:
    """Rich text, HTML source or Plain text: as a finger does, on the words."""
    page.locator(".pl-segments").get_by_text(name).click()


def submit(page: Page) -> Locator:
    """What leads from the page to its review."""
    return page.locator("#compose header button:not([form], [type])")


def review(page: Page) -> Locator:
    """Go on to the review; its button."""
    submit(page).click()
    page.wait_for_url(REVIEW)
    return page.get_by_role("button", name="Schedule")


def schedule(page: Page) -> None:
    """All the way to the campaign's page."""
    review(page).click()
    page.wait_for_url(CAMPAIGN)


def new_draft(page: Page, sender: SenderView, subject: str) -> Page:
    """A message by this sender, begun and kept."""
    page.goto("/compose")
    editor_of(page)
    page.get_by_label("From").select_option(str(sender.id))
    page.get_by_label("Subject").fill(subject)
    expect(page).to_have_url(DRAFT)
    return page
