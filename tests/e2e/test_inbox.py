"""The dev inbox in a browser: a message is found, looked at in every view, and its file kept."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from playwright.sync_api import Page, expect

from paceline.persistence.stores import inbox
from paceline.persistence.stores.inbox import NewInboxMessage
from tests.e2e.running import System

RAW = (
    b"From: mallory@example.com\r\nSubject: Views\r\nContent-Type: multipart/mixed; boundary=b\r\n"
    b"\r\n--b\r\n\r\nIn plain words\r\n--b\r\nContent-Type: text/html\r\n\r\n"
    b"<h1>In HTML</h1>\r\n"
    b"--b\r\nContent-Disposition: attachment; filename=plan.txt\r\n\r\nthe plan\r\n--b--\r\n"
)


async def catch(system: System) -> None:
    message = NewInboxMessage(
        received_at=datetime.now(UTC),
        mail_from="mallory@example.com",
        rcpt_to=("views@example.org",),
        subject="Views",
        message_id=None,
        raw=RAW,
    )
    async with system.cases.database.transaction() as session:
        await inbox.insert_messages(session, [message])


def test_a_message_is_found_looked_at_in_every_view_and_its_file_kept(
    page: Page, system: System
) -> None:
    system.run(catch(system))
    page.goto("/inbox")
    page.get_by_role("searchbox", name="Search messages").fill("views@example")
    expect(page.get_by_text("1 message", exact=True)).to_be_visible()
    with page.expect_response(lambda answer: "/inbox?q=" in answer.url):  # the field is left
        page.get_by_role("link", name="views@example.org").click()
    drawer = page.get_by_role("dialog")
    expect(drawer).to_be_visible()
    expect(page).to_have_url(re.compile("q=views.*&open=/inbox/"))
    page.reload()
    frame = drawer.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="In HTML")).to_be_visible()
    for view, text in (
        ("Text", "In plain words"),
        ("Headers", "Subject: Views"),
        ("Source", "--b--"),
    ):
        drawer.get_by_role("link", name=view, exact=True).click()
        expect(drawer.get_by_role("link", name=view, exact=True)).to_have_attribute(
            "aria-current", "page"
        )
        expect(frame.get_by_text(text)).to_be_visible()
    with page.expect_download() as downloading:
        drawer.get_by_role("link", name="plan.txt").click()
    assert downloading.value.suggested_filename == "plan.txt"
    page.set_viewport_size({"width": 390, "height": 600})
    expect(drawer.get_by_role("link", name="Text", exact=True)).to_be_visible()
    tabs = drawer.get_by_role("navigation", name="Views of the message")
    assert (tabs.bounding_box() or {})["height"] >= 44
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(page).to_have_url(re.compile("q=views[^&]*$"))
