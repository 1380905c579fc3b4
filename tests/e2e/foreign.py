"""Foreign providers beside the running system, and pages of it that know one of them."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import Page

from bench.node_tools import toolchain
from paceline.bootstrap.server import run_api
from paceline.settings import ProviderSettings, SignInSettings
from tests.e2e.running import System
from tests.providers import CLIENT_ID, CLIENT_SECRET

PANVA = Path(__file__).with_name("panva.mjs")
START_TIMEOUT_SECONDS = 60  # of a foreign program, on a machine with a lot to do


def panva(port: int, *redirect_uris: str) -> AbstractContextManager[None]:
    """npm's oidc-provider, for one client that it takes back to these addresses."""
    node = toolchain()
    arguments = [str(port), CLIENT_ID, CLIENT_SECRET, *redirect_uris]
    return running([*node.node, str(PANVA), *arguments], f"http://127.0.0.1:{port}", env=node.env)


def log_in_at_panva(page: Page, who: str) -> None:
    page.get_by_placeholder("Enter any login").fill(who)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def cancel_at_panva(page: Page) -> None:
    page.get_by_role("link", name="[ Cancel ]").click()


@contextlib.contextmanager
def pages(system: System, port: int, provider: ProviderSettings) -> Iterator[str]:
    """Further pages of the running system, with this provider."""
    url = f"http://localhost:{port}"
    settings = replace(
        system.settings,
        api=replace(system.settings.api, port=port, base_url=url),
        sign_in=SignInSettings(provider=provider, allowed_domains=frozenset({"example.com"})),
    )
    stop = asyncio.Event()
    serving = asyncio.run_coroutine_threadsafe(run_api(settings, stop), system.loop)
    try:
        _wait_for(f"{url}/healthz")
        yield url
    finally:
        system.loop.call_soon_threadsafe(stop.set)
        serving.result(START_TIMEOUT_SECONDS)


@contextlib.contextmanager
def running(
    command: list[str], issuer: str, *, env: dict[str, str] | None = None
) -> Iterator[None]:
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(f"{issuer}/.well-known/openid-configuration")
        yield
    finally:
        process.kill()
        process.wait()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            with urlopen(url, timeout=2):
                return
        except OSError:
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.05)
