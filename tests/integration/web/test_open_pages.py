"""What open pages ask again and again: made once, kept while it holds, never somebody else's."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import httpx2
import pytest
from starlette.types import ASGIApp

from paceline import clock
from paceline.bootstrap.use_cases import UseCases
from paceline.domain.recipients import RawRecipient
from paceline.persistence.database import Driver
from paceline.persistence.workers import sign_off
from paceline.services.campaign_rules import NewCampaign
from paceline.services.email_changes import EmailPatch
from paceline.services.emails import NewEmail
from paceline.services.watching import Fingerprint
from paceline.web import Parts, create_web
from paceline.web.access import cookie_name
from paceline.web.watched import Watcher
from tests.integration.web.conftest import COOKIE_DOMAIN, FRAGMENT, browser, sign_in
from tests.world import World


@dataclass
class Things:
    """What somebody has, for something to be done about it."""

    sender: uuid.UUID
    email: uuid.UUID
    campaign: uuid.UUID

    @classmethod
    async def of(cls, world: World) -> Things:
        sender = await world.sender()
        (email,) = await world.emails(sender, None, ["a@example.org"], due_in=timedelta(days=1))
        campaign = await world.campaign(sender)
        await world.emails(sender, campaign, 2, due_in=timedelta(days=1))
        await world.execute("INSERT INTO lanes (sender_id) VALUES ($1)", sender)
        return cls(sender=sender, email=email, campaign=campaign)

    def new(self) -> NewCampaign:
        recipients = [RawRecipient(email="b@example.org")]
        return NewCampaign(
            name="New", sender_id=self.sender, subject="S", text="T", recipients=recipients
        )


NOTHING = '"none"'
LIVE = ("/dashboard/now", "/dashboard/day", "/nav?section=dashboard", "/emails/rows")
"""Whatever the dashboard and the lists ask."""


@dataclass
class Tab:
    """An open page's live part: it says what it has, as frontend/js/live.js does."""

    page: httpx2.AsyncClient
    path: str = "/dashboard/now"
    tag: str = NOTHING
    shows: str = field(default="", init=False)

    async def ask(self) -> int:
        """The answer's status."""
        headers = FRAGMENT | {"If-None-Match": self.tag}
        answer = await self.page.get(self.path, headers=headers)
        if answer.status_code == 200:
            self.tag, self.shows = answer.headers.get("ETag", NOTHING), answer.text
        return answer.status_code


@dataclass
class Counted:
    """A watcher that knows how often it was asked."""

    watcher: Watcher
    looks: int = 0

    async def of(self, sessions: Collection[bytes], /) -> Mapping[bytes, Fingerprint]:
        self.looks += 1
        return await self.watcher.of(sessions)


@pytest.fixture
def watch(parts: Parts) -> Counted:
    return Counted(parts.watch)


@pytest.fixture
def app(parts: Parts, watch: Counted) -> ASGIApp:
    """One process for all browsers of a test."""
    return create_web(replace(parts, watch=watch))


@pytest.fixture
async def page(app: ASGIApp, parts: Parts, world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """Signed in as the world's owner."""
    async with browser(parts, app) as client:
        await sign_in(client, parts, world)
        yield client


@pytest.fixture
async def same_page(app: ASGIApp, parts: Parts, world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """The same person in another browser."""
    async with browser(parts, app) as client:
        await sign_in(client, parts, world)
        yield client


@pytest.fixture
async def other_page(app: ASGIApp, parts: Parts, world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """Signed in as somebody else."""
    other = await World.create(world.database, watched=False)
    async with browser(parts, app) as client:
        await sign_in(client, parts, other)
        yield client


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each question is a look of its own: what a second brings, without the second."""
    monkeypatch.setattr("paceline.web.watched.LOOK_EVERY_SECONDS", 0.0)
    monkeypatch.setattr("paceline.web.kept.MOVING", timedelta(0))


@pytest.fixture
def one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look holds for the whole test, unless somebody does something."""
    monkeypatch.setattr("paceline.web.watched.LOOK_EVERY_SECONDS", 3_600.0)


@pytest.fixture
async def waiting(world: World) -> World:
    """Somebody with an email that waits until tomorrow."""
    sender = await world.sender()
    await world.emails(sender, None, ["ada@example.org"], due_in=timedelta(days=1))
    return world


@pytest.mark.parametrize("path", LIVE)
async def test_what_still_holds_is_not_sent_again(
    page: httpx2.AsyncClient, waiting: World, looks: None, path: str
) -> None:
    tab = Tab(page, path)
    assert [await tab.ask() for _ in range(3)] == [200, 304, 304]


async def test_a_second_tab_gets_what_was_made_for_the_first(
    page: httpx2.AsyncClient, waiting: World, looks: None
) -> None:
    first, second = Tab(page), Tab(page)
    await first.ask()
    await second.ask()
    assert (second.tag, second.shows) == (first.tag, first.shows)


@pytest.mark.parametrize("path", ["/dashboard/now", "/emails/rows"])
async def test_nobody_gets_what_was_made_for_somebody_else(
    page: httpx2.AsyncClient, other_page: httpx2.AsyncClient, waiting: World, path: str
) -> None:
    email = await waiting.fetchval("SELECT id FROM emails")
    mine, theirs = Tab(page, path), Tab(other_page, path)
    await mine.ask()
    assert f"/emails/{email}" in mine.shows
    theirs.tag = mine.tag
    assert await theirs.ask() == 200
    assert f"/emails/{email}" not in theirs.shows


async def test_each_sign_in_has_its_own_tokens(
    page: httpx2.AsyncClient, same_page: httpx2.AsyncClient, world: World
) -> None:
    campaign = await world.campaign(await world.sender(), state="paused")
    for client in (page, same_page):
        tab = Tab(client, f"/campaigns/{campaign}/rows")
        await tab.ask()
        assert client.headers["X-CSRF-Token"] in tab.shows


def assert_signed_out(answer: httpx2.Response) -> None:
    """The page that asks stays where it is, with what was typed on it, and learns where to go."""
    assert answer.status_code == 401
    assert "HX-Redirect" not in answer.headers
    assert answer.headers["HX-Reswap"] == "none"
    assert answer.headers["X-Sign-In"].startswith("/login")
    assert answer.text == ""


async def test_a_sign_in_that_was_ended_sees_nothing_more(
    page: httpx2.AsyncClient, waiting: World, parts: Parts, looks: None
) -> None:
    tab = Tab(page)
    assert [await tab.ask(), await tab.ask()] == [200, 304]
    await parts.sessions.end_all(waiting.owner_id)
    tab.shows = ""
    answer = await page.get("/dashboard/now", headers=FRAGMENT | {"If-None-Match": tab.tag})
    assert_signed_out(answer)
    assert "ada@example.org" not in answer.text


async def test_signing_out_everywhere_bites_at_once(
    page: httpx2.AsyncClient, same_page: httpx2.AsyncClient, waiting: World
) -> None:
    """Of a browser that the process has just answered, too."""
    tab, account = Tab(same_page), Tab(page, "/nav?section=account")
    await account.ask()
    await tab.ask()
    await page.post("/account/sign-out-everywhere")
    answer = await same_page.get("/dashboard/now", headers=FRAGMENT | {"If-None-Match": tab.tag})
    assert_signed_out(answer)


async def test_somebody_who_was_disabled_sees_nothing_more(
    page: httpx2.AsyncClient, waiting: World, looks: None
) -> None:
    tab = Tab(page)
    await tab.ask()
    await waiting.execute("UPDATE users SET disabled_at = now() WHERE id = $1", waiting.owner_id)
    answer = await page.get("/dashboard/now", headers=FRAGMENT | {"If-None-Match": tab.tag})
    assert_signed_out(answer)


async def test_what_one_did_oneself_shows_with_the_next_question(
    page: httpx2.AsyncClient, world: World
) -> None:
    """Without waiting for the next look."""
    sender = await world.sender()
    (email,) = await world.emails(sender, None, ["ada@example.org"], due_in=timedelta(days=1))
    tab = Tab(page, "/emails/rows")
    await tab.ask()
    await page.post(f"/emails/{email}/cancel")
    assert await tab.ask() == 200
    assert "ada@example.org" not in tab.shows


async def test_cookies_of_nobodys_make_no_looks(
    page: httpx2.AsyncClient,
    app: ASGIApp,
    parts: Parts,
    watch: Counted,
    waiting: World,
    one_look: None,
) -> None:
    tab = Tab(page, "/emails/rows")
    await tab.ask()
    async with browser(parts, app) as stranger:
        for number in range(20):
            name = cookie_name(parts.base_url)
            stranger.cookies.set(name, f"nobody-{number}", domain=COOKIE_DOMAIN)
            for headers in (FRAGMENT | {"If-None-Match": NOTHING}, {}):
                answer = await stranger.get("/emails/rows", headers=headers)
                assert "ada@example.org" not in answer.text
    assert await tab.ask() == 304
    assert watch.looks == 1


async def test_who_was_not_looked_at_yet_is_answered_anew(
    page: httpx2.AsyncClient, same_page: httpx2.AsyncClient, waiting: World, one_look: None
) -> None:
    """Until the next look, which finds them with the others."""
    first, newcomer = (Tab(each, "/emails/rows") for each in (page, same_page))
    await first.ask()
    assert [await newcomer.ask(), await newcomer.ask()] == [200, 200]
    assert "ada@example.org" in newcomer.shows
    await page.post("/theme", data={"theme": "dark"})
    assert [await newcomer.ask(), await newcomer.ask()] == [200, 304]


DEEDS: dict[str, Callable[[UseCases, World, Things], Awaitable[object]]] = {
    "a sender": lambda cases, world, _: world.sender(name="Another"),
    "a single email": lambda cases, world, of: cases.emails.create(
        world.owner_id, NewEmail(sender_id=of.sender, to="new@example.org", subject="S", text="T")
    ),
    "an email cancelled": lambda cases, world, of: cases.emails.cancel(world.owner_id, of.email),
    "an email moved": lambda cases, world, of: cases.emails.patch(
        world.owner_id, of.email, EmailPatch(scheduled_at=clock.now() + timedelta(days=2))
    ),
    "an email's subject": lambda cases, world, of: cases.emails.patch(
        world.owner_id, of.email, EmailPatch(subject="Another")
    ),
    "a campaign": lambda cases, world, of: cases.campaigns.create(world.owner_id, of.new()),
    "a campaign paused": lambda cases, world, of: cases.campaigns.pause(
        world.owner_id, of.campaign
    ),
    "a campaign cancelled": lambda cases, world, of: cases.campaigns.cancel(
        world.owner_id, of.campaign
    ),
    "a sender paused": lambda cases, world, of: world.execute(
        "UPDATE senders SET state = 'paused' WHERE id = $1", of.sender
    ),
    "other preferences": lambda cases, world, _: world.execute(
        "UPDATE users SET theme = 'dark' WHERE id = $1", world.owner_id
    ),
    "a lane that sleeps": lambda cases, world, _: world.execute(
        "UPDATE lanes SET held_by = 'host_resting', wake_at = now() + interval '1 hour'"
    ),
}


@pytest.mark.parametrize("deed", DEEDS)
async def test_what_others_do_shows_with_the_next_look(
    page: httpx2.AsyncClient, cases: UseCases, waiting: World, looks: None, deed: str
) -> None:
    """Over the API, the command line, another process."""
    things = await Things.of(waiting)
    tab = Tab(page)
    assert [await tab.ask(), await tab.ask()] == [200, 304]
    await DEEDS[deed](cases, waiting, things)
    assert await tab.ask() == 200


async def test_that_somebody_was_seen_changes_nothing_that_they_see(
    page: httpx2.AsyncClient, waiting: World, looks: None
) -> None:
    """It is noted once a minute, by what is made anew once a minute."""
    tab = Tab(page)
    await tab.ask()
    await waiting.execute("UPDATE users SET seen_at = clock_timestamp()")
    await waiting.execute("UPDATE sessions SET seen_at = clock_timestamp()")
    assert await tab.ask() == 304


async def test_another_zone_is_another_answer(
    page: httpx2.AsyncClient, waiting: World, looks: None
) -> None:
    berlin, tokyo = Tab(page), Tab(page)
    await berlin.ask()
    page.cookies.delete("zone")
    page.cookies.set("zone", "Asia/Tokyo", domain=COOKIE_DOMAIN)
    tokyo.tag = berlin.tag
    assert await tokyo.ask() == 200
    assert "Asia/Tokyo" in tokyo.shows


async def test_a_test_of_a_sender_counts_at_once(
    page: httpx2.AsyncClient, world: World, looks: None
) -> None:
    """It is counted in Redis alone."""
    sender = await world.sender(hourly_limit=10)
    await world.emails(sender, None, 1, due_in=timedelta(days=1))
    tab = Tab(page)
    await tab.ask()
    assert "0 of 10" in tab.shows
    await page.post(f"/senders/{sender}/test", data={"to": "me@example.org"})
    await tab.ask()
    assert "1 of 10" in tab.shows


async def test_what_is_on_its_way_is_looked_at_again_and_again(
    page: httpx2.AsyncClient, waiting: World, looks: None
) -> None:
    await waiting.execute(
        "UPDATE email_jobs SET state = 'sending', attempt = 1, worker_run = gen_random_uuid(),"
        " lease_until = now() + interval '1 minute'"
    )
    tab = Tab(page)
    assert [await tab.ask() for _ in range(3)] == [200, 200, 200]


async def test_however_much_is_sent_an_answer_holds_for_a_while_unless_somebody_decides(
    page: httpx2.AsyncClient,
    cases: UseCases,
    waiting: World,
    looks: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    things = await Things.of(waiting)
    monkeypatch.setattr("paceline.web.kept.MOVING", timedelta(hours=1))
    tab = Tab(page)
    await tab.ask()
    sent = "UPDATE email_jobs SET state = 'sent', sent_at = now() WHERE email_id = $1"
    await waiting.execute(sent, things.email)
    assert await tab.ask() == 304
    await cases.campaigns.pause(waiting.owner_id, things.campaign)
    assert await tab.ask() == 200


async def test_the_days_chart_holds_longer_than_what_pages_ask_more_often(
    page: httpx2.AsyncClient, waiting: World, looks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paceline.web.kept.MOVING", timedelta(minutes=1))
    live, chart = Tab(page), Tab(page, "/dashboard/day")
    for tab in (live, chart):
        await tab.ask()
    await waiting.execute("UPDATE email_jobs SET state = 'sent', sent_at = now()")
    begun = clock.now()
    for minutes, of_live, of_chart in ((0.5, 304, 304), (2, 200, 304), (5, 200, 200)):
        now = begun + timedelta(minutes=minutes)
        monkeypatch.setattr("paceline.clock.now", lambda now=now: now)
        assert (await live.ask(), await chart.ask()) == (of_live, of_chart), minutes


async def test_the_sidebar_comes_along_unless_it_has_notices_to_tell(
    page: httpx2.AsyncClient, waiting: World, looks: None
) -> None:
    """Which it tells itself, also while the tab is hidden."""
    for page_path, path in (("/", "/dashboard/now"), ("/emails?tab=sent", "/emails/rows?tab=sent")):
        assert "data-brings-nav" in (await page.get(page_path)).text
        tab = Tab(page, path)
        await tab.ask()
        (along,) = re.findall(r'<hx-partial hx-target="#nav".*?</hx-partial>', tab.shows, re.DOTALL)
        assert f'href="{page_path}" aria-current="page"' in along
    await waiting.execute("UPDATE users SET notices = '{finished}'")
    await tab.ask()
    assert "#nav" not in tab.shows
    assert "data-brings-nav" not in (await page.get("/")).text


async def test_a_worker_that_is_gone_is_told_of(
    page: httpx2.AsyncClient, world: World, worker: Driver, looks: None
) -> None:
    await world.emails(await world.sender(), None, ["ada@example.org"])
    tab = Tab(page)
    await tab.ask()
    await sign_off(worker)
    assert await tab.ask() == 200
    assert "no worker" in tab.shows.lower()


@pytest.mark.parametrize("path", ["/queue/rows", "/inbox/rows", "/emails"])
async def test_what_no_route_marks_is_never_kept(
    admin_page: httpx2.AsyncClient, waiting: World, looks: None, path: str
) -> None:
    tab = Tab(admin_page, path)
    assert [await tab.ask(), await tab.ask()] == [200, 200]
    assert tab.tag == NOTHING


async def test_a_question_without_a_tag_is_answered_anew(
    page: httpx2.AsyncClient, waiting: World
) -> None:
    answer = await page.get("/dashboard/now", headers=FRAGMENT)
    assert answer.status_code == 200
    assert "ETag" not in answer.headers


async def test_nothing_of_it_may_be_stored_on_the_way(
    page: httpx2.AsyncClient, waiting: World, looks: None
) -> None:
    tab = Tab(page)
    await tab.ask()
    for tag in (NOTHING, tab.tag):
        answer = await page.get(tab.path, headers=FRAGMENT | {"If-None-Match": tag})
        assert answer.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
