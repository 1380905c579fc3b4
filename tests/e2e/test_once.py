"""Impatient readers: the button pressed twice, Enter twice, Back and once more, an answer lost."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from paceline.bootstrap.server import run_api
from paceline.services.views import SenderView
from tests.e2e.running import STOP_TIMEOUT_SECONDS, System, answers
from tests.e2e.writing import CAMPAIGN, REVIEW, review, schedule, submit, write
from tests.lossy import LossyProxy
from tests.ports import free_port

ROWS = 20_000


@pytest.fixture(scope="module")
def sender(system: System) -> SenderView:
    return system.sender("Northwind Once", "once@northwind.example")


@pytest.fixture
def short_list(tmp_path: Path) -> Path:
    path = tmp_path / "leads.csv"
    path.write_text("email\nada@example.org\ngrace@example.org\nalan@example.org\n")
    return path


@pytest.fixture
def long_list(tmp_path: Path) -> Path:
    path = tmp_path / "long.csv"
    path.write_text("email\n" + "".join(f"reader{n}@example.org\n" for n in range(ROWS)))
    return path


@pytest.fixture
def without_script(
    system: System, chromium: Browser, signed_in_state: dict[str, object]
) -> Iterator[Page]:
    context = chromium.new_context(
        base_url=system.url,
        storage_state=signed_in_state,  # type: ignore[arg-type]  # as it came from Playwright
        java_script_enabled=False,
    )
    yield context.new_page()
    context.close()


@pytest.fixture
def lossy(
    system: System, chromium: Browser, signed_in_state: dict[str, object]
) -> Iterator[tuple[Page, LossyProxy]]:
    """A page behind a network that loses answers, and that network."""
    stop = asyncio.Event()
    port = free_port()
    proxy = LossyProxy(port)
    system.run(proxy.__aenter__())
    api = replace(system.settings.api, port=port, base_url=proxy.url)
    serving = asyncio.run_coroutine_threadsafe(
        run_api(replace(system.settings, api=api), stop), system.loop
    )
    context = chromium.new_context(
        base_url=proxy.url,
        storage_state=signed_in_state,  # type: ignore[arg-type]  # as it came from Playwright
    )
    page = context.new_page()
    system.eventually(lambda: answers(port))
    yield page, proxy
    context.close()
    system.loop.call_soon_threadsafe(stop.set)
    serving.result(STOP_TIMEOUT_SECONDS)
    system.run(proxy.__aexit__())


def fill_in(page: Page, sender: SenderView, leads: Path) -> str:
    """The form, ready to be sent tomorrow; its subject, which is its own."""
    subject = f"Once {uuid.uuid4().hex[:8]}"
    page.goto("/compose")
    page.get_by_label("From").select_option(str(sender.id))
    page.get_by_label("Subject").fill(subject)
    write(page, "Hello")
    page.locator("#file").set_input_files(leads)
    page.get_by_label("Later").check()
    return subject


def campaigns(system: System, subject: str) -> int:
    async def count() -> int:
        async with system.cases.database.driver() as driver:
            return int(
                await driver.fetchval("SELECT count(*) FROM campaigns WHERE subject = $1", subject)
            )

    return system.run(count())


def test_a_double_click_schedules_once(
    page: Page, system: System, sender: SenderView, short_list: Path
) -> None:
    subject = fill_in(page, sender, short_list)
    expect(submit(page)).to_contain_text("Review 3 emails")
    review(page).dblclick()
    page.wait_for_url(CAMPAIGN)
    assert campaigns(system, subject) == 1


def test_enter_in_a_field_goes_to_the_review_and_never_further(
    page: Page, system: System, sender: SenderView, short_list: Path
) -> None:
    subject = fill_in(page, sender, short_list)
    expect(submit(page)).to_contain_text("Review 3 emails")
    page.get_by_label("Subject").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.wait_for_url(REVIEW)
    expect(page.get_by_role("button", name="Schedule 3 emails")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(REVIEW)
    assert campaigns(system, subject) == 0


def test_the_button_is_out_of_order_while_a_long_list_is_stored(
    page: Page, system: System, sender: SenderView, long_list: Path
) -> None:
    subject = fill_in(page, sender, long_list)
    expect(submit(page)).to_contain_text(f"Review {ROWS:,} emails")
    button = review(page)
    # By force, as a second click 250 ms later is: whatever the button looks like.
    button.evaluate("button => { button.click(); button.click(); button.form.requestSubmit(); }")
    page.wait_for_url(CAMPAIGN, timeout=30_000)
    assert campaigns(system, subject) == 1


def test_without_scripts_a_double_click_schedules_once_and_ends_on_its_page(
    without_script: Page, system: System, sender: SenderView, short_list: Path
) -> None:
    page = without_script
    subject = f"Once {uuid.uuid4().hex[:8]}"
    page.goto("/compose")
    page.get_by_label("From").select_option(str(sender.id))
    page.get_by_label("Subject").fill(subject)
    page.locator("textarea[name=body]").fill("Hello")
    page.locator("#file").set_input_files(short_list)
    page.get_by_label("Later").check()
    review(page).dblclick()
    page.wait_for_url(CAMPAIGN)
    expect(page.get_by_role("heading", name=subject)).to_be_visible()
    assert campaigns(system, subject) == 1


def test_back_from_a_campaign_leads_to_it_again(
    page: Page, system: System, sender: SenderView, short_list: Path
) -> None:
    subject = fill_in(page, sender, short_list)
    expect(submit(page)).to_contain_text("Review 3 emails")
    schedule(page)
    first = page.url
    # Not `go_back`, which takes what a page writes into its own entry for the end of the way.
    with page.expect_event("load"), page.expect_response(first) as landed:
        page.evaluate("history.back()")
    came_from = landed.value.request.redirected_from
    assert came_from is not None
    assert REVIEW.search(came_from.url)
    assert page.url == first
    assert campaigns(system, subject) == 1


def test_an_answer_that_is_lost_is_told_as_such_and_the_next_click_finds_it(
    lossy: tuple[Page, LossyProxy], system: System, sender: SenderView, short_list: Path
) -> None:
    page, proxy = lossy
    subject = fill_in(page, sender, short_list)
    expect(submit(page)).to_contain_text("Review 3 emails")
    button = review(page)
    proxy.lose("/schedule")
    button.click()
    toast = page.get_by_role("alert").filter(has_text="The server did not answer")
    expect(toast).to_contain_text("may have been carried out all the same")
    expect(toast.get_by_role("link", name="Look under Campaigns")).to_be_visible()
    expect(button).to_be_enabled()
    expect(button).to_contain_text("Schedule 3 emails")
    assert campaigns(system, subject) == 1
    proxy.let_all_pass()
    button.click()
    page.wait_for_url(re.compile(r"/campaigns/[0-9a-f-]{36}"))
    assert campaigns(system, subject) == 1


def test_what_is_refused_can_be_mended_with_the_same_button(
    page: Page, system: System, sender: SenderView, short_list: Path
) -> None:
    subject = fill_in(page, sender, short_list)
    page.get_by_label("Delay").fill("soon")
    submit(page).click()
    expect(page.get_by_text("must be a number of seconds")).to_be_visible()
    expect(submit(page)).to_be_enabled()
    page.get_by_label("Delay").fill("0")
    schedule(page)
    assert campaigns(system, subject) == 1
