"""Writing a message in the browser, as a person does."""

from __future__ import annotations

from playwright.sync_api import Locator, Page


def editor_of(page: Page) -> Locator:
    """The editor, once it has taken over from the plain field that stands there before it."""
    editor = page.locator(".pl-rte")
    editor.wait_for()
    return editor


def write(page: Page, text: str) -> None:
    """Type at the end of the body."""
    editor_of(page).click()
    page.keyboard.type(text)
