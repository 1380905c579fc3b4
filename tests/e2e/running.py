"""The whole system for the browser tests: API, pages, a worker and the dev inbox, on real servers.

It runs in a thread with a loop of its own, so that the tests can drive the browser in plain steps.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.request import urlopen

from playwright.sync_api import Browser, Page

from paceline.auth.users import Users
from paceline.bootstrap.local import mint_sign_in_link
from paceline.bootstrap.server import run_api
from paceline.bootstrap.use_cases import UseCases, use_cases
from paceline.bootstrap.worker import run_worker
from paceline.delivery import Security
from paceline.devinbox import DevInbox, StoredInbox
from paceline.services.campaigns import NewCampaign
from paceline.services.inline_recipients import RawRecipient
from paceline.services.senders import NewSender
from paceline.services.views import SenderView
from paceline.settings import ApiSettings, DevInboxSettings, Settings
from tests.ports import free_port
from tests.world import settings_for

T = TypeVar("T")
START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class System:
    """What runs, and the ways into it."""

    settings: Settings
    loop: asyncio.AbstractEventLoop
    cases: UseCases
    owner_id: uuid.UUID

    @property
    def url(self) -> str:
        return self.settings.api.base_url

    def sign_in_link(self) -> str:
        """A new one-time link, as `paceline sign-in-link` prints it."""
        return self.run(mint_sign_in_link(self.settings))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on the system's own loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(START_TIMEOUT_SECONDS)

    def sender(self, name: str, from_address: str, **values: Any) -> SenderView:
        """A sender that leads to the dev inbox."""
        account = {"smtp_host": "127.0.0.1", "smtp_port": self.settings.devinbox.port}
        new = NewSender(
            name=name, from_address=from_address, smtp_security=Security.NONE, **account, **values
        )
        return self.run(self.cases.senders.create(self.owner_id, new))

    def paused_campaign(
        self, name: str, recipients: Sequence[str], *, sender: Mapping[str, Any], **values: Any
    ) -> uuid.UUID:
        """A campaign of a sender of its own: nothing on it moves while somebody looks.

        Its first email may be out.
        """
        campaign = NewCampaign(
            sender_id=self.sender(**sender).id,
            name=name,
            min_delay_ms=60_000,
            recipients=[RawRecipient(email=email) for email in recipients],
            **{"subject": "Hello", "text": "Dear reader", **values},
        )
        made = self.run(self.cases.campaigns.create(self.owner_id, campaign)).campaign.id
        self.run(self.cases.campaigns.launch(self.owner_id, made))
        self.run(self.cases.campaigns.pause(self.owner_id, made))
        return made

    def eventually(self, holds: Callable[[], bool], *, within: float = 60) -> None:
        """Wait until a condition holds that only the database can tell."""
        deadline = time.monotonic() + within
        while not holds():
            assert time.monotonic() < deadline, "it never came to hold"
            time.sleep(0.05)


@contextlib.contextmanager
def still_page(chromium: Browser, url: str, **options: Any) -> Iterator[Page]:
    """A page on which nothing glides or fades, to be measured."""
    context = chromium.new_context(base_url=url, reduced_motion="reduce", **options)
    yield context.new_page()
    context.close()


@contextlib.contextmanager
def running_system(database_url: str, redis_url: str, *, folder: Path) -> Iterator[System]:
    """Start everything, wait until it answers, stop it at the end."""
    port, inbox_port = free_port(), free_port()
    settings = replace(
        settings_for(database_url, redis_url),
        api=ApiSettings(port=port, base_url=f"http://localhost:{port}", allow_private_hosts=True),
        devinbox=DevInboxSettings(port=inbox_port),
    )
    box: dict[str, Any] = {}
    started = threading.Event()
    thread = threading.Thread(target=_serve, args=(settings, folder, box, started), name="system")
    thread.start()
    try:
        assert started.wait(START_TIMEOUT_SECONDS), "the system did not start"
        _wait_for(settings)
        yield System(
            settings=settings, loop=box["loop"], cases=box["cases"], owner_id=box["owner_id"]
        )
    finally:
        if "loop" in box:
            box["loop"].call_soon_threadsafe(box["stop"].set)
        thread.join(STOP_TIMEOUT_SECONDS)
        assert not thread.is_alive(), "the system did not stop"


def _serve(settings: Settings, folder: Path, box: dict[str, Any], started: threading.Event) -> None:
    async def serve() -> None:
        stop = asyncio.Event()
        async with use_cases(settings) as cases:
            owner = await Users(cases.database).local_owner()
            box.update(
                loop=asyncio.get_running_loop(), stop=stop, cases=cases, owner_id=owner.user_id
            )
            started.set()
            inbox = DevInbox(
                StoredInbox(cases.database), host="127.0.0.1", port=settings.devinbox.port
            )
            async with inbox, asyncio.TaskGroup() as tasks:
                tasks.create_task(run_api(settings, stop))
                tasks.create_task(run_worker(settings, stop, black_boxes=folder))

    asyncio.run(serve())


def _wait_for(settings: Settings) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            with urlopen(f"{settings.api.base_url}/readyz", timeout=2):
                return
        except OSError:
            assert time.monotonic() < deadline, "the system does not answer"
            time.sleep(0.05)


def answers(port: int) -> bool:
    """Whether anybody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
