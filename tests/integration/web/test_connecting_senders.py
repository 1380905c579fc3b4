"""Senders connected by consent: left for, come back, and refused in every way that we know."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from paceline.auth.oidc import Provider as OurSide
from paceline.auth.secretbox import SecretBox
from paceline.services.sender_consents import SenderConsents
from paceline.services.senders import HostPolicy
from paceline.settings import GOOGLE_ISSUER, ProviderSettings
from paceline.web import Parts
from tests.integration.delivery.sink import Sink
from tests.integration.web.conftest import BASE_URL, browser, sign_in, words
from tests.integration.web.test_sender_pages import NEW
from tests.providers import CLIENT_ID, CLIENT_SECRET, Provider
from tests.world import SECRET_KEY, World

CALLBACK = f"{BASE_URL}/senders/connected"
TYPED = {
    **NEW,
    "name": "Ada's own",
    "smtp_username": "ada@example.com",
    "smtp_password": "",
    "smtp_port": "1",
    "hourly_limit": "77",
}


def known_at(
    parts: Parts, issuer: str, *, secret: str | None = CLIENT_SECRET, private: bool = True
) -> Parts:
    """The pages of an installation that has a client at this issuer."""
    settings = ProviderSettings(issuer=issuer, client_id=CLIENT_ID, client_secret=secret)
    return replace(
        parts,
        sender_consents=SenderConsents(
            SecretBox(SECRET_KEY),
            HostPolicy(allow_private_hosts=private),
            redirect_uri=CALLBACK,
            provider=OurSide(settings, redirect_uri=BASE_URL + "/auth/callback"),
        ),
    )


@pytest.fixture
async def visitor(
    parts: Parts, provider: Provider, world: World
) -> AsyncIterator[httpx2.AsyncClient]:
    known = known_at(parts, provider.url)
    async with browser(known) as client:
        await sign_in(client, known, world)
        yield client


def way_out(left: httpx2.Response) -> str:
    """Where the page leads on to, by itself and by its link."""
    assert left.status_code == 200, words(left.text)
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', left.text)
    assert found, words(left.text)
    assert f'href="{found[1]}"' in left.text
    return unescape(found[1])


async def answer_of(left: httpx2.Response) -> str:
    """Where the provider sends the browser back to."""
    async with httpx2.AsyncClient() as elsewhere:
        answered = await elsewhere.get(way_out(left))
    return answered.headers["Location"].removeprefix(BASE_URL)


async def leave(
    client: httpx2.AsyncClient, sender: uuid.UUID | None = None, **fields: str
) -> httpx2.Response:
    path = f"/senders/{sender}/connect" if sender else "/senders/connect"
    return await client.post(path, data={**TYPED, **fields})


async def connect(
    client: httpx2.AsyncClient, sender: uuid.UUID | None = None, **fields: str
) -> httpx2.Response:
    return await client.get(await answer_of(await leave(client, sender, **fields)))


async def test_a_sender_is_added_with_what_was_typed_and_logs_in_by_the_consent(
    visitor: httpx2.AsyncClient, world: World
) -> None:
    async with Sink(extensions=("AUTH XOAUTH2",)) as sink:
        done = await connect(visitor, smtp_port=str(sink.port))
        assert done.status_code == 303, words(done.text)
        shown = words((await visitor.get(done.headers["Location"])).text)
        [said] = sink.heard("AUTH")
    assert "Connected, and can log in." in shown
    assert b"user=ada@example.com\x01auth=Bearer by-refresh-of-ada" in base64.b64decode(
        said.removeprefix("AUTH XOAUTH2 ")
    )
    [row] = await world.fetch("SELECT * FROM senders")
    assert (row["name"], row["hourly_limit"], row["smtp_auth"]) == ("Ada's own", 77, "xoauth2")
    assert row["smtp_password"] is None
    assert b"refresh-of-ada" not in row["smtp_grant"]


async def test_the_question_carries_state_nonce_pkce_and_who_is_meant(
    visitor: httpx2.AsyncClient, provider: Provider
) -> None:
    await answer_of(await leave(visitor))
    asked = provider.asked
    assert asked["redirect_uri"] == CALLBACK
    assert asked["scope"] == "openid email profile offline_access"
    assert (asked["prompt"], asked["login_hint"]) == ("consent", "ada@example.com")
    assert asked["code_challenge_method"] == "S256"
    first = (asked["state"], asked["nonce"], asked["code_challenge"])
    assert len(set(first)) == 3
    await answer_of(await leave(visitor))
    assert not set(first) & {provider.asked["state"], provider.asked["nonce"]}


async def test_a_sender_that_is_there_gets_the_consent_in_place_of_its_password(
    visitor: httpx2.AsyncClient, world: World
) -> None:
    made = await visitor.post("/senders", data={**TYPED, "smtp_password": "hunter2"})
    sender = uuid.UUID(made.headers["Location"].partition("#")[0].removeprefix("/senders/"))
    done = await connect(visitor, sender, name="Renamed on the way")
    assert done.headers["Location"] == f"/senders/{sender}#log-in"
    [row] = await world.fetch("SELECT name, smtp_auth, smtp_password FROM senders")
    assert row == {"name": "Renamed on the way", "smtp_auth": "xoauth2", "smtp_password": None}


async def test_a_sender_that_is_there_stays_as_it_is_where_the_consent_is_refused(
    visitor: httpx2.AsyncClient, provider: Provider, world: World
) -> None:
    made = await visitor.post("/senders", data={**TYPED, "smtp_password": "hunter2"})
    sender = uuid.UUID(made.headers["Location"].partition("#")[0].removeprefix("/senders/"))
    before = await world.fetch("SELECT * FROM senders")
    provider.reset("error=access_denied")
    back = await connect(visitor, sender, name="Renamed on the way")
    assert back.status_code == 422
    assert "Nothing was changed." in words(back.text)
    assert 'value="Renamed on the way"' in back.text
    assert f'formaction="/senders/{sender}/connect"' in back.text
    assert await world.fetch("SELECT * FROM senders") == before


async def test_what_cannot_be_stored_is_said_before_anybody_leaves(
    visitor: httpx2.AsyncClient, provider: Provider
) -> None:
    for field, text in (("from_address", "nobody"), ("hourly_limit", "0"), ("name", "x" * 300)):
        refused = await leave(visitor, **{field: text})
        assert refused.status_code == 422
        assert f'id="{field}-note" class="pl-note" data-tone="bad"' in refused.text
        assert 'value="77"' in refused.text or field == "hourly_limit"
    too_long = await leave(visitor, oauth_client_secret="s" * 4000)
    assert "is too long to be kept meanwhile" in words(too_long.text)


REFUSED = {
    "error=access_denied": "gave no access: you, or whoever administers the account, refused it",
    "error=server_error": "127.0.0.1 reports an error",
    "error=invalid_scope": "does not take this client",
    "client is not known": f"the redirect URI, which is {CALLBACK}",
    "no refresh token": "gave access for an hour only, without a refresh token",
    "no code": "cannot be relied upon",
    "no ID token": "cannot be relied upon",
    "wrong nonce": "cannot be relied upon",
    "foreign audience": "cannot be relied upon",
    "the answer is another provider's": "cannot be relied upon",
    "token endpoint is broken": "does not answer",
    "token endpoint is no JSON": "does not answer",
}


@pytest.mark.parametrize("mode", REFUSED)
async def test_whatever_goes_wrong_is_said_on_the_form_as_it_was_left(
    mode: str, visitor: httpx2.AsyncClient, provider: Provider, world: World
) -> None:
    provider.reset(mode)
    back = await connect(visitor)
    assert back.status_code == 422
    assert REFUSED[mode] in words(unescape(back.text))
    assert 'value="Ada&#39;s own"' in back.text
    assert 'value="77"' in back.text
    assert await world.fetchval("SELECT count(*) FROM senders") == 0


async def test_another_account_than_the_senders_is_refused_by_its_name(
    visitor: httpx2.AsyncClient, provider: Provider, world: World
) -> None:
    provider.reset(email="eve@elsewhere.test")
    back = await connect(visitor)
    assert 'id="smtp_username-note" class="pl-note" data-tone="bad"' in back.text
    said = "This is ada@example.com, but you signed in at 127.0.0.1 as eve@elsewhere.test."
    assert said in words(back.text)
    assert await world.fetchval("SELECT count(*) FROM senders") == 0


async def test_the_address_may_be_told_elsewhere_and_only_of_the_same_person(
    visitor: httpx2.AsyncClient, provider: Provider
) -> None:
    provider.reset("claims at userinfo only")
    assert (await connect(visitor)).status_code == 303
    provider.reset("userinfo of somebody else")
    assert "cannot be relied upon" in words((await connect(visitor)).text)


async def test_a_consent_is_finished_once_and_only_where_it_was_begun(
    visitor: httpx2.AsyncClient, other_page: httpx2.AsyncClient, provider: Provider, world: World
) -> None:
    answer = await answer_of(await leave(visitor))
    other_page.cookies.update(
        {name: text for name, text in visitor.cookies.items() if "consent" in name}
    )
    refused = await other_page.get(answer)
    assert refused.headers["Location"] == "/senders"
    assert "That consent is over" in words((await other_page.get("/senders")).text)
    kept = dict(visitor.cookies)
    assert len(str(kept)) < 3_000
    twice = await visitor.get(f"{answer}&code=another")
    assert twice.headers["Location"] == "/senders"
    assert (await visitor.get(answer)).status_code == 303
    assert (await visitor.get(answer)).headers["Location"] == "/senders"
    # With the cookie put back, the provider still takes the code no more.
    for name, text in kept.items():
        if "consent" in name:
            visitor.cookies.set(name, text, domain="localhost.local")
    assert "That consent is over" in words((await visitor.get(answer)).text)
    assert await world.fetchval("SELECT count(*) FROM senders") == 1


async def test_a_client_of_ones_own_is_used_in_place_of_the_installations(
    visitor: httpx2.AsyncClient, provider: Provider
) -> None:
    left = await leave(visitor, oauth_client_id="my-own", oauth_client_secret="my-own-secret")
    asked = parse_qs(urlsplit(way_out(left)).query)
    assert asked["client_id"] == ["my-own"]
    assert "my-own-secret" not in left.text
    back = await visitor.get(await answer_of(left))
    assert "does not take this client" in words(back.text)
    assert "my-own-secret" not in back.text


async def test_google_and_microsoft_are_asked_where_they_want_it_and_for_mail(
    parts: Parts, world: World
) -> None:
    known = known_at(parts, GOOGLE_ISSUER, private=False)
    async with browser(known) as client:
        await sign_in(client, known, world)
        google = {**TYPED, "smtp_host": "smtp.gmail.com", "smtp_port": "587",
                  "smtp_security": "starttls"}  # fmt: skip
        url = way_out(await leave(client, **google))
        microsoft = {**google, "smtp_host": "smtp.office365.com"}
        nobody = await leave(client, **microsoft)
        tenant = "https://login.microsoftonline.com/northwind.example/oauth2/v2.0"
        own = {**microsoft, "oauth_client_id": "app", "oauth_token_endpoint": f"{tenant}/token"}
        ours = way_out(await leave(client, **own))
        elsewhere = await leave(
            client, **{**own, "oauth_token_endpoint": "https://evil.test/token"}
        )
        unknown = await leave(client, **{**google, "smtp_host": "smtp.elsewhere.example"})
    asked = {name: text for name, [text] in parse_qs(urlsplit(url).query).items()}
    assert url.startswith("https://accounts.google.com/o/oauth2/v2/auth?")
    assert (asked["access_type"], asked["prompt"]) == ("offline", "consent")
    assert asked["scope"] == "openid email profile https://mail.google.com/"
    assert asked["client_id"] == CLIENT_ID
    assert "Client ID is missing: that of your app at Microsoft." in words(nobody.text)
    assert ours.startswith(f"{tenant}/authorize?")
    assert "https://outlook.office.com/SMTP.Send offline_access" in parse_qs(ours)["scope"][0]
    assert 'id="oauth_token_endpoint-note" class="pl-note" data-tone="bad"' in elsewhere.text
    assert 'id="smtp_host-note" class="pl-note" data-tone="bad"' in unknown.text


async def test_what_can_be_connected_is_offered_and_nothing_else(
    parts: Parts, provider: Provider, world: World
) -> None:
    def buttons(html: str) -> list[str]:
        return re.findall(r"<span>(Connect with [^<]+)</span>", html)

    google = known_at(parts, GOOGLE_ISSUER)
    without_secret = known_at(parts, GOOGLE_ISSUER, secret=None)
    own, careful = known_at(parts, provider.url), known_at(parts, provider.url, private=False)
    offered = []
    for installation in (google, without_secret, own, careful):
        async with browser(installation) as client:
            await sign_in(client, installation, world)
            for preset in ("gmail", "outlook", "brevo", "custom"):
                html = (await client.get(f"/senders/new?preset={preset}")).text
                offered.append((buttons(html), "Or leave the password empty" in html))
    with_client, with_own_app = (["Connect with Google"], True), (["Connect with Google"], False)
    microsoft, nothing = (["Connect with Microsoft"], False), ([], False)
    assert offered == [
        *(with_client, microsoft, nothing, nothing),
        *(with_own_app, microsoft, nothing, nothing),
        *(with_own_app, microsoft, nothing, (["Connect with 127.0.0.1"], True)),
        *(with_own_app, microsoft, nothing, nothing),
    ]


async def test_nobody_connects_the_sender_of_somebody_else(
    visitor: httpx2.AsyncClient, other_page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    assert (await leave(other_page, sender)).status_code == 404
