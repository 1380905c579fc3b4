"""One email's page: changed while it waits, copied, and what was said over it unfolded."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from paceline import clock
from paceline.delivery import Security
from paceline.services.emails import NewEmail
from paceline.services.senders import NewSender
from tests.e2e.running import System

SAID = "> RCPT TO:<typo@example.org>\n< 451 4.7.1 try again later"

TRIED = """
    INSERT INTO attempts (email_id, attempt, sender_id, worker_run, outcome, phase, reply_code,
                          reply_text, ended_at)
    SELECT email_id, 1, sender_id, email_id, 'rejected', 'rcpt', 451, 'try again later', now()
      FROM email_jobs WHERE email_id = $1
"""


@pytest.fixture
def email_id(system: System) -> uuid.UUID:
    """It waits until tomorrow, with one attempt that was refused for now."""
    cases, owner = system.cases, system.owner_id

    async def make() -> uuid.UUID:
        sender = await cases.senders.create(
            owner,
            NewSender(
                name="Email page",
                from_address=f"page-{uuid.uuid4().hex}@northwind.example",
                smtp_host="127.0.0.1",
                smtp_port=system.settings.devinbox.port,
                smtp_security=Security.NONE,
            ),
        )
        email = await cases.emails.create(
            owner,
            NewEmail(
                sender_id=sender.id,
                to="typo@example.org",
                subject="A letter",
                text="Dear {{ reader }}",
                scheduled_at=clock.now() + timedelta(days=1),
            ),
        )
        async with cases.database.driver() as driver:
            await driver.execute(TRIED, email.id)
            await driver.execute("INSERT INTO attempt_dialogues VALUES ($1, 1, $2)", email.id, SAID)
        return email.id

    return system.run(make())


def test_a_typo_in_the_address_is_mended_while_it_waits(page: Page, email_id: uuid.UUID) -> None:
    page.goto(f"/emails/{email_id}")
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Address").fill("right@example.org")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".pl-timeline")).to_contain_text(
        "Address: typo@example.org → right@example.org"
    )
    expect(page.locator("#email-to")).to_have_text("right@example.org")


def test_what_was_said_and_the_buttons_stay_while_the_page_lives(
    page: Page, email_id: uuid.UUID
) -> None:
    page.goto(f"/emails/{email_id}")
    page.get_by_text("Server’s dialogue").click()
    said = page.get_by_label("The dialogue with the server, attempt 1")
    expect(said).to_have_text(SAID)
    copy = page.get_by_role("button", name="Copy the address")
    copy.focus()
    for _ in range(2):
        with page.expect_response("**/detail*"):
            pass
    expect(said).to_be_visible()
    expect(copy).to_be_focused()


def test_a_copy_opens_as_a_new_message_to_the_same_person(page: Page, email_id: uuid.UUID) -> None:
    page.goto(f"/emails/{email_id}")
    page.get_by_role("button", name="Copy to a new message").click()
    expect(page.get_by_label("Subject")).to_have_value("A letter")
    expect(page.locator("[name=addresses]")).to_have_value("typo@example.org")
    expect(page.locator("#body")).to_have_value("Dear {% raw %}{{{% endraw %} reader }}")
