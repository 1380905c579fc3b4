"""Nothing typed is lost: reload, crash, two tabs, a server that restarts, a session that ended."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

import pytest
from playwright.sync_api import APIResponse, Browser, Page, Route, expect

from paceline.bootstrap.server import run_api
from paceline.services.views import SenderView
from tests.e2e.running import STOP_TIMEOUT_SECONDS, System, answers
from tests.e2e.writing import CAMPAIGN, DRAFT, editor_of, review, write
from tests.ports import free_port

LIST = {
    "name": "list.csv",
    "mimeType": "text/csv",
    "buffer": b"email\nada@example.org\nalan@example.org\n",
}


@pytest.fixture(scope="module", autouse=True)
def sender(system: System) -> SenderView:
    return system.sender("Northwind Drafts", "drafts@northwind.example")


def state(page: Page, text: str) -> None:
    expect(page.locator("#draft-state")).to_contain_text(text, timeout=20_000)


def begin(page: Page) -> str:
    """A draft that is kept; its subject, which is its own."""
    subject = f"Kept {uuid.uuid4().hex[:8]}"
    page.goto("/compose")
    editor_of(page)
    page.get_by_label("Subject").fill(subject)
    state(page, "Saved")
    expect(page).to_have_url(DRAFT)
    return subject


def test_a_reload_finds_fields_body_and_list(page: Page, sender: SenderView) -> None:
    subject = begin(page)
    write(page, "Dear reader")
    page.get_by_label("Hourly limit").fill("nonsense")
    page.get_by_label("From").select_option(str(sender.id))
    page.set_input_files("#file", LIST)
    expect(page.get_by_text("2 recipients")).to_be_visible()
    page.get_by_label("Delay").fill("7")
    page.reload()
    expect(editor_of(page)).to_have_text("Dear reader")
    expect(page.get_by_label("Subject")).to_have_value(subject)
    expect(page.get_by_label("Hourly limit")).to_have_value("nonsense")
    expect(page.get_by_label("Delay")).to_have_value("7")
    expect(page.get_by_label("From")).to_have_value(str(sender.id))
    expect(page.get_by_text("2 recipients")).to_be_visible()


def test_a_page_that_is_reloaded_before_its_first_save_was_answered_goes_on_with_that_draft(
    page: Page,
) -> None:
    subject = f"Early {uuid.uuid4().hex[:8]}"
    page.goto("/compose")
    editor_of(page)
    name = page.locator("#compose").get_attribute("data-draft")
    carried_out: list[object] = []
    page.route(
        re.compile(r"/compose/[0-9a-f-]{36}$"),
        lambda route: (
            carried_out.append(route.fetch(max_redirects=0))
            if route.request.method == "POST"
            else route.continue_()
        ),
    )
    page.get_by_label("Subject").fill(subject)
    with page.expect_request(lambda request: request.method == "POST"):
        page.get_by_label("Subject").press("Enter")
    page.reload()
    expect(page).to_have_url(re.compile(f"/compose/{name}$"))
    expect(page.get_by_label("Subject")).to_have_value(subject)
    page.goto("/drafts")
    expect(page.get_by_role("link", name=subject)).to_have_count(1)


def test_a_reload_that_was_under_way_before_the_last_save_shows_what_that_kept(page: Page) -> None:
    begin(page)
    kept: list[tuple[Route, APIResponse]] = []
    page.route(
        DRAFT,
        lambda route: route.fallback() if kept else kept.append((route, route.fetch())),
    )
    # In one go: on a page that is being left, nothing more can be asked for.
    with page.expect_console_message(lambda told: told.text == "kept"):
        page.evaluate(
            """() => setTimeout(() => {
              location.reload();
              const field = document.querySelector("#subject");
              field.form.addEventListener("draft:saved", () => console.info("kept"));
              field.value = "Since then";
              field.dispatchEvent(new Event("input", { bubbles: true }));
            })"""
        )
    route, older = kept[0]
    route.fulfill(response=older)
    expect(page.get_by_label("Subject")).to_have_value("Since then")


def test_what_was_typed_stands_there_again_where_no_save_came_at_all(page: Page) -> None:
    subject = f"Offline {uuid.uuid4().hex[:8]}"
    page.goto("/compose")
    editor_of(page)
    page.route("**/autosave", lambda route: route.abort())
    page.get_by_label("Subject").fill(subject)
    state(page, "Not saved yet")
    page.reload()
    expect(page.get_by_label("Subject")).to_have_value(subject)
    page.unroute("**/autosave")
    state(page, "Saved")
    expect(page).to_have_url(DRAFT)
    page.goto("/compose")
    editor_of(page)
    expect(page).to_have_url(re.compile("/compose$"))
    expect(page.get_by_label("Subject")).to_have_value("")


def test_the_list_of_drafts_leads_back_to_what_was_written(page: Page) -> None:
    subject = begin(page)
    page.get_by_role("link", name="Senders").first.click()
    page.goto("/drafts")
    page.get_by_role("link", name=subject).click()
    expect(page.get_by_label("Subject")).to_have_value(subject)
    page.get_by_role("button", name="Delete draft").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Subject")).to_have_value(subject)


def test_two_tabs_do_not_overwrite_each_other(page: Page) -> None:
    subject = begin(page)
    other = page.context.new_page()
    other.goto(page.url)
    editor_of(other)
    with other.expect_response("**/autosave"):
        other.get_by_label("Campaign name").fill("The other tab")
    page.get_by_label("Subject").fill(f"{subject} here")
    expect(page.get_by_text("was changed in another tab")).to_be_visible()
    state(page, "Not saved")
    other.reload()
    expect(other.get_by_label("Subject")).to_have_value(subject)
    with page.expect_response("**/autosave"):
        page.get_by_role("button", name="Keep this one").click()
    other.reload()
    expect(other.get_by_label("Subject")).to_have_value(f"{subject} here")
    other.close()


def test_what_a_tab_could_not_hand_over_does_not_overwrite_what_is_newer(page: Page) -> None:
    subject = begin(page)
    page.route("**/autosave", lambda route: route.abort())
    page.get_by_label("Subject").fill(f"{subject} older")
    state(page, "Not saved yet")
    other = page.context.new_page()
    other.goto(page.url)
    editor_of(other)
    with other.expect_response("**/autosave"):
        other.get_by_label("Subject").fill(f"{subject} newer")
    page.reload()
    page.unroute("**/autosave")
    expect(page.get_by_text("was changed in another tab")).to_be_visible(timeout=20_000)
    expect(page.get_by_label("Subject")).to_have_value(f"{subject} older")
    other.reload()
    expect(other.get_by_label("Subject")).to_have_value(f"{subject} newer")
    other.close()


def test_a_session_that_ended_leads_back_to_the_text(
    page: Page, signed_in_state: dict[str, object]
) -> None:
    subject = begin(page)
    page.route(
        "**/nav?*", lambda route: route.fulfill(status=204)
    )  # it would lead to the sign-in by itself
    page.context.clear_cookies(name="paceline-session")
    write(page, "Typed while nobody was signed in")
    expect(page.get_by_role("link", name="Sign in again")).to_be_visible()
    draft = page.url
    page.get_by_role("link", name="Sign in again").click()
    expect(page.get_by_text("Sign in to Paceline")).to_be_visible()
    page.context.add_cookies(signed_in_state["cookies"])  # type: ignore[arg-type]
    page.goto(draft)
    expect(editor_of(page)).to_have_text("Typed while nobody was signed in")
    expect(page.get_by_label("Subject")).to_have_value(subject)
    state(page, "Saved")


@dataclass
class Restartable:
    """A server of its own for one test."""

    system: System
    port: int
    stop_it: asyncio.Event | None = None
    serving: Future[None] | None = field(default=None)

    def start(self) -> None:
        self.stop_it = asyncio.Event()
        api = replace(
            self.system.settings.api, port=self.port, base_url=f"http://localhost:{self.port}"
        )
        self.serving = asyncio.run_coroutine_threadsafe(
            run_api(replace(self.system.settings, api=api), self.stop_it), self.system.loop
        )
        self.system.eventually(lambda: answers(self.port))

    def stop(self) -> None:
        assert self.stop_it
        assert self.serving
        self.system.loop.call_soon_threadsafe(self.stop_it.set)
        self.serving.result(STOP_TIMEOUT_SECONDS)


@pytest.fixture
def restartable(
    system: System, chromium: Browser, signed_in_state: dict[str, object]
) -> Iterator[tuple[Page, Restartable]]:
    server = Restartable(system, free_port())
    server.start()
    context = chromium.new_context(
        base_url=f"http://localhost:{server.port}",
        storage_state=signed_in_state,  # type: ignore[arg-type]  # as it came from Playwright
    )
    yield context.new_page(), server
    context.close()
    server.stop()


def test_a_server_that_restarts_while_somebody_types_keeps_all_of_it(
    restartable: tuple[Page, Restartable],
) -> None:
    page, server = restartable
    begin(page)
    server.stop()
    write(page, "Typed while the server was away")
    state(page, "Not saved yet: the server does not answer")
    server.start()
    state(page, "Saved")
    page.reload()
    expect(editor_of(page)).to_have_text("Typed while the server was away")


def test_what_was_scheduled_is_called_back_while_nothing_has_left(
    page: Page, sender: SenderView
) -> None:
    subject = begin(page)
    page.get_by_label("From").select_option(str(sender.id))
    write(page, "Hello")
    page.set_input_files("#file", LIST)
    expect(page.get_by_text("2 recipients")).to_be_visible()
    page.get_by_label("Later").check()
    button = review(page)
    expect(page.get_by_text(subject, exact=True)).to_be_visible()
    button.click()
    page.wait_for_url(CAMPAIGN)
    expect(page.get_by_text("Nothing has left yet.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Called back: nothing had left")).to_be_visible()
    expect(editor_of(page)).to_have_text("Hello")
    expect(page.get_by_label("Subject")).to_have_value(subject)


def test_a_few_people_are_typed_and_the_preview_is_for_whom_one_picks(
    page: Page, sender: SenderView
) -> None:
    begin(page)
    write(page, "Dear reader")
    page.get_by_label("type or paste").fill("Ada <ada@example.org>, Alan <alan@example.org>")
    expect(page.get_by_text("2 recipients")).to_be_visible()
    page.get_by_label("Show it as alan@example.org").click()
    expect(page.locator("#preview-as")).to_have_text("as Alan")
    page.get_by_label("Preview as the recipient").fill("ada@")
    expect(page.locator("#preview-as")).to_have_text("as Ada")
    page.reload()
    expect(page.get_by_label("type or paste")).to_have_value(
        "Ada <ada@example.org>, Alan <alan@example.org>"
    )
    page.get_by_role("button", name="Remove list").click()
    expect(page.get_by_label("type or paste")).to_have_value("")
    expect(page.get_by_text("Choose a list of recipients")).to_be_visible()


def test_a_file_and_typed_addresses_never_take_each_others_place_unasked(page: Page) -> None:
    begin(page)
    typed = page.get_by_label("type or paste")
    typed.fill("one@walk.example")
    expect(page.get_by_text("1 recipient", exact=True)).to_be_visible()
    page.set_input_files("#file", LIST)
    page.get_by_role("button", name="Keep what I typed").click()
    expect(page.locator("#file")).to_have_value("")
    expect(typed).to_have_value("one@walk.example")
    page.set_input_files("#file", LIST)
    page.get_by_role("button", name="Take the file").click()
    expect(page.get_by_text("2 recipients")).to_be_visible()
    expect(page.get_by_text("A file is the list.")).to_be_visible()
    expect(typed).to_be_hidden()
    page.reload()
    expect(page.get_by_text("2 recipients")).to_be_visible()
    expect(typed).to_be_hidden()
    page.get_by_role("button", name="Remove the list").click()
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("Choose a list of recipients")).to_be_visible()
    typed.fill("one@walk.example")
    expect(page.get_by_text("1 recipient", exact=True)).to_be_visible()


def test_a_file_that_waits_for_an_answer_is_neither_taken_nor_lost(
    page: Page,
) -> None:
    begin(page)
    typed = page.get_by_label("type or paste")
    typed.fill("one@walk.example")
    page.set_input_files("#file", LIST)
    expect(page.get_by_role("button", name="Take the file")).to_be_visible()
    expect(page.get_by_text("1 recipient", exact=True)).to_be_visible()
    page.get_by_role("button", name="Take the file").click()
    expect(page.get_by_text("2 recipients")).to_be_visible()
    expect(typed).to_be_hidden()


def test_a_file_that_is_dropped_anywhere_is_the_list(page: Page) -> None:
    def drag(event: str, rows: int) -> None:
        dragged = page.evaluate_handle(
            "rows => { const it = new DataTransfer(); const lines = ['email'];"
            " for (let row = 0; row < rows; row++) lines.push(`ada${row}@example.org`);"
            " it.items.add(new File([lines.join('\\n')], `dropped-${rows}.csv`)); return it; }",
            rows,
        )
        page.locator("h1").dispatch_event(event, {"dataTransfer": dragged})

    begin(page)
    drag("dragover", 1)
    expect(page.locator(".pl-over")).to_be_visible()
    drag("drop", 1)
    expect(page.get_by_text("1 recipient", exact=True)).to_be_visible()
    expect(page.get_by_text("dropped-1.csv")).to_be_visible()
    drag("drop", 2)
    page.get_by_role("button", name="Keep the list").click()
    expect(page.locator("#file")).to_have_value("")
    expect(page.get_by_text("1 recipient", exact=True)).to_be_visible()
    drag("drop", 3)
    page.get_by_role("button", name="Take this file").click()
    expect(page.get_by_text("3 recipients")).to_be_visible()
    expect(page.get_by_text("dropped-3.csv")).to_be_visible()


def test_a_test_has_what_was_typed_a_moment_before_and_nothing_saved_yet(
    page: Page, sender: SenderView
) -> None:
    subject = begin(page)
    page.get_by_label("From").select_option(str(sender.id))
    write(page, "Dear reader")
    state(page, "Saved")
    page.get_by_role("button", name="Send a test").click()
    page.get_by_label("To", exact=True).fill("late@example.org")
    page.evaluate(
        "subject => { const field = document.querySelector('#subject'); field.value = subject;"
        " field.dispatchEvent(new Event('input', { bubbles: true }));"
        " document.querySelector('#send-test form').requestSubmit(); }",
        f"{subject} at last",
    )
    expect(page.get_by_text("A test is on its way to late@example.org.")).to_be_visible()
    page.goto("/emails?tab=sent")
    expect(page.get_by_text(f"Test: {subject} at last")).to_be_visible()
    page.goto("/campaigns")
    expect(page.get_by_text(f"Test: {subject} at last")).to_have_count(0)


def test_a_test_goes_to_oneself_from_the_page(page: Page, sender: SenderView) -> None:
    begin(page)
    write(page, "Dear reader")
    page.get_by_label("From").select_option(str(sender.id))
    state(page, "Saved")
    with page.expect_response("**/autosave"):
        page.get_by_label("Campaign name").fill("Tried first")
    page.get_by_role("button", name="Send a test").click()
    page.get_by_label("To", exact=True).fill("me@example.org")
    page.get_by_role("button", name="Send the test").click()
    expect(page.get_by_text("A test is on its way to me@example.org.")).to_be_visible()
    page.goto("/emails?tab=sent")
    expect(page.get_by_text("Test: Tried first")).to_be_visible()
