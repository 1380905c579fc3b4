"""Signing in by a provider: one that is honest, and one that misbehaves in every way we know."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from paceline import clock
from paceline.auth.admission import Admission
from paceline.auth.avatars import Avatars
from paceline.auth.oidc import Provider as OurSide
from paceline.auth.oidc import ProviderSignIn, transport
from paceline.auth.oidc import provider as oidc_provider
from paceline.auth.oidc.provider import Metadata
from paceline.auth.oidc.transactions import Transactions
from paceline.auth.refusals import ProviderUnreachable
from paceline.auth.secretbox import SecretBox
from paceline.auth.sessions import Sessions
from paceline.auth.sign_in import SignInLinks
from paceline.auth.users import Users
from paceline.bootstrap.readiness import answers
from paceline.bootstrap.use_cases import UseCases
from paceline.errors import OperationalError
from paceline.limits import Buckets
from paceline.services.request_rates import RequestRates
from paceline.settings import ProviderSettings
from paceline.settings.shares import ShareSettings
from paceline.web import Parts, create_web
from tests.integration.web.conftest import BASE_URL, browser, words
from tests.providers import CLIENT_ID, CLIENT_SECRET, PICTURE, Provider
from tests.world import SECRET_KEY, World

EVERYBODY = Admission(allowed_domains=frozenset({"example.com"}), only_this_machine=False)


def with_provider(
    parts: Parts,
    cases: UseCases,
    issuer: str,
    admission: Admission = EVERYBODY,
    **settings: Any,
) -> Parts:
    """The pages of one process that signs people in by this issuer."""
    given = ProviderSettings(
        **{"issuer": issuer, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **settings}
    )
    avatars = Avatars(cases.database, allow_private_hosts=True)
    return replace(
        parts,
        sessions=Sessions(cases.database, admission),
        links=SignInLinks(cases.database, admission),
        avatars=avatars,
        provider_sign_in=ProviderSignIn(
            cases.database,
            OurSide(given, redirect_uri=BASE_URL + "/auth/callback"),
            Transactions(SecretBox(SECRET_KEY)),
            admission,
            avatars,
        ),
    )


@pytest.fixture
def pages(parts: Parts, cases: UseCases, provider: Provider) -> Parts:
    return with_provider(parts, cases, provider.url)


@pytest.fixture
async def visitor(pages: Parts) -> AsyncIterator[httpx2.AsyncClient]:
    async with browser(pages) as client:
        yield client


async def answer_of(client: httpx2.AsyncClient, start: str = "/auth/start") -> str:
    """Where the provider sends the browser back to."""
    left = await client.get(start)
    assert left.status_code == 303, words(left.text)
    async with httpx2.AsyncClient() as elsewhere:
        answered = await elsewhere.get(left.headers["Location"])
    return answered.headers["Location"].removeprefix(BASE_URL)


async def sign_in(client: httpx2.AsyncClient, start: str = "/auth/start") -> httpx2.Response:
    return await client.get(await answer_of(client, start))


async def is_in(client: httpx2.AsyncClient) -> bool:
    return (await client.get("/account")).status_code == 200


async def test_whoever_signs_in_comes_to_the_page_that_was_asked_for(
    visitor: httpx2.AsyncClient, provider: Provider
) -> None:
    asked_for = await visitor.get("/campaigns?cursor=x")
    login = await visitor.get(asked_for.headers["Location"])
    assert 'href="/auth/start?next=%2Fcampaigns%3Fcursor%3Dx"' in login.text
    done = await sign_in(visitor, "/auth/start?next=%2Fcampaigns%3Fcursor%3Dx")
    assert done.status_code == 303
    assert done.headers["Location"] == "/campaigns?cursor=x"
    account = words((await visitor.get("/account")).text)
    assert "Ada Lovelace" in account
    assert "ada@example.com" in account


async def test_only_what_fails_is_counted_of_an_address(pages: Parts, redis_url: str) -> None:
    buckets = Buckets(redis_url)
    rates = RequestRates(buckets, ShareSettings(requests_per_minute=1_000, strangers_per_minute=1))
    pages = replace(pages, rates=rates)
    async with browser(pages) as stranger:
        failed = [await stranger.get("/auth/callback?state=x&code=y") for _ in range(4)]
    async with browser(pages) as client:
        done = await sign_in(client)
    await buckets.close()
    assert failed[-1].status_code == 429
    assert done.status_code == 303


async def test_the_request_carries_state_nonce_and_pkce(
    visitor: httpx2.AsyncClient, provider: Provider
) -> None:
    await answer_of(visitor)
    asked = provider.asked
    assert asked["response_type"] == "code"
    assert asked["client_id"] == CLIENT_ID
    assert asked["redirect_uri"] == BASE_URL + "/auth/callback"
    assert asked["scope"] == "openid email profile"
    assert asked["code_challenge_method"] == "S256"
    assert "prompt" not in asked  # this provider does not say that it knows it
    first = (asked["state"], asked["nonce"], asked["code_challenge"])
    assert len(set(first)) == 3
    await answer_of(visitor)
    assert not set(first) & {provider.asked["state"], provider.asked["nonce"]}


# Each with the words of the log: it is refused for this, and for nothing else.
FAULTS = {
    "alg none": "signature does not hold",
    "alg HS256 with the public key": "Algorithm of 'HS256' is not allowed",
    "signed by another key": "signature does not hold",
    "signed by an unknown key": "signed by an unknown key",
    "signature changed": "signature does not hold",
    "foreign audience": "it is not for us",
    "foreign audience with our azp": "it is not for us",
    "another audience beside us": "it is not for us",
    "authorised party is another": "it was given to somebody else",
    "wrong issuer": "its issuer is 'https://accounts.example'",
    "wrong nonce": "it answers another request",
    "no nonce": "it answers another request",
    "expired": "it has expired",
    "no expiry": "it says not when",
    "issued in the future": "it was issued in the future",
    "not good yet": "it is not good yet",
    "no subject": "it says of nobody",
    "an empty subject": "it says of nobody",
    "wrong at_hash": "its access token is another one",
    "no ID token": "there is none",
    "userinfo of somebody else": "userinfo is about somebody else",
    "the answer is another provider's": "the answer is from 'https://accounts.example'",
    "the answer does not say whose it is": "the answer is from None",
    "no code": "the provider sent no code",
}


async def test_an_answer_with_any_fault_signs_nobody_in(
    visitor: httpx2.AsyncClient, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    for fault, reason in FAULTS.items():
        provider.reset(fault)
        caplog.clear()
        refused = await sign_in(visitor)
        assert refused.status_code == 403, fault
        assert "The answer could not be verified" in words(refused.text), fault
        assert "paceline-session" not in visitor.cookies, fault
        assert reason in caplog.text, fault
        assert "ada" not in caplog.text, fault
    provider.reset()
    assert (await sign_in(visitor)).status_code == 303


async def test_what_is_well_within_the_rules_is_accepted(
    visitor: httpx2.AsyncClient, provider: Provider
) -> None:
    for mode in (
        "",
        "clock a little ahead",
        "clock a little behind",
        "right at_hash",
        "signed by a new key",
    ):
        provider.reset(mode)
        assert (await sign_in(visitor)).status_code == 303, mode


async def test_keys_are_asked_for_once_and_again_only_for_one_that_is_not_known(
    visitor: httpx2.AsyncClient, provider: Provider
) -> None:
    for _ in range(3):
        await sign_in(visitor)
    assert provider.fetched == ["/.well-known/openid-configuration", "/keys"]
    provider.reset("signed by an unknown key")
    for _ in range(3):
        await sign_in(visitor)
    assert provider.fetched == ["/keys"]  # not for each name that somebody makes up


async def test_what_went_wrong_is_told_with_what_to_do(
    visitor: httpx2.AsyncClient, provider: Provider
) -> None:
    for mode, status, told in (
        ("no email", 403, "told us no email address"),
        ("unverified email", 403, "Your address is not verified"),
        ("email verified in words", 403, "Your address is not verified"),
        ("error=access_denied", 400, "You cancelled at 127.0.0.1"),
        ("error=server_error", 502, "127.0.0.1 reports an error"),
        ("error=invalid_request", 502, "http://localhost:3001/auth/callback"),
        ("client is not known", 502, "the client id, the client secret"),
        ("token endpoint is broken", 503, "127.0.0.1 does not answer"),
        ("token endpoint is no JSON", 503, "127.0.0.1 does not answer"),
    ):
        provider.reset(mode)
        if mode == "no email":
            provider.person["email"] = None  # nor at userinfo
        answer = await sign_in(visitor, "/auth/start?next=/senders")
        assert answer.status_code == status, mode
        assert "/auth/start?next=%2Fsenders" in answer.text, mode  # to try again by
        assert told in words(answer.text), mode
        assert "paceline-session" not in visitor.cookies, mode


async def test_a_verdict_on_one_address_is_none_on_another(
    visitor: httpx2.AsyncClient, provider: Provider
) -> None:
    provider.reset("userinfo verifies another address", email="boss@example.com")
    await sign_in(visitor)
    account = words((await visitor.get("/account")).text)
    assert "own@example.com" in account
    assert "boss@example.com" not in account


async def test_a_provider_that_cannot_be_used_is_told_before_anybody_leaves(
    parts: Parts, cases: UseCases, provider: Provider
) -> None:
    for mode, status in (
        ("discovery redirects", 503),
        ("discovery is enormous", 503),
        ("discovery is no JSON", 503),
        ("metadata of another issuer", 502),
    ):
        provider.reset(mode)
        async with browser(with_provider(parts, cases, provider.url)) as client:
            answer = await client.get("/auth/start?next=/senders")
        assert answer.status_code == status, mode
        assert "/auth/start?next=%2Fsenders" in answer.text, mode  # to try again by


async def test_while_the_provider_is_down_whoever_is_in_stays_in(
    parts: Parts, cases: UseCases, pages: Parts, visitor: httpx2.AsyncClient
) -> None:
    await sign_in(visitor)
    with socket.socket() as nobody:  # bound, and not listening
        nobody.bind(("127.0.0.1", 0))
        down = with_provider(parts, cases, f"http://127.0.0.1:{nobody.getsockname()[1]}")
        async with browser(down) as client:
            client.cookies = visitor.cookies
            assert await is_in(client)
            refused = await client.get("/auth/start")
    assert refused.status_code == 503
    assert "does not answer" in words(refused.text)


@asynccontextmanager
async def silent_issuer() -> AsyncIterator[tuple[str, list[asyncio.StreamWriter]]]:
    """It takes connections and says nothing; its address, and the connections."""
    come: list[asyncio.StreamWriter] = []

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        come.append(writer)

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", come
        for writer in come:
            writer.close()


async def test_a_silent_provider_is_waited_for_once_and_by_nobody_who_did_not_ask_for_it(
    parts: Parts, cases: UseCases, visitor: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_in(visitor)
    monkeypatch.setattr(oidc_provider, "ASKED_AGAIN_SECONDS", 60)
    async with silent_issuer() as (issuer, come):
        pages = with_provider(parts, cases, issuer)
        assert pages.provider_sign_in is not None
        ours = pages.provider_sign_in.provider
        app = create_web(pages)
        async with browser(pages, app) as client, browser(pages, app) as signed_in:
            signed_in.cookies = visitor.cookies
            pressed = [asyncio.create_task(client.get("/auth/start")) for _ in range(20)]
            while not come:
                await asyncio.sleep(0)
            assert (await client.get("/login")).status_code == 200
            assert await is_in(signed_in)
            assert not any(task.done() for task in pressed)
            pressed.pop().cancel()  # who leaves takes nobody else's answer along
            come[0].close()
            refused = await asyncio.gather(*pressed)
            refused += [await client.get("/auth/start") for _ in range(5)]
            assert len(come) == 1
            monkeypatch.setattr(oidc_provider, "ASKED_AGAIN_SECONDS", 0)
            monkeypatch.setattr(transport, "TIMEOUT_SECONDS", 0.5)
            refused.append(await client.get("/auth/start"))
            assert len(come) == 2
    for answer in refused:
        assert answer.status_code == 503
        assert "does not answer" in words(answer.text)
    with pytest.raises(OperationalError, match="the provider does not answer"):
        await answers(ours)()


async def test_codes_that_anybody_brings_take_up_so_many_connections_and_no_more(
    parts: Parts, cases: UseCases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc_provider, "MAX_EXCHANGES", 2)
    async with silent_issuer() as (issuer, come):
        sign_in = with_provider(parts, cases, issuer).provider_sign_in
        assert sign_in is not None
        ours = sign_in.provider
        known = Metadata(
            issuer=issuer,
            authorization_endpoint=issuer,
            token_endpoint=issuer,
            jwks_uri=issuer,
            userinfo_endpoint=None,
            names_itself=False,
            offers_choice=False,
        )
        ours._metadata = (clock.boottime(), known)
        asking = [asyncio.create_task(ours.tokens("code", verifier="v")) for _ in range(2)]
        while len(come) < 2:
            await asyncio.sleep(0)
        with pytest.raises(ProviderUnreachable, match="too many"):
            await ours.tokens("code", verifier="v")
        assert not any(task.done() for task in asking)
        for writer in come:
            writer.close()
        await asyncio.wait(asking)
        assert all(isinstance(task.exception(), ProviderUnreachable) for task in asking)
        again = asyncio.create_task(ours.tokens("code", verifier="v"))
        while len(come) < 3:
            await asyncio.sleep(0)
        come[2].close()
        await asyncio.wait([again])
        assert isinstance(again.exception(), ProviderUnreachable)


async def test_a_provider_that_answers_again_is_asked_again(
    pages: Parts, visitor: httpx2.AsyncClient, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.reset("discovery is no JSON")
    assert (await visitor.get("/auth/start")).status_code == 503
    provider.reset()
    assert (await visitor.get("/auth/start")).status_code == 503  # a moment ago it could not
    monkeypatch.setattr(oidc_provider, "ASKED_AGAIN_SECONDS", 0)
    assert (await sign_in(visitor)).status_code == 303
    assert pages.provider_sign_in is not None
    await answers(pages.provider_sign_in.provider)()


async def test_claims_that_are_only_at_userinfo_are_fetched_there(
    visitor: httpx2.AsyncClient, provider: Provider
) -> None:
    provider.reset("claims at userinfo only")
    assert (await sign_in(visitor)).status_code == 303
    assert "/userinfo" in provider.fetched
    assert "Ada Lovelace" in words((await visitor.get("/account")).text)


async def test_an_answer_counts_once_and_only_in_the_browser_that_left_for_it(
    visitor: httpx2.AsyncClient, pages: Parts
) -> None:
    answer = await answer_of(visitor)
    kept = dict(visitor.cookies)
    async with browser(pages) as somebody_else:
        stolen = await somebody_else.get(answer)
        assert stolen.status_code == 400
        assert "That sign-in is over" in words(stolen.text)
    assert (await visitor.get(answer)).status_code == 303
    assert (await visitor.get(answer)).status_code == 400  # Back, and Forward again
    async with browser(pages) as replaying:
        for name, value in kept.items():
            replaying.cookies.set(name, value, domain="localhost.local")
        replayed = await replaying.get(answer)  # the cookie, too: the provider gives nothing twice
        assert replayed.status_code == 400
        assert not await is_in(replaying)


async def test_an_answer_with_another_state_or_twice_the_same_is_refused(
    visitor: httpx2.AsyncClient,
) -> None:
    answer = await answer_of(visitor)
    state = parse_qs(urlsplit(answer).query)["state"][0]
    changed = await visitor.get(answer.replace(state, state[:-1] + "x"))
    assert changed.status_code == 400
    assert (await visitor.get(answer + "&code=another")).status_code == 403
    assert (await visitor.get("/auth/callback")).status_code == 400
    assert not await is_in(visitor)


async def test_two_tabs_may_leave_and_both_come_back(visitor: httpx2.AsyncClient) -> None:
    first = await answer_of(visitor, "/auth/start?next=/senders")
    second = await answer_of(visitor, "/auth/start?next=/campaigns")
    assert (await visitor.get(first)).headers["Location"] == "/senders"
    assert (await visitor.get(second)).headers["Location"] == "/campaigns"


async def test_what_was_left_behind_in_the_browser_stays_bounded(
    visitor: httpx2.AsyncClient,
) -> None:
    for _ in range(8):
        await visitor.get("/auth/start")
    assert sum(name.startswith("paceline-sign-in-") for name in visitor.cookies) <= 4
    assert (await sign_in(visitor)).status_code == 303


async def test_another_process_finishes_what_this_one_began(
    visitor: httpx2.AsyncClient, parts: Parts, cases: UseCases, provider: Provider
) -> None:
    answer = await answer_of(visitor)
    async with browser(with_provider(parts, cases, provider.url)) as elsewhere:
        elsewhere.cookies = visitor.cookies
        assert (await elsewhere.get(answer)).status_code == 303


async def test_nobody_is_led_to_another_site(visitor: httpx2.AsyncClient) -> None:
    for path in ("https://evil.test/", "//evil.test", "/\\evil.test", "evil.test", "/\n/evil.test"):
        answer = await answer_of(visitor, str(httpx2.URL("/auth/start", params={"next": path})))
        assert (await visitor.get(answer)).headers["Location"] == "/", path


async def test_the_sign_in_is_begun_where_the_provider_leads_back_to(pages: Parts) -> None:
    async with browser(pages) as client:
        response = await client.get("http://127.0.0.1:3001/auth/start?next=/senders")
    assert response.headers["Location"] == "http://localhost:3001/auth/start?next=/senders"


async def test_signing_in_ends_the_session_that_was_there_before(
    visitor: httpx2.AsyncClient, pages: Parts
) -> None:
    await sign_in(visitor)
    before = visitor.cookies["paceline-session"]
    await sign_in(visitor)
    assert visitor.cookies["paceline-session"] != before
    assert await pages.sessions.resolve(before) is None


async def test_an_account_is_its_subjects_whoever_has_the_address(
    visitor: httpx2.AsyncClient, provider: Provider, pages: Parts
) -> None:
    async def user_id() -> object:
        await sign_in(visitor)
        resolved = await pages.sessions.resolve(visitor.cookies["paceline-session"])
        assert resolved is not None
        return resolved[0].user_id

    ada = await user_id()
    provider.reset(email="countess@example.com", name="Countess")
    assert await user_id() == ada
    assert "countess@example.com" in words((await visitor.get("/account")).text)
    provider.reset(sub="grace", email="ada@example.com")
    assert await user_id() != ada


async def test_only_the_allowed_domains_are_let_in_and_only_admins_administer(
    parts: Parts, cases: UseCases, provider: Provider
) -> None:
    rules = replace(EVERYBODY, admins=frozenset({"boss@elsewhere.org"}))
    async with browser(with_provider(parts, cases, provider.url, rules)) as client:
        provider.reset(sub="eve", email="eve@elsewhere.org")
        refused = await sign_in(client)
        assert refused.status_code == 403
        assert "eve@elsewhere.org is outside the organisations" in words(refused.text)
        provider.reset(sub="boss", email="Boss@elsewhere.org")
        assert (await sign_in(client)).status_code == 303
        assert (await client.get("/inbox")).status_code == 200
        provider.reset()
        assert (await sign_in(client)).status_code == 303
        assert (await client.get("/inbox")).status_code == 403


async def test_a_rule_that_is_tightened_ends_sessions_and_keys_that_it_excludes(
    parts: Parts, cases: UseCases, provider: Provider, visitor: httpx2.AsyncClient
) -> None:
    await sign_in(visitor)
    assert await is_in(visitor)
    rules = Admission(allowed_domains=frozenset({"example.org"}), only_this_machine=False)
    async with browser(with_provider(parts, cases, provider.url, rules)) as client:
        client.cookies = visitor.cookies
        assert not await is_in(client)


async def test_without_any_rule_nobody_is_let_in_where_others_can_reach_it(
    parts: Parts, cases: UseCases, provider: Provider
) -> None:
    rules = Admission(only_this_machine=False)
    async with browser(with_provider(parts, cases, provider.url, rules)) as client:
        refused = await sign_in(client)
    assert refused.status_code == 403
    assert "addresses in ADMINS" in words(refused.text)


async def test_on_a_machine_of_ones_own_the_first_to_sign_in_owns_it_and_the_next_does_not(
    parts: Parts, cases: UseCases, provider: Provider
) -> None:
    owner = await Users(cases.database).local_owner()
    alone = with_provider(parts, cases, provider.url, Admission())
    async with browser(alone) as client:
        await sign_in(client)
        resolved = await alone.sessions.resolve(client.cookies["paceline-session"])
        assert resolved is not None
        assert resolved[0].user_id == owner.user_id
        assert (resolved[0].name, resolved[0].email) == ("Ada Lovelace", "ada@example.com")
        provider.reset(sub="guest", email="guest@example.com")
        await sign_in(client)
        resolved = await alone.sessions.resolve(client.cookies["paceline-session"])
        assert resolved is not None
        assert resolved[0].user_id != owner.user_id
        assert not resolved[0].is_admin


async def test_whoever_signs_in_first_does_not_take_the_place_of_an_owner_with_another_address(
    parts: Parts, cases: UseCases, provider: Provider
) -> None:
    users = Users(cases.database)
    owner = await users.name_owner("owner@example.com")
    assert owner.user_id == (await users.local_owner()).user_id
    alone = with_provider(parts, cases, provider.url, Admission())
    for email, is_owner in (("ada@example.com", False), ("Owner@example.com", True)):
        provider.reset(sub=email, email=email)
        async with browser(alone) as client:
            await sign_in(client)
            resolved = await alone.sessions.resolve(client.cookies["paceline-session"])
        assert resolved is not None
        assert (resolved[0].user_id == owner.user_id, resolved[0].is_admin) == (is_owner, is_owner)


async def test_a_rule_that_names_administrators_keeps_others_from_owning_it(
    parts: Parts, cases: UseCases, provider: Provider
) -> None:
    owner = await Users(cases.database).local_owner()
    rules = Admission(
        admins=frozenset({"boss@example.com"}), allowed_domains=frozenset({"example.com"})
    )
    pages = with_provider(parts, cases, provider.url, rules)
    async with browser(pages) as client:
        for email, owns in (("ada@example.com", False), ("boss@example.com", True)):
            provider.reset(sub=email, email=email)
            await sign_in(client)
            resolved = await pages.sessions.resolve(client.cookies["paceline-session"])
            assert resolved is not None
            assert (resolved[0].user_id == owner.user_id) is owns
            assert resolved[0].is_admin is owns


async def test_somebody_who_signs_in_by_two_tabs_at_once_is_one_user(
    parts: Parts, cases: UseCases, provider: Provider, world: World
) -> None:
    owner = await Users(cases.database).local_owner()
    alone = with_provider(parts, cases, provider.url, Admission())
    async with browser(alone) as client:
        answers = [await answer_of(client), await answer_of(client)]
        async with world.database.driver() as other, other.transaction():
            await other.execute("SELECT 1 FROM users FOR UPDATE")
            both = [asyncio.ensure_future(client.get(answer)) for answer in answers]
            await world.until_blocked(2)
        assert [done.status_code for done in await asyncio.gather(*both)] == [303, 303]
    [known] = await world.fetch("SELECT user_id FROM connected_identities")
    assert known["user_id"] == owner.user_id
    assert await world.fetchval("SELECT count(*) FROM users WHERE subject = 'ada'") == 0


async def test_whoever_was_invited_connects_an_account_to_come_back_by(
    parts: Parts, cases: UseCases, provider: Provider
) -> None:
    pages = with_provider(parts, cases, provider.url)
    token = await pages.links.invite("bob@example.com")
    async with browser(pages) as client:
        assert "invited" in (await client.get(f"/auth/invitation?token={token}")).text
        assert (await client.post("/auth/link", data={"token": token})).status_code == 303
        provider.reset(sub="bob", email="bob@example.com", name="Bob")
        page = await client.get("/account")
        assert "Connect 127.0.0.1" in words(page.text)
        forged = await client.get(
            "/auth/start?connect=yes", headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert forged.status_code == 403
        done = await sign_in(client, "/auth/start?connect=yes")
        assert done.headers["Location"] == "/account"
        assert "Connect 127.0.0.1" not in words((await client.get("/account")).text)
    async with browser(pages) as client:
        await sign_in(client)
        assert "bob@example.com" in words((await client.get("/account")).text)
        # What is Bob's cannot become somebody else's.
        other = await pages.links.invite("eve@example.com")
        await client.post("/auth/link", data={"token": other})
        taken = await sign_in(client, "/auth/start?connect=yes")
        assert taken.status_code == 409
        assert "somebody else" in words(taken.text)


async def test_the_picture_is_kept_here_and_served_by_us(
    visitor: httpx2.AsyncClient, provider: Provider
) -> None:
    provider.reset(picture=f"{provider.url}/picture")
    await sign_in(visitor)
    page = await visitor.get("/")
    assert "/account/picture?v=" in page.text
    assert provider.url not in page.text
    picture = await visitor.get("/account/picture")
    assert picture.content == PICTURE
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    await sign_in(visitor)
    assert provider.fetched.count("/picture") == 1
    provider.reset()  # no picture any more
    await sign_in(visitor)
    assert (await visitor.get("/account/picture")).status_code == 404


async def test_a_picture_that_is_none_leaves_the_initials(
    visitor: httpx2.AsyncClient, provider: Provider
) -> None:
    for mode in ("picture redirects", "picture is a page", "picture is enormous"):
        provider.reset(mode, picture=f"{provider.url}/picture")
        assert (await sign_in(visitor)).status_code == 303, mode
        assert "AL" in words((await visitor.get("/account")).text), mode
        assert (await visitor.get("/account/picture")).status_code == 404, mode


async def test_a_picture_is_not_fetched_from_our_own_network(
    cases: UseCases, provider: Provider
) -> None:
    owner = (await Users(cases.database).local_owner()).user_id
    strict = Avatars(cases.database)
    port = urlsplit(provider.url).port
    for url in (
        f"{provider.url}/picture",
        f"https://127.0.0.1:{port}/picture",
        "https://127.0.0.1/picture",
        "https://localhost/picture",
        "https://[::ffff:127.0.0.1]/picture",
        "https://169.254.169.254/latest",
        "file:///etc/passwd",
        "https://",
        "https://x" + "x" * 3000,
    ):
        await strict.refresh(owner, url)
        assert await strict.of(owner) is None, url
    assert provider.fetched == []


async def posted(client: httpx2.AsyncClient, token: str, **changes: str) -> httpx2.Response:
    """What Google's script does: its own check in a cookie and in the form, beside the token."""
    client.cookies.set("g_csrf_token", "double", domain="localhost.local")
    form = {"credential": token, "g_csrf_token": "double"} | changes
    return await client.post("/auth/google", data=form)


async def nonce_of(client: httpx2.AsyncClient) -> str:
    page = await client.get("/login?next=/senders")
    found = re.search(r'data-nonce="([^"]+)"', page.text)
    assert found
    return found[1]


async def test_googles_button_signs_in_by_the_token_that_it_posts(
    parts: Parts, cases: UseCases, provider: Provider
) -> None:
    options = {"client_secret": None, "redirects": False, "button": True}
    async with browser(with_provider(parts, cases, provider.url, **options)) as client:
        assert (await client.get("/auth/start")).status_code == 404
        token = provider.id_token(await nonce_of(client))
        assert (await posted(client, token, g_csrf_token="guessed")).status_code == 403
        client.headers["Sec-Fetch-Site"] = "cross-site"
        assert (await posted(client, token)).status_code == 403
        client.headers["Sec-Fetch-Site"] = "same-origin"
        kept = client.cookies["paceline-google-button"]
        done = await posted(client, token)
        assert done.headers["Location"] == "/senders"
        assert await is_in(client)
        client.cookies.set("paceline-google-button", kept, domain="localhost.local")
        assert (await posted(client, token)).status_code == 400  # played again


async def test_googles_button_is_held_to_the_same_rules(
    parts: Parts, cases: UseCases, provider: Provider
) -> None:
    options = {"client_secret": None, "redirects": False, "button": True}
    async with browser(with_provider(parts, cases, provider.url, **options)) as client:
        for mode in ("alg none", "foreign audience", "wrong issuer", "expired", "wrong nonce"):
            provider.reset(mode)
            token = provider.id_token(await nonce_of(client))
            refused = await posted(client, token)
            assert refused.status_code == 403, mode
            assert token not in refused.text
        provider.reset()
        stale = await posted(client, provider.id_token("made for another browser"))
        assert stale.status_code == 403
        client.cookies.delete("paceline-google-button")
        assert (await posted(client, provider.id_token("n"))).status_code == 400
        assert not await is_in(client)


async def test_only_the_page_with_googles_button_lets_googles_script_in(
    parts: Parts, cases: UseCases, provider: Provider, visitor: httpx2.AsyncClient
) -> None:
    plain = await visitor.get("/login")
    assert "google" not in plain.headers["Content-Security-Policy"]
    assert plain.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    options = {"client_secret": None, "redirects": False, "button": True}
    async with browser(with_provider(parts, cases, provider.url, **options)) as client:
        page = await client.get("/login")
        policy = page.headers["Content-Security-Policy"]
        assert "script-src 'self' https://accounts.google.com/gsi/client;" in policy
        assert "form-action 'self';" in policy
        assert "Google's button has not come" in words(page.text)
        assert page.headers.get_list("Cross-Origin-Opener-Policy") == ["same-origin-allow-popups"]
        other = await client.get("/auth/link?token=x")
        assert "google" not in other.headers["Content-Security-Policy"]


async def test_a_refused_sign_in_is_written_down_where_the_provider_named_somebody(
    parts: Parts, cases: UseCases, provider: Provider, world: World
) -> None:
    async with browser(with_provider(parts, cases, provider.url)) as client:
        provider.reset(sub="eve", email="eve@elsewhere.org")
        assert (await sign_in(client)).status_code == 403
        assert (await client.get("/auth/callback?state=x&code=y")).status_code == 400
        provider.reset(sub="ada", email="ada@example.com")
        assert (await sign_in(client)).status_code == 303
        await world.execute("UPDATE users SET disabled_at = now() WHERE subject = 'ada'")
        refused = await sign_in(client)
        assert "This account was closed" in words(refused.text)
    written = await world.fetch(
        "SELECT subject, detail->>'why' AS why, owner_id FROM audit_log "
        "WHERE action = 'sign_in.refused' ORDER BY id"
    )
    assert written == [
        {"subject": "eve@elsewhere.org", "why": "domain", "owner_id": None},
        {"subject": "ada@example.com", "why": "disabled", "owner_id": None},
    ]
