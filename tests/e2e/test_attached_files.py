"""Files on the compose page: chosen or dropped, listed, removed, and in the email that arrives."""

from __future__ import annotations

import uuid

import pytest
from playwright.sync_api import FilePayload, Page, expect

from paceline.domain.bounds import MAX_ATTACHMENT_OCTETS
from paceline.services.views import SenderView
from tests.e2e.running import System
from tests.e2e.writing import CAMPAIGN, editor_of, new_draft, review, write

PLAN: FilePayload = {"name": "plan.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"}


@pytest.fixture(scope="module", autouse=True)
def sender(system: System) -> SenderView:
    return system.sender("Northwind Files", "files@northwind.example")


@pytest.fixture
def draft(page: Page, sender: SenderView) -> Page:
    return new_draft(page, sender, f"Files {uuid.uuid4().hex[:8]}")


def test_a_file_is_there_after_a_reload_in_the_review_and_on_the_campaigns_page(
    draft: Page,
) -> None:
    write(draft, "See the plan")
    draft.set_input_files("#attached", [PLAN, {**PLAN, "name": "second.pdf"}])
    files = draft.get_by_role("list", name="Attached files")
    expect(files).to_contain_text("plan.pdf 8 B application/pdf")
    expect(draft.locator("#attached")).to_have_value("")
    draft.get_by_role("button", name="Remove second.pdf").click()
    expect(files).not_to_contain_text("second.pdf")
    draft.reload()
    expect(files).to_contain_text("plan.pdf")
    expect(editor_of(draft)).to_have_text("See the plan")
    draft.get_by_label("type or paste").fill("Ada <ada@example.org>")
    expect(draft.get_by_text("1 recipient", exact=True)).to_be_visible()
    button = review(draft)
    expect(draft.get_by_text("1 file, 8 B, with each of 1 email")).to_be_visible()
    button.click()
    draft.wait_for_url(CAMPAIGN)
    expect(draft.get_by_role("region", name="Attachments")).to_contain_text("plan.pdf")


def test_a_file_that_is_dropped_on_the_attachments_is_one_and_what_is_too_large_is_named(
    draft: Page,
) -> None:
    dropped = draft.evaluate_handle(
        "() => { const it = new DataTransfer();"
        " it.items.add(new File(['dropped'], 'notes.txt', { type: 'text/plain' })); return it; }"
    )
    area = draft.locator("label.pl-drop", has=draft.locator("#attached"))
    area.dispatch_event("dragover", {"dataTransfer": dropped})
    expect(draft.locator(".pl-over")).to_have_count(1)
    area.dispatch_event("drop", {"dataTransfer": dropped})
    files = draft.get_by_role("list", name="Attached files")
    expect(files).to_contain_text("notes.txt 7 B")
    large = b"x" * (MAX_ATTACHMENT_OCTETS + 1)
    draft.set_input_files("#attached", {**PLAN, "name": "large.pdf", "buffer": large})
    expect(draft.locator("#files")).to_contain_text("“large.pdf” was not attached: it is larger")
    expect(files).to_contain_text("notes.txt")
    draft.get_by_label("Campaign name").fill("Kept after it")
    expect(draft.locator("#draft-state")).to_contain_text("Saved")
    draft.reload()
    expect(draft.get_by_label("Campaign name")).to_have_value("Kept after it")
