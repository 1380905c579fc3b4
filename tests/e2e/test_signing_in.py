"""Signing in with a browser, by two foreign providers, and by Google's button.

The providers are on 127.0.0.1 and the pages on localhost: other sites to a browser, so that a
cookie which would not come along on the way back shows.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from paceline.settings import ProviderSettings
from tests.e2e.conftest import PATIENCE_MS
from tests.e2e.foreign import (
    cancel_at_panva,
    log_in_at_panva,
    pages,
    panva,
    running,
)
from tests.e2e.running import System, still_page
from tests.e2e.usable import assert_usable
from tests.ports import free_port
from tests.providers import CLIENT_ID, CLIENT_SECRET, Provider, running_provider

PEOPLE = [
    {"sub": "ada", "email": "ada@example.com", "email_verified": True, "name": "Ada Lovelace"},
    {"sub": "eve", "email": "eve@elsewhere.test", "email_verified": True, "name": "Eve"},
]


@dataclass(frozen=True)
class SignIn:
    """Pages that sign in by one provider, and how a person gets along with it."""

    url: str
    log_in: Callable[[Page, str], None]
    cancel: Callable[[Page], None]


@pytest.fixture(scope="module", params=["oidc-provider-mock", "oidc-provider"])
def sign_in(request: pytest.FixtureRequest, system: System) -> Iterator[SignIn]:
    """The same for each of the two."""
    port, provider_port = free_port(), free_port()
    issuer = f"http://127.0.0.1:{provider_port}"
    if request.param == "oidc-provider":
        starting = panva(provider_port, f"http://localhost:{port}/auth/callback")
        log_in, cancel = log_in_at_panva, cancel_at_panva
    else:
        claims = [f"--user-claims={json.dumps(person)}" for person in PEOPLE]
        program = [sys.executable, "-m", "oidc_provider_mock", "--require-nonce=true"]
        starting = running([*program, f"--port={provider_port}", *claims], issuer)
        log_in, cancel = _log_in_at_the_mock, _cancel_at_the_mock
    provider = ProviderSettings(issuer=issuer, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    with starting, pages(system, port, provider) as url:
        yield SignIn(url, log_in, cancel)


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


def test_whoever_signs_in_comes_back_to_the_page_that_was_asked_for_and_signs_out_again(
    sign_in: SignIn, visitor: BrowserContext
) -> None:
    page = visitor.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console", lambda m: complaints.append(m.text) if "Content Security" in m.text else None
    )
    page.goto(sign_in.url + "/senders")
    page.get_by_role("link", name="Sign in with 127.0.0.1").click()
    sign_in.log_in(page, "ada")
    expect(page).to_have_url(sign_in.url + "/senders")
    expect(page.get_by_role("link", name="Ada Lovelace")).to_contain_text("ada@example.com")
    page.reload()
    page.get_by_role("link", name="Ada Lovelace").click()
    expect(page.get_by_text("This one", exact=True)).to_be_visible()
    expect(page.get_by_text("by 127.0.0.1")).to_be_visible()
    page.get_by_role("button", name="Account menu").click()
    page.locator("#account-menu").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in to Paceline")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in to Paceline")).to_be_visible()
    assert not complaints


def test_whoever_is_not_let_in_is_told_and_may_choose_another_account(
    sign_in: SignIn, visitor: BrowserContext
) -> None:
    page = visitor.new_page()
    page.goto(sign_in.url + "/login")
    page.get_by_role("link", name="Sign in with 127.0.0.1").click()
    sign_in.log_in(page, "eve")
    told = page.get_by_role("alert")
    expect(told).to_contain_text("This account may not sign in here")
    expect(told).to_contain_text("eve@elsewhere.test is outside the organisations")


def test_whoever_cancels_is_back_at_the_sign_in_page(
    sign_in: SignIn, visitor: BrowserContext
) -> None:
    page = visitor.new_page()
    page.goto(sign_in.url + "/login")
    page.get_by_role("link", name="Sign in with 127.0.0.1").click()
    sign_in.cancel(page)
    expect(page.get_by_role("alert")).to_contain_text("You cancelled at 127.0.0.1")
    expect(page.get_by_role("link", name="Sign in with 127.0.0.1")).to_be_visible()


def test_all_of_it_works_without_scripts(sign_in: SignIn, chromium: Browser) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(sign_in.url + "/campaigns")
    page.get_by_role("link", name="Sign in with 127.0.0.1").click()
    sign_in.log_in(page, "ada")
    expect(page).to_have_url(sign_in.url + "/campaigns")
    page.get_by_role("button", name="Account menu").click()
    page.locator("#account-menu").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in to Paceline")).to_be_visible()
    context.close()


@pytest.fixture(scope="module")
def google(system: System) -> Iterator[tuple[str, Provider]]:
    """Pages with Google's button, for which a provider of ours stands in."""
    with running_provider() as provider:
        settings = ProviderSettings(
            issuer=provider.url, client_id=CLIENT_ID, redirects=False, button=True
        )
        with pages(system, free_port(), settings) as url:
            yield url, provider


# What Google's script does: a button, its check in a cookie and in the form, the token in a POST.
GOOGLES_SCRIPT = """
const { login_uri, nonce } = document.querySelector("#g_id_onload").dataset;
const button = document.createElement("button");
button.textContent = "Sign in with Google";
document.querySelector(".g_id_signin").append(button);
button.addEventListener("click", async () => {
  document.cookie = "g_csrf_token=twice; path=/";
  const form = document.createElement("form");
  form.method = "POST";
  form.action = login_uri;
  for (const [name, value] of [["credential", await tokenFor(nonce)], ["g_csrf_token", "twice"]]) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = name;
    field.value = value;
    form.append(field);
  }
  document.body.append(form);
  form.submit();
});
"""


def test_googles_button_signs_in_under_our_policy(
    google: tuple[str, Provider], visitor: BrowserContext
) -> None:
    url, provider = google

    def script(route: Route) -> None:
        route.fulfill(body=GOOGLES_SCRIPT, content_type="text/javascript")

    visitor.route("https://accounts.google.com/gsi/client", script)
    page = visitor.new_page()
    page.expose_function("tokenFor", provider.id_token)
    blocked: list[str] = []
    page.on("console", lambda m: "Content Security" in m.text and blocked.append(m.text))
    page.goto(url + "/senders")
    page.get_by_role("button", name="Sign in with Google").click()
    expect(page).to_have_url(url + "/senders")
    expect(page.get_by_role("link", name="Ada Lovelace")).to_be_visible()
    assert not blocked


def test_a_sign_in_elsewhere_is_ended_from_the_account_page(
    sign_in: SignIn, chromium: Browser, visitor: BrowserContext
) -> None:
    phone = chromium.new_context(user_agent="Mozilla/5.0 (iPhone) AppleWebKit Safari/605.1")
    there, here = phone.new_page(), visitor.new_page()
    for page in (there, here):
        page.goto(sign_in.url + "/login?next=/account")
        page.get_by_role("link", name="Sign in with 127.0.0.1").click()
        sign_in.log_in(page, "ada")
        expect(page.get_by_role("heading", name="Where you are signed in")).to_be_visible()
    row = here.get_by_role("listitem").filter(has_text="Safari on iPhone")
    row.get_by_role("button", name="End").click()
    expect(here.get_by_text("Signed out there.")).to_be_visible()
    expect(row).to_have_count(0)
    there.reload()
    expect(there).to_have_url(re.compile("/login"))
    here.get_by_role("button", name="Sign out everywhere").click()
    here.get_by_role("dialog").get_by_role("button", name="Sign out", exact=True).click()
    expect(here.get_by_role("heading", name="Sign in to Paceline")).to_be_visible()
    phone.close()


def test_the_pages_around_signing_in_have_no_barriers(
    sign_in: SignIn, chromium: Browser, axe: str
) -> None:
    with still_page(chromium, sign_in.url) as page:
        page.goto("/login")
        page.get_by_text("Sign in by a one-time link").click()
        assert_usable(page, axe)
        page.goto("/auth/callback?state=x")
        expect(page.get_by_role("alert")).to_contain_text("That sign-in is over")
        assert_usable(page, axe)
        page.goto("/auth/invitation?token=x")
        assert_usable(page, axe)
        page.goto("/login?next=/account")
        page.get_by_role("link", name="Sign in with 127.0.0.1").click()
        sign_in.log_in(page, "ada")
        expect(page.get_by_role("heading", name="Where you are signed in")).to_be_visible()
        assert_usable(page, axe)


def _log_in_at_the_mock(page: Page, who: str) -> None:
    page.get_by_role("button", name=who, exact=True).first.click()


def _cancel_at_the_mock(page: Page) -> None:
    page.get_by_role("button", name="Deny").click()
