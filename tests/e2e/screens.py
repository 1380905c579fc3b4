"""The pictures of the README: `python -m tests.e2e.screens`, or `make screens`.

Names of screens after it take those alone.

A home of 24,000 emails (`bench.seed`) under `paceline up`, looked at in the system's Chromium. The
small campaign that is written, launched and paused is there for the pictures alone.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from playwright.sync_api import Browser, Page, expect, sync_playwright

from bench.seed import filled
from paceline.cli import ports
from paceline.embedded import Postgres, running
from paceline.home import Home
from paceline.persistence.migrate import upgrade
from tests.e2e.conftest import ARGUMENTS, CHROMIUM
from tests.e2e.writing import editor_of, review

FOLDER = Path(__file__).resolve().parents[2] / "docs/screens"
EMAILS = 24_000
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
_NAMES = """
    UPDATE senders SET name = v.name, from_address = v.address,
                       smtp_host = 'smtp.northwind.example',
                       smtp_port = 587, smtp_security = 'starttls'
      FROM (VALUES ('Sender 1', 'Northwind Letters', 'letters@northwind.example'),
                   ('Sender 2', 'Northwind Billing', 'billing@northwind.example'),
                   ('Sender 3', 'Outreach', 'anna@northwind.example')) v (was, name, address)
     WHERE senders.name = v.was
       AND owner_id = (SELECT id FROM users WHERE issuer = 'local' AND subject = 'owner')
"""
SUBJECT = "What is new this winter, {{ name }}"
BODY = (
    "Dear {{ name }},\n\nfaster exports, a calmer inbox, and prices that stay where they are:"
    " here is what changed since the autumn.\n\nYours,\nNorthwind"
)
ROWS = "email,name,company\n" + "".join(
    f"{name.lower()}@{company.lower()}.example,{name},{company}\n"
    for name in ("Ada", "Grace", "Alan", "Barbara", "Edsger", "Katherine", "Donald", "Radia")
    for company in ("Lumen", "Fabrikam", "Contoso", "Tailspin", "Wingtip")
)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="pl-", ignore_cleanup_errors=True) as folder,
        _up(Path(folder) / "home") as (url, link),
        sync_playwright() as playwright,
    ):
        path = next(filter(None, map(shutil.which, CHROMIUM)))
        with playwright.chromium.launch(executable_path=path, args=ARGUMENTS) as chromium:
            _take_all(chromium, url, link)


@contextmanager
def _up(folder: Path) -> Iterator[tuple[str, str]]:
    """A seeded home, running: its address, and a link that signs its owner in."""
    folder.parent.chmod(0o711)  # the user of PostgreSQL passes through it
    home = Home.at(folder, {})
    home.create()
    postgres = Postgres(home.postgres)
    with home.lock(), running(postgres, log=home.logs / "postgres.log"):
        upgrade(postgres.url)
        asyncio.run(_seeded(postgres.url))
    command = [sys.executable, "-m", "paceline"]
    env = {**os.environ, "PACELINE_HOME": str(home.path)}
    port = ports.free_port("127.0.0.1", preferred=3978)
    up = subprocess.Popen(
        [*command, "up", "--no-sample", "--port", str(port)],
        env=env,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert up.stdout is not None
        next(line for line in up.stdout if str(port) in line)  # its welcome: all of it answers
        link = subprocess.check_output([*command, "sign-in-link"], env=env, text=True).strip()
        yield f"http://localhost:{port}", link
    finally:
        up.send_signal(signal.SIGINT)
        up.communicate()


async def _seeded(url: str) -> None:
    await filled(url, emails=EMAILS)
    driver = await asyncpg.connect(url)
    await driver.execute(_NAMES)
    await driver.close()


def _take_all(chromium: Browser, url: str, link: str) -> None:
    context = chromium.new_context(
        base_url=url,
        viewport=WIDE,  # type: ignore[arg-type]  # a size
        timezone_id="Europe/Berlin",
        reduced_motion="reduce",
    )
    # A browser without windows says that it blocks them.
    context.add_init_script(
        "Object.defineProperty(Notification, 'permission', { get: () => 'default' })"
    )
    page = context.new_page()
    page.goto(link)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(url + "/")
    wanted = sys.argv[1:] or list(SCREENS)
    for name in wanted:
        SCREENS[name](page)
        for size, scheme in ((WIDE, "light"), (WIDE, "dark"), (PHONE, "light")):
            page.set_viewport_size(size)  # type: ignore[arg-type]  # a size
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # a scheme
            expect(page.locator("html")).to_have_class("dark" if scheme == "dark" else "")
            page.evaluate("document.fonts.ready")
            kind = "phone" if size is PHONE else scheme
            page.screenshot(path=FOLDER / f"{name}-{kind}.png", animations="disabled")
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]  # a size
        page.emulate_media(color_scheme="light")


def _open(path: str) -> Callable[[Page], None]:
    def go(page: Page) -> None:
        page.goto(path)
        expect(page.locator("h1")).to_be_visible()

    return go


def _email(page: Page) -> None:
    page.goto("/emails?tab=sent")
    page.locator("a[data-drawer]").first.click()
    expect(page.locator("#drawer dialog[open]")).to_be_visible()


def _compose(page: Page) -> None:
    page.goto("/compose")
    page.get_by_label("Subject").fill(SUBJECT)
    editor_of(page).click()
    page.keyboard.type(BODY)
    page.set_input_files(
        "#file",
        {"name": "customers.csv", "mimeType": "text/csv", "buffer": ROWS.encode()},
    )
    expect(page.get_by_text("40 recipients").first).to_be_visible()


def _review(page: Page) -> None:
    _compose(page)
    review(page)


def _edit(page: Page) -> None:
    page.goto("/campaigns?q=spring")
    page.get_by_role("link", name="Next spring").first.click()
    page.get_by_role("link", name="Edit", exact=True).click()
    expect(page.frame_locator("[name=preview]").get_by_text("Spring is coming to")).to_be_visible()


def _campaign(page: Page) -> None:
    page.goto("/campaigns?q=conference")
    page.get_by_role("link", name="Conference").first.click()
    expect(page.get_by_role("heading", name="Conference")).to_be_visible()


SCREENS: dict[str, Callable[[Page], None]] = {
    "dashboard": _open("/"),
    "scheduled": _open("/emails"),
    "email": _email,
    "compose": _compose,
    "review": _review,
    "campaigns": _open("/campaigns"),
    "campaign": _campaign,
    "edit": _edit,
    "senders": _open("/senders"),
    "queue": _open("/queue"),
    "settings": _open("/settings"),
}

if __name__ == "__main__":
    main()
