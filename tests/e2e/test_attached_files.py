"""Files on the compose page: chosen or dropped, listed, removed, and in the email that arrives.

And pictures in the text: put in by file, by paste and by drop, seen at once, there after a reload.
"""

from __future__ import annotations

import base64
import re
import uuid

import pytest
from playwright.sync_api import FilePayload, JSHandle, Locator, Page, expect

from paceline.domain.bounds import MAX_ATTACHMENT_OCTETS
from paceline.services.views import SenderView
from tests.e2e.running import System
from tests.e2e.writing import (
    CAMPAIGN,
    body_of,
    choose_format,
    editor_of,
    new_draft,
    review,
    write,
)

# Two pixels.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAADUlEQVR4nGP4zwAE/wEHAAH/4iOeWQAAAABJRU5ErkJggg=="
)
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


def picture(page: Page, name: str) -> JSHandle:
    """What a clipboard holds, or a hand that drags: one picture."""
    return page.evaluate_handle(
        """([name, data]) => {
          const it = new DataTransfer();
          const octets = Uint8Array.from(atob(data), (octet) => octet.charCodeAt(0));
          it.items.add(new File([octets], name, { type: 'image/png' }));
          return it;
        }""",
        [name, base64.b64encode(PNG).decode()],
    )


def paste(page: Page, place: Locator) -> None:
    place.evaluate(
        """(place, clipboardData) => place.dispatchEvent(
          new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))""",
        picture(page, "image.png"),
    )


def drop(page: Page, place: Locator, name: str) -> None:
    """Onto its top left corner, while the page says that it takes it."""
    box = place.bounding_box()
    assert box
    at = {"clientX": box["x"] + 20, "clientY": box["y"] + 20}
    dropped = {"dataTransfer": picture(page, name), **at}
    place.dispatch_event("dragover", dropped)
    expect(page.locator("[data-editor].pl-over")).to_have_count(1)
    place.dispatch_event("drop", dropped)
    expect(page.locator(".pl-over")).to_have_count(0)
    expect(page.locator("#recipients")).to_be_empty()


def choose(page: Page, name: str, description: str) -> None:
    page.get_by_role("button", name="Image", exact=True).click()
    dialog = page.get_by_role("dialog", name="Image")
    dialog.get_by_label("File").set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": PNG}
    )
    dialog.get_by_label("Description").fill(description)
    dialog.get_by_role("button", name="Save image").click()


def loaded(page: Page, count: int) -> None:
    """So many pictures stand in the text, and are seen there and in the preview."""
    for frame in (page, page.frame_locator("#preview-frames iframe").last):
        images = frame.locator(".pl-image img" if frame is page else "img")
        expect(images).to_have_count(count)
        for image in images.all():
            expect(image).to_have_js_property("naturalWidth", 2)


def test_pictures_are_pasted_dropped_and_chosen_into_the_text_and_go_along(draft: Page) -> None:
    write(draft, "Look: ")
    text = editor_of(draft)
    paste(draft, text)
    loaded(draft, 1)
    drop(draft, text, "our logo.png")
    choose(draft, "team.png", "Our team")
    loaded(draft, 3)
    files = draft.get_by_role("list", name="Attached files")
    for name in ("image.png", "our logo.png", "team.png"):
        expect(files).to_contain_text(f"{name} {len(PNG)} B image/png, shown in the text")
    expect(text.get_by_alt_text("our logo")).to_have_count(1)
    draft.get_by_label("type or paste").fill("Ada <ada@example.org>")
    expect(draft.get_by_text("1 recipient", exact=True)).to_be_visible()
    button = review(draft)
    shown = draft.frame_locator("iframe[src$='/message']")
    expect(shown.get_by_alt_text("Our team")).to_have_js_property("naturalWidth", 2)
    button.click()
    draft.wait_for_url(CAMPAIGN)
    draft.goto(f"{draft.url}?tab=sent")
    draft.locator("#rows .pl-opener").click()
    drawer = draft.locator("#drawer dialog[open]")
    image = drawer.frame_locator("iframe").get_by_alt_text("Our team")
    expect(image).to_have_js_property("naturalWidth", 2)
    with draft.expect_download() as download:
        drawer.get_by_role("link", name="team.png").click()
    assert download.value.path().read_bytes() == PNG


def test_a_picture_goes_with_the_text_through_undo_source_and_reload(draft: Page) -> None:
    choose(draft, "team.png", "Our team")
    loaded(draft, 1)
    files = draft.get_by_role("list", name="Attached files")
    expect(files).to_contain_text("team.png")
    editor_of(draft).get_by_alt_text("Our team").click()
    draft.keyboard.press("Delete")
    expect(files).to_have_count(0)
    draft.keyboard.press("ControlOrMeta+z")
    expect(files).to_contain_text("team.png")
    loaded(draft, 1)
    choose_format(draft, "HTML source")
    tag = re.compile(r'^<p><img src="cid:\w{32}" alt="Our team" width="2"></p>$')
    expect(body_of(draft)).to_have_value(tag)
    paste(draft, body_of(draft))
    expect(files).to_contain_text("image.png")
    choose_format(draft, "Rich text")
    loaded(draft, 2)
    draft.reload()
    loaded(draft, 2)
    expect(draft.locator(".pl-segments [value=rich]")).to_be_checked()


def test_a_picture_that_cannot_be_kept_is_told_and_taken_out_again(draft: Page) -> None:
    write(draft, "Look: ")
    draft.route("**/images", lambda route: route.abort())
    paste(draft, editor_of(draft))
    expect(draft.get_by_text("“image.png” was not put in: the server did not")).to_be_visible()
    expect(body_of(draft)).to_have_value("<p>Look: </p>")
