"""What lasts is one line when it begins and one when it ends, however many meet it meanwhile."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TypeVar

import aiosmtplib
import pytest

from paceline.bootstrap.local import create_api_key
from paceline.devinbox import DevInbox
from paceline.errors import OperationalError
from paceline.observability import troubles
from paceline.persistence.database import Database
from paceline.persistence.stores.inbox import NewInboxMessage
from paceline.services.lookout import Lookout
from paceline.services.queue_watch import QueueWatch
from paceline.services.sender_use import SenderUses
from paceline.settings import DatabaseSettings
from tests.integration.platform.passing_on import listening
from tests.integration.platform.test_without_its_servers import client
from tests.ports import free_port
from tests.world import World, settings_for

MANY = 12
T = TypeVar("T")


@pytest.fixture(autouse=True)
def _over_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(troubles, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(troubles, "QUIET_FOR_REQUESTS_SECONDS", 0.0)


def lines(caplog: pytest.LogCaptureFixture, what: str) -> list[str]:
    """Warnings that begin like that."""
    return [line for r in caplog.records if (line := r.getMessage()).startswith(what)]


async def test_postgresql_away_is_one_line_for_all_requests_and_one_when_it_is_back(
    database_url: str, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    folder = re.search(r"host=([^&]+)", database_url)
    assert folder is not None
    elsewhere = database_url.replace("@/", f"@127.0.0.1:{port}/").partition("?")[0]
    settings = settings_for(database_url, redis_url)
    key = await create_api_key(settings, None)
    moved = replace(settings, given_database=DatabaseSettings(url=elsewhere))
    async with AsyncExitStack() as back, client(moved) as http:
        http.headers["Authorization"] = f"Bearer {key}"
        for _ in range(MANY):
            assert (await http.get("/api/v1/senders")).status_code == 503
            page = await http.get("/senders", headers={"Cookie": "paceline-session=x"})
            assert page.status_code == 503
        begun = lines(caplog, "requests are not carried out")
        await back.enter_async_context(listening(f"{folder[1]}/.s.PGSQL.5432", port=port))
        for _ in range(MANY):
            assert (await http.get("/api/v1/senders")).status_code == 200
    assert len(begun) == 2, "one of the API, one of the pages"
    ended = lines(caplog, "requests are not carried out, or their answers lost: over")
    assert len(ended) == 1, "no page was asked for again"
    assert f"met {MANY} times" in ended[0]


class Away:
    """A Redis, as services ask it."""

    answers = False

    async def used_this_hour(self, **_: object) -> dict[object, int]:
        return self._answer({})

    async def workers(self) -> list[object]:
        return self._answer([])

    async def places(self, _: object) -> dict[object, object]:
        return self._answer({})

    def _answer(self, answer: T) -> T:
        if not self.answers:
            raise OperationalError("Redis does not answer")
        return answer


async def test_redis_away_is_one_line_for_all_pages_that_show_counters(
    database: Database, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    sender, redis = await world.sender(hourly_limit=10), Away()
    lookout, uses = Lookout(database, redis), SenderUses(database, redis)
    queue = QueueWatch(database, redis)
    for redis.answers in [False] * MANY + [True] * MANY:
        await lookout.at([sender], [])
        await uses.of(world.owner_id, sender)
        await queue.report()
    for what in ("hourly counters unread", "senders are shown", "the queue is shown"):
        told = lines(caplog, what)
        assert len(told) == 2, told
        assert f"met {MANY} times" in told[1]


class Full:
    """A store that has no room."""

    is_full = True

    async def add(self, _: Sequence[NewInboxMessage]) -> None:
        if self.is_full:
            raise OperationalError("PostgreSQL: could not extend file: No space left on device")


async def test_an_inbox_without_room_is_one_line_for_all_messages(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Full()
    message = ("a@example.com", ["b@example.com"], b"Subject: x\r\n\r\ny\r\n")
    async with (
        DevInbox(store, host="127.0.0.1", port=0) as inbox,
        aiosmtplib.SMTP(hostname="127.0.0.1", port=inbox.port, start_tls=False) as smtp,
    ):
        for _ in range(MANY):
            with pytest.raises(aiosmtplib.SMTPDataError):
                await smtp.sendmail(*message)
        store.is_full = False
        await smtp.sendmail(*message)
    told = lines(caplog, "messages are not stored")
    assert len(told) == 2
    assert "No space left" in told[0]
    assert f"met {MANY} times" in told[1]
