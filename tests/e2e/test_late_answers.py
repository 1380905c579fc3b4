"""An answer that comes late: what was typed, chosen or asked for since stands."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect

from paceline.services.views import SenderView
from tests.e2e.running import System
from tests.e2e.writing import new_draft, submit

PLAN = {"mimeType": "application/pdf", "buffer": b"%PDF-1.7"}
# Another delay, until the page asks for the timetable that follows.
ASKED_AGAIN = """async (seconds) => {
  const asked = new Promise((done) => document.addEventListener("htmx:config:request",
    (event) => event.detail.ctx.sourceElement.id === "timing" && done()));
  const field = document.querySelector("#min_delay");
  field.value = seconds;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  await asked;
}"""
LIST = {"name": "list.csv", "mimeType": "text/csv", "buffer": b"email\nada@example.org\n"}


@pytest.fixture(scope="module", autouse=True)
def sender(system: System) -> SenderView:
    return system.sender("Northwind Late", "late@northwind.example")


@pytest.fixture(scope="module")
def campaign(system: System) -> str:
    """The path of a paused campaign of three."""
    made = system.paused_campaign(
        "Late answers",
        [f"late{n}@example.org" for n in range(3)],
        sender={"name": "Late answers", "from_address": "late-answers@northwind.example"},
    )
    return f"/campaigns/{made}?tab=scheduled"


@pytest.fixture
def draft(page: Page, sender: SenderView) -> Page:
    made = new_draft(page, sender, f"Late {uuid.uuid4().hex[:8]}")
    expect(made.locator("#draft-state")).to_contain_text("Saved")
    return made


@contextmanager
def held(page: Page, address: str, method: str = "GET") -> Iterator[Callable[[], None]]:
    """The first such request's answer is kept back until it is let go; later ones are answered."""
    kept: list[Route] = []

    def hold(route: Route) -> None:
        if kept or route.request.method != method:
            route.fallback()
        else:
            kept.append(route)

    def let_go() -> None:
        """Until the page has it, or has turned it away."""
        route = kept[0]
        answer = route.fetch(max_redirects=0)
        route.fulfill(response=answer)
        page.evaluate("new Promise((done) => setTimeout(done))")

    page.route(re.compile(address), hold)
    yield let_go
    page.unroute(re.compile(address))


def test_the_timetable_is_of_what_was_chosen_last(draft: Page) -> None:
    draft.set_input_files("#file", LIST)
    expect(draft.get_by_text("1 recipient", exact=True)).to_be_visible()
    with held(draft, "/compose/timetable") as let_go:
        for seconds in ("3600", "1800", "1200"):
            draft.evaluate(ASKED_AGAIN, seconds)
        let_go()
    expect(draft.locator("#timetable")).to_contain_text("3 an hour")


def test_each_file_that_is_chosen_while_others_are_sent_is_attached(draft: Page) -> None:
    files = draft.get_by_role("list", name="Attached files")
    with held(draft, "/files$", "POST") as let_go:
        for name in ("one.pdf", "two.pdf", "three.pdf"):
            draft.set_input_files("#attached", {**PLAN, "name": name})  # type: ignore[arg-type]
        let_go()
    for name in ("one.pdf", "two.pdf", "three.pdf"):
        expect(files).to_contain_text(name)


def test_what_is_typed_while_a_form_is_looked_at_stands_when_it_is_refused(draft: Page) -> None:
    draft.get_by_label("Delay").fill("soon")
    with held(draft, r"/compose/[0-9a-f-]{36}$", "POST") as let_go:
        submit(draft).click()
        draft.get_by_label("Subject").fill("Typed since")
        draft.get_by_label("Delay").fill("7")
        draft.get_by_label("type or paste").fill("Ada <ada@example.org>")
        let_go()
        expect(draft.get_by_text("must be a number of seconds")).to_be_visible()
    expect(draft.get_by_label("Subject")).to_have_value("Typed since")
    expect(draft.get_by_label("Delay")).to_have_value("7")
    expect(draft.get_by_label("type or paste")).to_have_value("Ada <ada@example.org>")
    draft.reload()
    expect(draft.get_by_label("Subject")).to_have_value("Typed since")
    expect(draft.get_by_label("Delay")).to_have_value("7")


def test_what_is_typed_back_to_what_it_was_is_kept_after_a_file_was_attached(draft: Page) -> None:
    subject = draft.get_by_label("Subject")
    before = subject.input_value()
    draft.route("**/autosave", lambda route: route.abort())
    subject.fill("Another one")
    draft.set_input_files("#attached", {**PLAN, "name": "plan.pdf"})  # type: ignore[arg-type]
    expect(draft.get_by_role("list", name="Attached files")).to_contain_text("plan.pdf")
    subject.fill(before)
    draft.unroute("**/autosave")
    with draft.expect_response(lambda answer: "Typed+back" in (answer.request.post_data or "")):
        draft.get_by_label("Campaign name").fill("Typed back")
    other = draft.context.new_page()
    other.goto(draft.url)
    expect(other.get_by_label("Campaign name")).to_have_value("Typed back")
    expect(other.get_by_label("Subject")).to_have_value(before)
    other.close()


def test_a_drawer_comes_also_when_a_search_that_was_under_way_is_answered_first(
    page: Page, campaign: str
) -> None:
    page.goto(campaign)
    one, searched = r"/emails/[0-9a-f-]{36}$", r"[?&]q=example"
    with held(page, one) as let_drawer_go, held(page, searched) as let_go:
        with page.expect_request(re.compile(searched)):
            page.get_by_role("searchbox", name=re.compile("^Search")).first.fill("example")
        with page.expect_request(re.compile(one)):
            page.get_by_role("link", name="late2@example.org").click()
        let_go()
        expect(page).to_have_url(re.compile(searched))
        let_drawer_go()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_of_two_tabs_of_a_list_the_last_one_pressed_is_shown(page: Page, campaign: str) -> None:
    page.goto(campaign)
    tabs = page.locator("#tabs")
    with held(page, r"tab=failed") as let_go:
        tabs.get_by_role("link", name="Failed").click()
        tabs.get_by_role("link", name="Cancelled").click()
        expect(tabs.locator("[aria-current]")).to_contain_text("Cancelled")
        let_go()
    expect(page).to_have_url(re.compile("tab=cancelled"))
    expect(tabs.locator("[aria-current]")).to_contain_text("Cancelled")


def test_of_two_views_of_an_email_the_last_one_pressed_is_shown(page: Page, campaign: str) -> None:
    page.goto(campaign)
    page.get_by_role("link", name="late2@example.org").click()
    views = page.locator("#drawer").get_by_role("navigation", name="Views of the message")
    expect(views).to_be_visible()
    with held(page, r"/view\?view=source") as let_go:
        views.evaluate("(views) => { for (const at of [1, 2]) [...views.children].at(at).click() }")
        expect(views.locator("[aria-current]")).to_have_text(re.compile("Headers|HTML|Text"))
        let_go()
    expect(views.locator("[aria-current]")).to_have_text("Source")


def test_a_drawer_that_was_left_before_it_came_stays_away(page: Page, campaign: str) -> None:
    page.goto(campaign)
    with held(page, r"/emails/[0-9a-f-]{36}$") as let_go:
        with page.expect_request(re.compile(r"/emails/[0-9a-f-]{36}$")):
            page.get_by_role("link", name="late2@example.org").click()
        page.go_back()
        let_go()
    with page.expect_response("**/rows?*"):
        pass
    expect(page.locator("#drawer dialog")).to_have_count(0)


def test_of_two_drawers_the_one_that_is_addressed_is_shown(page: Page, campaign: str) -> None:
    page.goto(campaign)
    drawer = page.locator("#drawer dialog[open]")
    with held(page, r"/emails/[0-9a-f-]{36}$") as let_go:
        page.get_by_role("link", name="late2@example.org").click()
        page.get_by_role("link", name="late1@example.org").click()
        expect(drawer).to_contain_text("late1@example.org")
        let_go()
    expect(drawer).to_contain_text("late1@example.org")
