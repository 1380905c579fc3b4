"""Rows are ticked one by one, a page at a time, or all that match; a poll leaves them ticked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from paceline.persistence.stores import inbox
from paceline.persistence.stores.inbox import NewInboxMessage
from tests.e2e.clipping import clipped, small_targets
from tests.e2e.running import System


@pytest.fixture
def thirty_messages(system: System) -> None:
    async def catch() -> None:
        messages = [
            NewInboxMessage(
                received_at=datetime.now(UTC),
                mail_from="news@northwind.example",
                rcpt_to=(f"ticked{n}@example.org",),
                subject=f"Ticked {n}",
                message_id=None,
                raw=b"Subject: x\r\n\r\nx\r\n",
            )
            for n in range(30)
        ]
        async with system.cases.database.transaction() as session:
            await inbox.delete_all(session)
            await inbox.insert_messages(session, messages)

    system.run(catch())


def test_rows_stay_ticked_while_the_list_is_refreshed_and_all_can_be_chosen(
    page: Page, thirty_messages: None
) -> None:
    page.goto("/inbox")
    bar = page.locator("#chosen")
    expect(bar).to_be_hidden()
    boxes = page.locator("#rows input[name=selected]")
    boxes.nth(0).check()
    boxes.nth(2).check()
    expect(bar).to_contain_text("2 messages selected")
    with page.expect_response(lambda response: response.url.endswith("/inbox/rows")):
        pass
    expect(boxes.nth(2)).to_be_checked()
    expect(bar).to_contain_text("2 messages selected")
    page.get_by_label("Select all on this page").check()
    expect(bar).to_contain_text("25 messages selected")
    page.get_by_label("All 30 messages that match").check()
    expect(bar).to_contain_text("30 messages selected")
    bar.get_by_role("button", name="Clear").click()
    expect(bar).to_be_hidden()
    boxes.nth(1).check()
    bar.get_by_role("button", name="Drop").click()
    page.get_by_role("button", name="Drop 1 message").click()
    expect(page.get_by_text("1 message dropped.")).to_be_visible()
    expect(page.locator(".pl-pager")).to_contain_text("29 messages")


def test_a_page_and_all_that_match_are_chosen_on_a_phone_too(
    page: Page, thirty_messages: None
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/inbox")
    bar = page.locator("#chosen")
    page.locator("#rows input[name=selected]").first.check()
    bar.get_by_label("All on this page").check()
    expect(bar).to_contain_text("25 messages selected")
    bar.get_by_label("All 30 messages that match").check()
    expect(bar).to_contain_text("30 messages selected")
    assert not small_targets(page)
    assert not clipped(page)
    bar.get_by_label("All on this page").uncheck()
    expect(bar).to_be_hidden()
