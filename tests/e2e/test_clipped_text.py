"""Nothing is cut off, covered or out of the page; on a phone, fingers hit what they aim at."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.e2e.clipping import clipped, small_targets
from tests.e2e.running import System, still_page
from tests.e2e.writing import editor_of, review, write

WIDE: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
LONG = "investor-relations-quarterly-results@subsidiary.northwind-traders.example"
TITLE = "Reminder: the webinar tomorrow is about faster exports, pricing and next year's roadmap"


@pytest.fixture(scope="module")
def page(system: System, chromium: Browser, signed_in_state: dict[str, object]) -> Iterator[Page]:
    zone = "Europe/Berlin"
    with still_page(chromium, system.url, storage_state=signed_in_state, timezone_id=zone) as page:
        yield page


@pytest.fixture(scope="module")
def campaign_id(system: System) -> uuid.UUID:
    """A paused campaign whose every text is long."""
    return system.paused_campaign(
        TITLE,
        [f"a.reader.with.a.long.name.{n}@department.example.org" for n in range(3)],
        sender={"name": "Quarterly results and investor relations desk", "from_address": LONG},
        subject=TITLE,
    )


def assert_readable(page: Page) -> None:
    """In two sizes and two themes."""
    for size in (WIDE, PHONE):
        page.set_viewport_size(size)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # both are schemes
            expect(page.locator("html")).to_have_class("dark" if scheme == "dark" else "")
            page.evaluate("document.fonts.ready")
            assert not clipped(page), (size, scheme)
    assert not small_targets(page)


def test_a_campaign_of_long_counts_keeps_them_in_their_column(
    system: System, page: Page, campaign_id: uuid.UUID
) -> None:
    async def grow(total: int, sent: int, failed: int, cancelled: int) -> None:
        async with system.cases.database.driver() as driver:
            await driver.execute(
                "UPDATE campaigns SET total = total + $2, sent = sent + $3, failed = failed + $4,"
                " cancelled = cancelled + $5 WHERE id = $1",
                campaign_id,
                total,
                sent,
                failed,
                cancelled,
            )

    system.run(grow(1234567, 1000000, 123456, 98765))
    page.goto("/campaigns")
    expect(page.get_by_text("98,765 cancelled")).to_be_visible()
    try:
        assert_readable(page)
    finally:
        system.run(grow(-1234567, -1000000, -123456, -98765))


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/emails",
        "/emails?tab=sent",
        "/emails?sort=-recipient",
        "/emails?tab=failed&q=nothing",
        "/campaigns",
        "/senders",
        "/senders/new",
        "/senders/new?preset=gmail",
        "/suppressions",
        "/suppressions/new",
        "/api-keys",
        "/queue",
        "/users",
        "/account",
        "/audit-log",
        "/settings",
        "/inbox",
        "/compose",
        "/drafts",
        "/auth/link?token=x",
        "/nowhere",
    ],
)
def test_a_screen_can_be_read(page: Page, campaign_id: uuid.UUID, path: str) -> None:
    page.goto(path)
    assert_readable(page)


def test_a_campaign_its_question_and_an_email_of_it_can_be_read(
    page: Page, campaign_id: uuid.UUID
) -> None:
    page.goto(f"/campaigns/{campaign_id}")
    assert_readable(page)
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.get_by_text("Cancel this campaign?")).to_be_visible()
    assert_readable(page)
    page.get_by_role("button", name="Keep it").click()
    link = page.locator("#rows .pl-opener").first
    href = link.get_attribute("href")
    link.click()
    expect(page.locator("dialog[open]")).to_be_visible()
    assert_readable(page)
    assert href
    for rest in ("", "?view=headers", "/move"):
        page.goto(href + rest)
        assert_readable(page)


@pytest.mark.parametrize("rest", ["/edit", "/change", "/change?min_delay=soon&hourly_limit=7"])
def test_a_change_of_a_campaign_can_be_read(page: Page, campaign_id: uuid.UUID, rest: str) -> None:
    page.goto(f"/campaigns/{campaign_id}{rest}")
    assert_readable(page)


def test_the_difference_that_a_change_makes_can_be_read(page: Page, campaign_id: uuid.UUID) -> None:
    page.goto(f"/campaigns/{campaign_id}/change?min_delay=7200&hourly_limit=7")
    expect(page.get_by_role("button", name="Save the change")).to_be_visible()
    assert_readable(page)


def test_a_form_with_all_its_errors_can_be_read(page: Page, campaign_id: uuid.UUID) -> None:
    page.goto("/senders/new?preset=custom")
    page.get_by_label("Port").fill("many")
    page.get_by_label("Hourly limit").fill("-1")
    page.get_by_role("button", name="Add and verify").click()
    expect(page.get_by_role("alert")).to_contain_text("2 fields need another look.")
    assert_readable(page)


def test_compose_with_a_list_its_review_and_the_drafts_can_be_read(
    page: Page, campaign_id: uuid.UUID
) -> None:
    page.goto("/compose")
    editor_of(page)
    page.get_by_label("Subject").fill(TITLE)
    page.get_by_label("type or paste").fill(f"nobody\nInvestor Relations <{LONG}>\n")
    expect(page.get_by_text("1 row refused")).to_be_visible()
    page.get_by_text("How the file was read").click()
    assert_readable(page)
    write(page, "Dear reader")
    expect(page.locator("#draft-state")).to_contain_text("Saved")
    review(page)
    assert_readable(page)
    page.goto("/drafts")
    expect(page.get_by_role("link", name=TITLE)).to_be_visible()
    assert_readable(page)


def test_the_navigation_of_a_phone_can_be_read(page: Page, campaign_id: uuid.UUID) -> None:
    page.set_viewport_size(PHONE)
    page.goto("/")
    page.get_by_role("button", name="Open navigation").click()
    expect(page.get_by_role("link", name="Campaigns")).to_be_visible()
    assert not clipped(page)
    assert not small_targets(page)


def test_the_account_stays_in_view_in_a_low_window(page: Page, campaign_id: uuid.UUID) -> None:
    page.set_viewport_size({"width": 1280, "height": 640})
    page.goto("/")
    account = page.locator("#sidebar .pl-account")
    expect(account).to_be_in_viewport(ratio=1)
    last = page.locator("#nav a").last
    last.focus()
    expect(last).to_be_in_viewport(ratio=0.9)
    expect(account).to_be_in_viewport(ratio=1)


def test_the_head_that_stays_has_the_ground_of_its_page(page: Page, campaign_id: uuid.UUID) -> None:
    page.goto("/compose")
    editor_of(page)
    ground = "it => getComputedStyle(it).backgroundColor"
    head = page.locator(".pl-sticky-actions").evaluate(ground)
    assert head == page.locator("body").evaluate(ground)


def test_the_chosen_list_is_in_view_on_a_phone(page: Page, campaign_id: uuid.UUID) -> None:
    page.set_viewport_size(PHONE)
    page.goto("/emails?tab=cancelled")
    expect(page.locator("#tabs [aria-current]")).to_be_in_viewport(ratio=1)


def test_the_sign_in_page_can_be_read_and_the_look_at_it_finds_what_it_had(
    system: System, chromium: Browser
) -> None:
    with still_page(chromium, system.url) as page:
        page.goto("/login")
        assert_readable(page)
        # As it was: a class of the library's own kept its overflow to itself.
        page.set_viewport_size(PHONE)
        page.evaluate(
            "const it = document.querySelector('.pl-command'); it.className = 'command';"
            " it.style.height = '44px'; it.style.gap = '12px'"
        )
        assert any("is cut off" in found for found in clipped(page))
