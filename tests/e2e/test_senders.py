"""A sender in a browser: added by its provider, refused, mended, verified, deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from playwright.sync_api import Browser, Page, expect

from paceline.services.campaigns import NewCampaign
from paceline.services.inline_recipients import RawRecipient
from tests.e2e.running import System, still_page
from tests.e2e.usable import assert_usable

ADDRESS = "quarterly-results-to-be-verified@subsidiary.northwind-traders.example"


class Server(Controller):
    """An SMTP server with the password `right horse`, until it has another."""

    password = b"right horse"

    def factory(self) -> SMTP:
        return SMTP(
            self.handler,
            authenticator=self._authenticate,
            auth_require_tls=False,
            hostname="mail.northwind-traders.example",
        )

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        right = isinstance(data, LoginPassword) and data.password == self.password
        return AuthResult(success=right, handled=False)


@pytest.fixture
def server(unused_tcp_port: int) -> Iterator[Server]:
    server = Server(object(), hostname="127.0.0.1", port=unused_tcp_port)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def open_page(
    system: System, chromium: Browser, signed_in_state: dict[str, object]
) -> Iterator[Page]:
    with still_page(chromium, system.url, storage_state=signed_in_state) as page:
        yield page


def fill_in(page: Page, server: Server, password: str, address: str = ADDRESS) -> None:
    """Choose Brevo, as it is filled in, but for the server."""
    page.goto("/senders")
    page.get_by_role("link", name="Add a sender").first.click()
    page.get_by_role("link", name="Brevo").click()
    expect(page.get_by_label("Server")).to_have_value("smtp-relay.brevo.com")
    expect(page.get_by_label("Hourly limit")).to_have_value("12")
    page.get_by_label("From address").fill(address)
    page.get_by_label("Server").fill("127.0.0.1")
    page.get_by_label("Port").fill(str(server.port))
    page.get_by_label("Security").select_option("none")
    page.get_by_label("User name").fill("a1b2c3@smtp-brevo.com")
    page.get_by_label("Password", exact=False).first.fill(password)
    page.get_by_role("button", name="Add and verify").click()


def test_a_wrong_password_is_explained_mended_and_verified(page: Page, server: Server) -> None:
    fill_in(page, server, "wrong horse")
    account = page.locator("#log-in")
    expect(account).to_contain_text("Cannot log in")
    expect(account).to_contain_text("Enter user name and password again")
    expect(page.get_by_label("The dialogue with the server")).to_contain_text("< 535")
    expect(page.locator("body")).not_to_contain_text("wrong horse")
    page.get_by_label("Password", exact=False).first.fill("right horse")
    page.get_by_role("button", name="Save changes").click()
    expect(account).to_contain_text("Verified")
    expect(account).not_to_contain_text("Cannot log in")
    expect(page.get_by_label("Hourly limit")).to_have_value("12")
    page.goto("/senders")
    expect(page.get_by_role("row").filter(has_text=ADDRESS)).to_contain_text("Verified")


def test_a_sender_is_looked_at_verified_and_paused_beside_the_list(
    open_page: Page, server: Server, axe: str
) -> None:
    page = open_page
    fill_in(page, server, "wrong horse", "beside-the-list@northwind.example")
    expect(page.locator("#log-in")).to_contain_text("Cannot log in")
    page.goto("/senders")
    row = page.get_by_role("row").filter(has_text="beside-the-list@northwind.example")
    expect(row).to_contain_text("Cannot log in")
    row.get_by_role("link").click()
    drawer = page.locator("#drawer dialog[open]")
    expect(drawer).to_contain_text("Enter user name and password again")
    expect(page).to_have_url(re.compile(r"/senders\?open=/senders/[0-9a-f-]{36}$"))
    assert_usable(page, axe)
    drawer.get_by_role("button", name="Pause").click()
    expect(drawer.locator("#sender-badge")).to_have_text("Paused")
    expect(row).to_contain_text("Paused")
    drawer.get_by_role("button", name="Resume").click()
    expect(drawer.locator("#sender-badge")).to_have_text("Cannot log in")
    server.password = b"wrong horse"
    drawer.get_by_role("button", name="Verify again").click()
    expect(drawer.locator("#log-in")).to_contain_text("Verified")
    expect(row).to_contain_text("Verified")
    page.reload()
    expect(drawer).to_contain_text("of 12")
    page.go_back()
    expect(drawer).to_have_count(0)
    page.go_back()
    expect(page).to_have_url(re.compile(r"/senders/[0-9a-f-]{36}#log-in$"))


def test_each_of_its_pages_can_be_read_and_used_by_everybody(
    open_page: Page, server: Server, axe: str, system: System
) -> None:
    page = open_page
    page.goto("/senders/new?preset=amazon-ses")
    assert_usable(page, axe)
    fill_in(page, server, "wrong horse")
    expect(page.locator("#log-in")).to_contain_text("Cannot log in")
    path = page.url.partition("#")[0]
    sender_id = path.rpartition("/")[2]
    page.get_by_role("button", name="Make a DKIM key").click()
    expect(page.locator("#dkim-text")).to_contain_text("v=DKIM1")
    assert_usable(page, axe)
    new = NewCampaign(
        sender_id=next(
            sender.id
            for sender in system.run(system.cases.senders.list(system.owner_id))
            if str(sender.id) == sender_id
        ),
        name="The quarterly results, with remarks on everything that was said before",
        subject="Results",
        text="Dear reader",
        recipients=[RawRecipient(email="ada@example.org")],
    )
    system.run(system.cases.campaigns.create(system.owner_id, new))
    page.get_by_role("link", name="Delete").click()
    expect(page.locator("body")).to_contain_text("it is thrown away")
    assert_usable(page, axe)
    page.get_by_role("button", name="Cancel its work and delete it").click()
    page.wait_for_url("**/senders")
    page.goto(path)
    expect(page.locator("body")).not_to_contain_text(ADDRESS)


def test_a_form_that_is_too_large_is_not_sent_and_keeps_what_was_typed(page: Page) -> None:
    page.goto("/senders/new?preset=custom")
    page.get_by_label("From address").fill(ADDRESS)
    page.get_by_label("Name in Paceline").fill("é" * 50_000)
    page.get_by_role("button", name="Add and verify").click()
    expect(page.get_by_role("alert")).to_contain_text("more than 256 KB at once, and was not sent")
    expect(page.get_by_label("From address")).to_have_value(ADDRESS)
    page.get_by_label("Name in Paceline").fill("Shorter")
    page.get_by_role("button", name="Add and verify").click()
    expect(page.locator(".pl-banner")).to_be_visible()
    expect(page.get_by_label("Name in Paceline")).to_have_value("Shorter")
