"""What a consent is worth by the scopes that came with it, and by who gave it."""

from __future__ import annotations

import httpx2
import pytest

from paceline.auth.consents import (
    ConsentRefusal,
    ConsentRefused,
    OAuthClient,
    Question,
    authorization_url,
    refresh_token,
)
from paceline.domain.oauth import OAuth
from tests.providers import CLIENT_ID, CLIENT_SECRET, Provider

CLIENT = OAuthClient(client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
ASKED = Question(state="s", nonce="n", verifier="v" * 43, redirect_uri="http://localhost/back")


async def given_by(provider: Provider, account: str = "ada@example.com") -> str:
    """The refresh token of somebody who consents at once, as Google and Microsoft are asked."""
    oauth = OAuth(
        name="Example",
        authorization_endpoint=f"{provider.url}/authorize",
        token_endpoint=f"{provider.url}/token",
        scope="https://mail.example/Send offline_access",
    )
    async with httpx2.AsyncClient() as browser:
        back = await browser.get(authorization_url(oauth, CLIENT, ASKED, account=account))
    answer = dict(httpx2.URL(back.headers["Location"]).params)
    return await refresh_token(oauth, CLIENT, ASKED, answer, account=account)


@pytest.mark.parametrize(
    "scope",
    [
        "openid https://mail.example/Send https://other.example/",
        "https://mail.example/send email",  # Microsoft tells no case from another
    ],
)
async def test_a_consent_to_sending_mail_is_good_whatever_came_on_top(
    provider: Provider, scope: str
) -> None:
    provider.reset(f"scope={scope}")
    assert await given_by(provider) == "refresh-of-ada"


async def test_one_that_leaves_mail_out_is_refused(provider: Provider) -> None:
    provider.reset("scope=openid email")
    with pytest.raises(ConsentRefused) as refused:
        await given_by(provider)
    assert refused.value.reason is ConsentRefusal.NO_MAIL


@pytest.mark.parametrize("claim", ["preferred_username", "upn"])
async def test_an_account_may_be_told_by_its_user_name(provider: Provider, claim: str) -> None:
    provider.reset(email=None, **{claim: "Ada@Corp.example"})
    assert await given_by(provider, "ada@corp.example") == "refresh-of-ada"


async def test_one_whose_account_nobody_tells_is_refused(provider: Provider) -> None:
    provider.reset(email=None)
    with pytest.raises(ConsentRefused) as refused:
        await given_by(provider)
    assert (refused.value.reason, refused.value.account) == (ConsentRefusal.WRONG_ACCOUNT, "")
