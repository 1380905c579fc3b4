"""A sender connected by its owner's consent, in a browser, at a foreign provider.

The provider is on 127.0.0.1 and the pages on localhost: another site, under our own content policy.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from playwright.sync_api import Browser, BrowserContext, Page, expect

from paceline.settings import ProviderSettings
from tests.e2e.conftest import PATIENCE_MS
from tests.e2e.foreign import cancel_at_panva, log_in_at_panva, pages, panva
from tests.e2e.running import System
from tests.e2e.usable import assert_usable
from tests.ports import free_port
from tests.providers import CLIENT_ID, CLIENT_SECRET


class Mailboxes(Controller):
    """An SMTP server that takes access tokens, and keeps what it was shown."""

    def __init__(self, port: int) -> None:
        super().__init__(self, hostname="127.0.0.1", port=port)
        self.shown: list[bytes] = []

    def factory(self) -> SMTP:
        return SMTP(self.handler, auth_require_tls=False, hostname="mail.example.com")

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        if len(args) != 2:
            return AuthResult(success=False)
        self.shown.append(b64decode(args[1]))
        return AuthResult(success=True)


@pytest.fixture
def mailboxes(unused_tcp_port: int) -> Iterator[Mailboxes]:
    server = Mailboxes(unused_tcp_port)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def url(system: System) -> Iterator[str]:
    """Pages that know one provider: it signs people in, and has the mailboxes, too."""
    port, provider_port = free_port(), free_port()
    here = f"http://localhost:{port}"
    provider = ProviderSettings(
        issuer=f"http://127.0.0.1:{provider_port}",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )
    back = (f"{here}/auth/callback", f"{here}/senders/connected")
    with panva(provider_port, *back), pages(system, port, provider) as url:
        yield url


def visiting(chromium: Browser, url: str, **options: Any) -> BrowserContext:
    """A browser of somebody who signed in there as Ada."""
    context = chromium.new_context(base_url=url, **options)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto("/login?next=/senders")
    page.get_by_role("link", name="Sign in with 127.0.0.1").click()
    log_in_at_panva(page, "ada")
    expect(page).to_have_url(url + "/senders")
    return context


def fill_in(page: Page, mailboxes: Mailboxes, address: str = "ada@example.com") -> None:
    page.goto("/senders/new?preset=custom")
    page.get_by_label("From address").fill(address)
    page.get_by_label("Server").fill("127.0.0.1")
    page.get_by_label("Port").fill(str(mailboxes.port))
    page.get_by_label("Security").select_option("none")
    page.get_by_label("Hourly limit").fill("77")


@pytest.mark.parametrize("with_scripts", [True, False])
def test_a_sender_is_connected_and_logs_in(
    with_scripts: bool, url: str, chromium: Browser, mailboxes: Mailboxes
) -> None:
    context = visiting(chromium, url, java_script_enabled=with_scripts)
    page = context.pages[0]
    blocked: list[str] = []
    page.on("console", lambda m: "Content Security" in m.text and blocked.append(m.text))
    fill_in(page, mailboxes)
    page.get_by_role("button", name="Connect with 127.0.0.1").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#log-in")).to_contain_text("Verified")
    expect(page.get_by_text("Connected, and can log in.").first).to_be_visible()
    expect(page.get_by_label("Hourly limit")).to_have_value("77")
    expect(page.get_by_text("OAuth 2.0 in place of a password (in use)")).to_be_visible()
    [shown] = mailboxes.shown
    assert shown.startswith(b"user=ada@example.com\x01auth=Bearer ")
    assert not blocked
    context.close()


def test_who_refuses_or_is_another_is_told_on_the_form_as_it_was_left(
    url: str, chromium: Browser, mailboxes: Mailboxes, axe: str
) -> None:
    context = visiting(chromium, url, reduced_motion="reduce")
    page = context.pages[0]
    fill_in(page, mailboxes, "someone-else@example.com")
    assert_usable(page, axe)
    page.get_by_role("button", name="Connect with 127.0.0.1").click()
    cancel_at_panva(page)
    expect(page.get_by_role("alert")).to_contain_text("127.0.0.1 gave no access")
    expect(page.get_by_label("From address")).to_have_value("someone-else@example.com")
    expect(page.get_by_label("Hourly limit")).to_have_value("77")
    assert_usable(page, axe)
    page.get_by_role("button", name="Connect with 127.0.0.1").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#smtp_username-note")).to_contain_text("signed in at 127.0.0.1 as ada@")
    assert not mailboxes.shown
    context.close()
