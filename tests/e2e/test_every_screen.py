"""Every screen can be read and used by everybody: wide and on a phone, light and dark."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.clipping import clipped, small_targets
from tests.e2e.running import System, still_page
from tests.e2e.usable import PHONE, WIDE, assert_usable, barriers
from tests.e2e.writing import body_of, choose_format, editor_of, review, submit, write

LONG = "investor-relations-quarterly-results@subsidiary.northwind-traders.example"
TITLE = "Reminder: the webinar tomorrow is about faster exports, pricing and next year's roadmap"
DESK = "Quarterly results and investor relations desk"
LIST = f"email,name\n{LONG},Investor Relations\nnobody,Nobody\n{LONG},Investor Relations\n"


@pytest.fixture(scope="module")
def page(system: System, chromium: Browser, signed_in_state: dict[str, object]) -> Iterator[Page]:
    with still_page(
        chromium,
        system.url,
        storage_state=signed_in_state,
        timezone_id="Europe/Berlin",
    ) as page:
        yield page


@pytest.fixture(scope="module")
def campaign_id(system: System) -> uuid.UUID:
    """A paused campaign whose every text is long, with limits of its own."""
    return system.paused_campaign(
        TITLE,
        [f"a.reader.with.a.long.name.{n}@department.example.org" for n in range(3)],
        sender={"name": DESK, "from_address": LONG, "hourly_limit": 10},
        subject=TITLE,
        hourly_limit=5,
    )


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/emails",
        "/emails?tab=sent",
        "/emails?sort=-recipient",
        "/emails?tab=failed&q=nothing",
        "/campaigns",
        "/compose",
        "/drafts",
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
        "/auth/link?token=x",
        "/nowhere",
    ],
)
def test_a_screen(page: Page, axe: str, campaign_id: uuid.UUID, path: str) -> None:
    page.goto(path)
    assert_usable(page, axe)


def test_campaigns_of_long_counts(
    system: System, page: Page, axe: str, campaign_id: uuid.UUID
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
        assert_usable(page, axe)
    finally:
        system.run(grow(-1234567, -1000000, -123456, -98765))


def test_a_campaign_its_question_and_an_email_of_it(
    page: Page, axe: str, campaign_id: uuid.UUID
) -> None:
    page.goto(f"/campaigns/{campaign_id}")
    assert_usable(page, axe)
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.get_by_text("Cancel this campaign?")).to_be_visible()
    assert_usable(page, axe)
    page.get_by_role("button", name="Keep it").click()
    link = page.get_by_role("link", name="a.reader.with.a.long.name.2@department.example.org")
    href = link.get_attribute("href")
    link.click()
    expect(page.locator("dialog[open]")).to_be_visible()
    assert_usable(page, axe)
    assert href
    for rest in ("", "?view=source", "?view=headers", "/move", "/edit"):
        page.goto(href + rest)
        assert_usable(page, axe)


@pytest.mark.parametrize("rest", ["/edit", "/change", "/change?min_delay=soon&hourly_limit=7"])
def test_a_change_of_a_campaign(page: Page, axe: str, campaign_id: uuid.UUID, rest: str) -> None:
    page.goto(f"/campaigns/{campaign_id}{rest}")
    assert_usable(page, axe)


def test_the_difference_that_a_change_makes(page: Page, axe: str, campaign_id: uuid.UUID) -> None:
    page.goto(f"/campaigns/{campaign_id}/change?min_delay=7200&hourly_limit=7")
    expect(page.get_by_role("button", name="Save the change")).to_be_visible()
    assert_usable(page, axe)


def test_a_form_with_all_its_errors(page: Page, axe: str, campaign_id: uuid.UUID) -> None:
    page.goto("/senders/new?preset=custom")
    page.get_by_label("Port").fill("many")
    page.get_by_label("Hourly limit").fill("-1")
    page.get_by_role("button", name="Add and verify").click()
    expect(page.get_by_role("alert")).to_contain_text("2 fields need another look.")
    assert_usable(page, axe)


def test_a_sender_and_its_drawer(page: Page, axe: str, campaign_id: uuid.UUID) -> None:
    page.goto("/senders")
    page.get_by_role("link", name=DESK).first.click()
    page.get_by_role("button", name="Verify").click()
    expect(page.locator("#log-in")).to_contain_text("It could log in")
    assert_usable(page, axe)
    page.get_by_role("link", name="Change or test it").click()
    expect(page.get_by_role("button", name="Save changes")).to_be_visible()
    assert_usable(page, axe)


def test_a_message_with_a_list_its_review_and_the_drafts(
    page: Page, axe: str, campaign_id: uuid.UUID
) -> None:
    page.goto("/compose")
    editor_of(page)
    page.set_input_files(
        "#file", {"name": "list.csv", "mimeType": "text/csv", "buffer": LIST.encode()}
    )
    expect(page.get_by_text("1 row refused")).to_be_visible()
    page.get_by_text("How the file was read").click()
    expect(page.get_by_label("Encoding")).to_be_visible()
    assert_usable(page, axe)
    submit(page).click()
    expect(page.locator("#subject-note")).to_have_text("Subject is missing.")
    assert_usable(page, axe)
    page.get_by_label("Subject").fill(TITLE)
    write(page, "Dear reader")
    expect(page.locator("#draft-state")).to_contain_text("Saved")
    review(page)
    assert_usable(page, axe)
    page.goto("/drafts")
    expect(page.get_by_role("link", name=TITLE)).to_be_visible()
    assert_usable(page, axe)


def test_a_typed_list_with_what_is_wrong_in_it(
    page: Page, axe: str, campaign_id: uuid.UUID
) -> None:
    page.goto("/compose")
    editor_of(page)
    page.get_by_label("type or paste").fill(f"nobody\nInvestor Relations <{LONG}>\n")
    expect(page.get_by_text("1 row refused")).to_be_visible()
    page.get_by_text("How the file was read").click()
    assert_usable(page, axe)


def test_the_formats_and_dialogs_of_a_body(page: Page, axe: str, campaign_id: uuid.UUID) -> None:
    page.goto("/compose")
    editor_of(page)
    choose_format(page, "HTML source")
    body_of(page).fill("<h1>News</h1><p><img src='https://x.example/a.png' alt='Logo'></p>")
    page.set_input_files(
        "#attached", {"name": "plan.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"}
    )
    expect(page.get_by_role("button", name="Remove plan.pdf")).to_be_visible()
    assert_usable(page, axe)
    choose_format(page, "Rich text")
    expect(page.locator(".pl-image")).to_be_visible()
    assert_usable(page, axe)
    for name in ("Link", "Image"):
        page.get_by_role("button", name=name, exact=True).click()
        page.get_by_role("button", name=f"Save {name.lower()}").click()
        expect(page.locator("dialog[open] [aria-invalid=true]")).to_be_focused()
        assert_usable(page, axe)
        page.keyboard.press("Escape")
    choose_format(page, "Plain text")
    expect(page.get_by_role("dialog", name="Change to plain text?")).to_be_visible()
    assert_usable(page, axe)


def test_the_palette_and_the_list_of_keys(page: Page, axe: str) -> None:
    page.goto("/settings")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog", name="Go to")).to_be_visible()
    assert_usable(page, axe)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Go to")).to_be_hidden()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    assert_usable(page, axe)


def test_an_error_page_with_what_was_typed(page: Page, axe: str) -> None:
    page.goto("/suppressions/new")
    page.get_by_role("textbox", name="Addresses").fill("ada@example.org")
    page.locator("form[action='/suppressions'] input[name=csrf]").evaluate(
        "field => field.value = 'old'"
    )
    page.get_by_role("button", name="Suppress them").click()
    expect(page.get_by_role("heading", name="What you typed")).to_be_visible()
    assert_usable(page, axe)


def test_the_navigation_of_a_phone(page: Page, axe: str, campaign_id: uuid.UUID) -> None:
    page.set_viewport_size(PHONE)
    page.goto("/")
    page.get_by_role("button", name="Open navigation").click()
    expect(page.get_by_role("link", name="Campaigns")).to_be_visible()
    page.evaluate(axe)
    assert not barriers(page)
    assert not clipped(page)
    assert not small_targets(page)
    page.set_viewport_size(WIDE)


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


def test_the_pages_before_signing_in_and_the_look_at_them_finds_what_is_wrong(
    system: System, chromium: Browser, axe: str
) -> None:
    with still_page(chromium, system.url) as page:
        page.goto("/login")
        assert_usable(page, axe)
        # As it was: a class of the library's own kept its overflow to itself.
        page.set_viewport_size(PHONE)
        page.evaluate(
            "const it = document.querySelector('.pl-command'); it.className = 'command';"
            " it.style.height = '44px'; it.style.gap = '12px'"
        )
        page.evaluate("document.body.append(document.createElement('img'))")
        assert any("is cut off" in found for found in clipped(page))
        assert any("image-alt" in found for found in barriers(page))
        page.goto("/auth/link?token=used")
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_text("does not work any more")).to_be_visible()
        assert_usable(page, axe)
