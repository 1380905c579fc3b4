"""A running system, and the system's own Chromium to look at it with."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from paceline.embedded import Redis, running
from paceline.web.routes import review
from tests.databases import Databases
from tests.e2e.running import System, running_system

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "node_modules/axe-core/axe.min.js"
# The first costs two thirds of the processor time of the others: it draws no window.
CHROMIUM = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
ARGUMENTS = [
    "--no-sandbox",  # needed as root, as in CI; what is looked at is our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# How long a page takes is the machine's, and says nothing about it.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="package")
def system(databases: Databases, _template: str, servers_directory: Path) -> Iterator[System]:
    """One for browser tests that run on end, with a Redis of its own: its worker runs all along.

    Files of other packages may come in between: a process runs them as they are handed out.
    """
    folder = Path(tempfile.mkdtemp(prefix="e2e-", dir=servers_directory))
    redis = Redis(folder / "redis")
    with (
        pytest.MonkeyPatch.context() as patch,
        databases.fresh(template=_template) as url,
        running(redis, log=folder / "redis.log"),
        running_system(url, redis.url, folder=folder / "black-boxes") as system,
    ):
        patch.setattr(review, "HELD_BACK", timedelta(seconds=1))  # whoever waits for it waits less
        yield system


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    # Not a skip: pages that nobody looked at are not tested.
    assert path, "the browser tests need Chromium; scripts/need-chromium installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def signed_in_state(system: System, chromium: Browser) -> dict[str, object]:
    """The cookies of somebody who signed in by a link, as a person does."""
    context = chromium.new_context(timezone_id="Europe/Berlin")
    page = context.new_page()
    page.goto(system.sign_in_link())
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(system.url + "/")
    state = context.storage_state()
    context.close()
    return dict(state)


@pytest.fixture
def context(
    system: System, chromium: Browser, signed_in_state: dict[str, object]
) -> Iterator[BrowserContext]:
    context = chromium.new_context(
        base_url=system.url,
        storage_state=signed_in_state,  # type: ignore[arg-type]  # as it came from Playwright
        timezone_id="Europe/Berlin",
        viewport={"width": 1280, "height": 900},
    )
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A signed-in page that must not break its own content policy, nor throw."""
    page = context.new_page()
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # That a request was answered with an error is for the test to judge, not a complaint.
        if message.type == "error" and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert not complaints


@pytest.fixture(scope="package")
def axe() -> str:
    assert AXE.exists(), "axe-core is missing; `npm ci --ignore-scripts` installs it"
    return AXE.read_text()
