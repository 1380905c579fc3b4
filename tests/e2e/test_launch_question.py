"""The question before a launch says who gets its subject twice, as of when it is asked."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from paceline.services.campaigns import NewCampaign
from paceline.services.inline_recipients import RawRecipient
from tests.e2e.running import System


def test_the_question_knows_of_a_campaign_that_was_launched_since_the_page_was_made(
    system: System, page: Page
) -> None:
    sender = system.sender("Twice", "twice@example.com")
    new = NewCampaign(
        sender_id=sender.id,
        name="The second",
        subject="Told twice?",
        text="Dear reader",
        min_delay_ms=60_000,
        recipients=[RawRecipient(email="ada@twice.test")],
    )
    draft = system.run(system.cases.campaigns.create(system.owner_id, new)).campaign.id
    asked: list[str] = []
    page.on("response", lambda answer: asked.append(answer.url))
    page.goto(f"/campaigns/{draft}")
    asking = page.get_by_role("button", name="Launch", exact=True)
    notes = page.locator("#launch-notes")
    asking.click()
    expect(page.get_by_role("heading", name="Launch this campaign?")).to_be_visible()
    page.get_by_role("button", name="Not yet").click()
    expect(notes).to_be_empty()

    first = system.run(system.cases.campaigns.create(system.owner_id, new)).campaign.id
    system.run(system.cases.campaigns.launch(system.owner_id, first))
    system.run(system.cases.campaigns.pause(system.owner_id, first))
    asking.click()
    expect(notes).to_contain_text("1 of these recipients gets “Told twice?”")
    with page.expect_response(lambda answer: answer.url.partition("?")[0].endswith("/rows")):
        page.evaluate(
            "document.querySelector('[hx-get*=\"/rows\"]').dispatchEvent(new Event('live:now'))"
        )
    expect(notes).to_contain_text("1 of these recipients gets “Told twice?”")
    assert sum(url.endswith("/launch-notes") for url in asked) <= 3  # opened, shut, opened again
