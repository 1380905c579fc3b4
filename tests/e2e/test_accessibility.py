"""axe finds nothing on any screen: light and dark, wide and narrow."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.e2e.running import System, still_page
from tests.e2e.writing import body_of, choose_format, editor_of, review, write

WIDE: ViewportSize = {"width": 1280, "height": 900}
NARROW: ViewportSize = {"width": 390, "height": 844}
LIST = b"email,name\nada@example.org,Ada\nnobody,Nobody\nada@example.org,Ada\n"


@pytest.fixture(scope="module")
def page(system: System, chromium: Browser, signed_in_state: dict[str, object]) -> Iterator[Page]:
    """Without the content policy, which would keep axe out too."""
    with still_page(chromium, system.url, storage_state=signed_in_state, bypass_csp=True) as page:
        yield page


@pytest.fixture(scope="module")
def campaign_id(system: System) -> uuid.UUID:
    """A paused campaign with limits of its own."""
    return system.paused_campaign(
        "Quiet",
        [f"quiet{n}@example.org" for n in range(3)],
        sender={"name": "Quiet", "from_address": "quiet@northwind.example", "hourly_limit": 10},
        hourly_limit=5,
    )


def assert_accessible(page: Page, axe: str) -> None:
    """In both themes, and on a phone."""
    page.evaluate(axe)
    for scheme, size in (("light", NARROW), ("light", WIDE), ("dark", WIDE)):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # both are schemes
        expect(page.locator("html")).to_have_class("dark" if scheme == "dark" else "")
        # The themes differ in colours alone.
        rules = ["color-contrast", "link-in-text-block"] if scheme == "dark" else None
        assert not barriers(page, rules), (scheme, size)


def barriers(page: Page, rules: list[str] | None = None) -> list[tuple[str, list[str]]]:
    """What axe finds by these rules, or by all, with the elements it is about."""
    # Without the options of menus: there are 600 time zones, and the browser draws them.
    found = page.evaluate(
        "rules => axe.run({exclude: [['option']]},"
        " {iframes: false, ...(rules && {runOnly: rules})})",
        rules,
    )
    return [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in found["violations"]]


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
def test_a_screen_has_no_barriers(page: Page, axe: str, campaign_id: uuid.UUID, path: str) -> None:
    page.goto(path)
    assert_accessible(page, axe)


def test_a_campaign_has_no_barriers(page: Page, axe: str, campaign_id: uuid.UUID) -> None:
    page.goto(f"/campaigns/{campaign_id}")
    assert_accessible(page, axe)
    page.get_by_role("button", name="Cancel", exact=True).click()
    assert_accessible(page, axe)


@pytest.mark.parametrize(
    "rest", ["/edit", "/change?min_delay=soon&hourly_limit=7", "/change?min_delay=9&hourly_limit=7"]
)
def test_a_change_of_a_campaign_has_no_barriers(
    page: Page, axe: str, campaign_id: uuid.UUID, rest: str
) -> None:
    page.goto(f"/campaigns/{campaign_id}{rest}")
    assert_accessible(page, axe)


def test_an_email_has_no_barriers_as_a_page_and_in_the_drawer(
    page: Page, axe: str, campaign_id: uuid.UUID
) -> None:
    page.goto(f"/campaigns/{campaign_id}")
    link = page.get_by_role("link", name="quiet2@example.org")
    href = link.get_attribute("href")
    link.click()
    expect(page.locator("dialog[open]")).to_be_visible()
    assert_accessible(page, axe)
    assert href
    for rest in ("", "?view=source", "/move", "/edit"):
        page.goto(href + rest)
        assert_accessible(page, axe)


def test_a_filled_compose_page_has_no_barriers(
    page: Page, axe: str, campaign_id: uuid.UUID
) -> None:
    page.goto("/compose")
    editor_of(page)
    page.set_input_files("#file", {"name": "list.csv", "mimeType": "text/csv", "buffer": LIST})
    expect(page.get_by_text("1 row refused")).to_be_visible()
    page.get_by_text("How the file was read").click()
    expect(page.get_by_label("Encoding")).to_be_visible()
    assert_accessible(page, axe)
    page.locator("#compose header button:not([form], [type])").click()
    expect(page.locator("#subject-note")).to_have_text("Subject is missing.")
    assert_accessible(page, axe)
    page.get_by_label("Subject").fill("Quiet hours")
    write(page, "Dear reader")
    review(page)
    assert_accessible(page, axe)
    page.goto("/drafts")
    expect(page.get_by_role("link", name="Quiet hours")).to_be_visible()
    assert_accessible(page, axe)


def test_the_palette_and_the_list_of_keys_have_no_barriers(page: Page, axe: str) -> None:
    page.goto("/settings")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog", name="Go to")).to_be_visible()
    assert_accessible(page, axe)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Go to")).to_be_hidden()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    assert_accessible(page, axe)


def test_an_error_page_with_what_was_typed_has_no_barriers(page: Page, axe: str) -> None:
    page.goto("/suppressions/new")
    page.get_by_role("textbox", name="Addresses").fill("ada@example.org")
    page.locator("form[action='/suppressions'] input[name=csrf]").evaluate(
        "field => field.value = 'old'"
    )
    page.get_by_role("button", name="Suppress them").click()
    expect(page.get_by_role("heading", name="What you typed")).to_be_visible()
    assert_accessible(page, axe)


def test_the_formats_and_dialogs_of_a_body_have_no_barriers(
    page: Page, axe: str, campaign_id: uuid.UUID
) -> None:
    page.goto("/compose")
    editor_of(page)
    choose_format(page, "HTML source")
    body_of(page).fill("<h1>News</h1><p><img src='https://x.example/a.png' alt='Logo'></p>")
    page.set_input_files(
        "#attached", {"name": "plan.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"}
    )
    expect(page.get_by_role("button", name="Remove plan.pdf")).to_be_visible()
    assert_accessible(page, axe)
    choose_format(page, "Rich text")
    expect(page.locator(".pl-image")).to_be_visible()
    assert_accessible(page, axe)
    for name in ("Link", "Image"):
        page.get_by_role("button", name=name, exact=True).click()
        page.get_by_role("button", name=f"Save {name.lower()}").click()
        expect(page.locator("dialog[open] [aria-invalid=true]")).to_be_focused()
        assert_accessible(page, axe)
        page.keyboard.press("Escape")
    choose_format(page, "Plain text")
    expect(page.get_by_role("dialog", name="Change to plain text?")).to_be_visible()
    assert_accessible(page, axe)


def test_a_sender_has_no_barriers(page: Page, axe: str, campaign_id: uuid.UUID) -> None:
    page.goto("/senders")
    page.get_by_role("link", name="Quiet").first.click()
    page.get_by_role("button", name="Verify").click()
    expect(page.locator("#log-in")).to_contain_text("It could log in")
    assert_accessible(page, axe)
    page.get_by_role("link", name="Change or test it").click()
    expect(page.get_by_role("button", name="Save changes")).to_be_visible()
    assert_accessible(page, axe)


def test_the_navigation_of_a_phone_has_no_barriers(
    page: Page, axe: str, campaign_id: uuid.UUID
) -> None:
    page.set_viewport_size(NARROW)
    page.goto("/")
    page.get_by_role("button", name="Open navigation").click()
    expect(page.get_by_role("link", name="Campaigns")).to_be_visible()
    page.evaluate(axe)
    assert not barriers(page)
    page.set_viewport_size(WIDE)


def test_the_pages_before_signing_in_have_no_barriers(
    system: System, chromium: Browser, axe: str
) -> None:
    with still_page(chromium, system.url, bypass_csp=True) as page:
        page.goto("/login")
        assert_accessible(page, axe)
        page.goto("/auth/link?token=used")
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_text("does not work any more")).to_be_visible()
        assert_accessible(page, axe)
