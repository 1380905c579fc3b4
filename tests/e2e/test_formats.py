"""One body in three formats: changed without losing anything unasked, kept, reviewed, sent."""

from __future__ import annotations

import uuid

import pytest
from playwright.sync_api import Page, expect

from paceline.domain.identifiers import new_id
from paceline.services.campaigns import NewCampaign
from paceline.services.drafts import Saving
from paceline.services.views import SenderView
from tests.e2e.running import System
from tests.e2e.writing import body_of, choose_format, editor_of, new_draft, review, write

TABLE = "<table><tr><td>Dear {{ name }}</td></tr></table>"


@pytest.fixture(scope="module", autouse=True)
def sender(system: System) -> SenderView:
    return system.sender("Northwind Formats", "formats@northwind.example")


@pytest.fixture
def draft(page: Page, sender: SenderView) -> Page:
    return new_draft(page, sender, f"Format {uuid.uuid4().hex[:8]}")


def kept(page: Page, format: str) -> None:
    """What stands in the textarea is with the server, in this format."""
    expect(page.locator("#draft-state")).to_contain_text("Saved", timeout=20_000)
    expect(page.locator(f".pl-segments [value={format}]")).to_be_checked()


def test_rich_text_shows_its_source_and_comes_back_as_it_was(draft: Page) -> None:
    write(draft, "Dear ")
    draft.get_by_role("button", name="name", exact=True).click()
    choose_format(draft, "HTML source")
    expect(body_of(draft)).to_be_visible()
    expect(body_of(draft)).to_have_value("<p>Dear {{ name }}</p>")
    body_of(draft).fill("<h2>News</h2>\n<p>Dear {{ name }}</p>")
    choose_format(draft, "Rich text")
    expect(editor_of(draft).locator("h2")).to_have_text("News")
    expect(draft.locator(".pl-rte .pl-merge")).to_have_text("{{ name }}")
    expect(body_of(draft)).to_have_value("<h2>News</h2><p>Dear {{ name }}</p>")


def test_source_that_the_editor_cannot_hold_is_asked_about_and_kept_on_no(draft: Page) -> None:
    choose_format(draft, "HTML source")
    body_of(draft).fill(TABLE)
    choose_format(draft, "Rich text")
    question = draft.get_by_role("dialog", name="Change to rich text?")
    expect(question).to_contain_text("<table>")
    question.get_by_role("button", name="Keep the source").click()
    expect(body_of(draft)).to_have_value(TABLE)
    kept(draft, "html")
    draft.reload()
    expect(body_of(draft)).to_be_visible()
    expect(body_of(draft)).to_have_value(TABLE)
    choose_format(draft, "Rich text")
    question.get_by_role("button", name="Change and take it out").click()
    expect(editor_of(draft)).to_have_text("Dear {{ name }}")
    expect(body_of(draft)).to_have_value("<p>Dear {{ name }}</p>")


def test_formatted_text_becomes_plain_after_a_question_only(draft: Page) -> None:
    choose_format(draft, "HTML source")
    body_of(draft).fill(
        '<h1>Hi {{ name }}</h1><p>See <a href="https://x.example/?q={{ email }}">this</a></p>'
    )
    choose_format(draft, "Plain text")
    question = draft.get_by_role("dialog", name="Change to plain text?")
    question.get_by_role("button", name="Take formatting out").click()
    expect(body_of(draft)).to_have_value(
        "Hi {{ name }}\n\nSee this (https://x.example/?q={{ email }})"
    )
    kept(draft, "text")


def test_lines_become_plain_text_and_rich_text_again_without_a_question(draft: Page) -> None:
    write(draft, "One")
    draft.keyboard.press("Enter")
    draft.keyboard.type("a < b")
    expect(body_of(draft)).to_have_value("<p>One</p><p>a &lt; b</p>")
    choose_format(draft, "Plain text")
    expect(body_of(draft)).to_have_value("One\n\na < b")
    choose_format(draft, "Rich text")
    expect(body_of(draft)).to_have_value("<p>One</p><p>a &lt; b</p>")


def test_plain_text_stays_plain_on_reload_in_the_preview_and_in_the_review(draft: Page) -> None:
    choose_format(draft, "Plain text")
    body_of(draft).fill("Write <b>this</b>\n\n{{ name }}")
    draft.get_by_label("type or paste").fill("Ada <ada@example.org>")
    preview = draft.frame_locator("#preview-frames iframe").last
    expect(preview.locator("body")).to_contain_text("Write <b>this</b>")
    expect(draft.get_by_text("1 recipient", exact=True)).to_be_visible()
    kept(draft, "text")
    draft.reload()
    expect(body_of(draft)).to_be_visible()
    expect(body_of(draft)).to_have_value("Write <b>this</b>\n\n{{ name }}")
    review(draft)
    shown = draft.frame_locator("iframe[src$='/message']")
    expect(shown.locator("body")).to_contain_text("Write <b>this</b>")
    expect(shown.locator("body")).to_contain_text("Ada")


def test_a_merge_field_goes_to_the_caret_of_a_plain_body(draft: Page) -> None:
    choose_format(draft, "Plain text")
    body_of(draft).fill("Dear ")
    draft.get_by_role("button", name="name", exact=True).click()
    draft.keyboard.type(",")
    expect(body_of(draft)).to_have_value("Dear {{ name }},")


def test_rich_text_that_the_editor_cannot_hold_is_shown_as_source_at_once(
    page: Page, system: System
) -> None:
    typed = {"subject": "From elsewhere", "body": TABLE, "format": "rich"}
    saving = Saving(version=0, page="elsewhere")
    made = system.run(system.cases.drafts.save(system.owner_id, new_id(), typed, saving))
    page.goto(f"/compose/{made.id}")
    expect(page.get_by_text("the rich text editor would drop <table>")).to_be_visible()
    expect(body_of(page)).to_be_visible()
    expect(body_of(page)).to_have_value(TABLE)


def test_a_change_that_the_server_cannot_make_is_told_and_changes_nothing(draft: Page) -> None:
    write(draft, "Kept")
    expect(body_of(draft)).to_have_value("<p>Kept</p>")
    draft.route("**/compose/text", lambda route: route.abort())
    choose_format(draft, "Plain text")
    expect(draft.get_by_text("The format was not changed")).to_be_visible()
    expect(draft.locator(".pl-segments [value=rich]")).to_be_checked()
    expect(editor_of(draft)).to_have_text("Kept")


def test_a_campaign_is_edited_before_its_launch_in_another_format_and_with_a_file(
    page: Page, system: System, sender: SenderView
) -> None:
    new = NewCampaign(sender_id=sender.id, subject="Before it goes", html="<h2>Hi</h2><p>you</p>")
    made = system.run(system.cases.campaigns.create(system.owner_id, new)).campaign.id
    page.goto(f"/campaigns/{made}/edit")
    write(page, " all")
    choose_format(page, "HTML source")
    expect(body_of(page)).to_have_value("<h2>Hi</h2>\n<p>you all</p>")
    expect(page.get_by_label("Text of its own")).to_be_visible()
    choose_format(page, "Plain text")
    question = page.get_by_role("dialog", name="Change to plain text?")
    question.get_by_role("button", name="Take formatting out").click()
    expect(body_of(page)).to_have_value("Hi\n\nyou all")
    expect(page.get_by_label("Text of its own")).to_be_hidden()
    plan = {"name": "plan.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"}
    page.set_input_files("#attached", [plan, {**plan, "name": "wrong.pdf"}])  # type: ignore[list-item]
    page.get_by_role("button", name="Remove wrong.pdf").click()
    expect(page.get_by_role("list", name="Attached files")).not_to_contain_text("wrong.pdf")
    expect(body_of(page)).to_have_value("Hi\n\nyou all")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(f"**/campaigns/{made}")
    with page.expect_download() as download:
        page.get_by_role("link", name="plan.pdf").click()
    assert download.value.path().read_bytes() == b"%PDF-1.7"
    campaign = system.run(system.cases.queries.campaign(system.owner_id, made))
    assert (campaign.html, campaign.text) == (None, "Hi\n\nyou all")
