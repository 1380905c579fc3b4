"""What every attempt of an email carries."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from types import MappingProxyType

import pytest

from paceline.auth.secretbox import SecretBox
from paceline.persistence.database import Database
from paceline.persistence.ledger import Attempt, Claim
from paceline.persistence.standing import CampaignContent, SenderAccount, Standing
from paceline.sending.content import Content
from paceline.sending.identities import Identity

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


class OneSender(Standing):
    """A sender's row without a database."""

    def __init__(self, host: str) -> None:
        super().__init__(Database("postgresql://nobody@127.0.0.1/none"))
        self._host = host

    async def account(self, sender_id: uuid.UUID) -> SenderAccount:
        return SenderAccount(
            owner_id=uuid.uuid4(),
            from_address="news@example.com",
            from_name=None,
            smtp_host=self._host,
            smtp_port=587,
            smtp_security="none",
            smtp_auth="password",
            smtp_username=None,
            smtp_password=None,
            smtp_grant=None,
            dkim_selector=None,
            dkim_domain=None,
            dkim_key=None,
            account_version=1,
        )


def claim(attempt: Attempt) -> Claim:
    return Claim(
        attempt=attempt,
        campaign_id=None,
        due_at=NOON,
        deferrals=0,
        tries=0,
        age=timedelta(0),
        expires_after=timedelta(days=3),
        dated_at=NOON,
        address="ada@example.org",
        name="Ada",
        fields=MappingProxyType({}),
        line=None,
        subject="Hello",
        text_body="Hi",
        html_body=None,
        message_id="<1@example.com>",
    )


@pytest.mark.parametrize(
    ("host", "is_marked"), [("smtp.resend.com", True), ("smtp.example.com", False)]
)
async def test_an_email_is_marked_for_a_server_that_drops_second_copies(
    host: str, is_marked: bool
) -> None:
    content = Content(OneSender(host), SecretBox(b"k" * 32))
    identity = await content.identity(uuid.uuid4(), updated_at=NOON)
    email_id = uuid.uuid4()
    first = (await content.message(claim(Attempt(email_id, 1)), identity)).content
    second = (await content.message(claim(Attempt(email_id, 2)), identity)).content
    assert first == second
    mark = message_from_bytes(first)["Resend-Idempotency-Key"]
    assert mark == (email_id.hex if is_marked else None)


async def test_a_single_email_with_html_alone_gets_a_text_part() -> None:
    content = Content(OneSender("smtp.example.com"), SecretBox(b"k" * 32))
    identity = await content.identity(uuid.uuid4(), updated_at=NOON)
    given = replace(claim(Attempt(uuid.uuid4(), 1)), text_body=None, html_body="<p>Hi {{ x }}</p>")
    parsed = message_from_bytes((await content.message(given, identity)).content)
    assert parsed.get_content_type() == "multipart/alternative"
    text, html = parsed.get_payload()
    assert str(text.get_payload()).strip() == "Hi {{ x }}"
    assert html.get_content_type() == "text/html"


class ManyCampaigns(OneSender):
    """Campaigns' rows without a database."""

    async def content(self, campaign_id: uuid.UUID) -> CampaignContent:
        subject = f"About {campaign_id}"
        return CampaignContent(subject=subject, text_body="Hi", html_body=None, attached_octets=0)


async def test_a_claimed_email_keeps_its_texts_whatever_else_is_loaded_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("paceline.sending.content.MAX_TEMPLATES", 1)
    content = Content(ManyCampaigns("smtp.example.com"), SecretBox(b"k" * 32))
    identity = await content.identity(uuid.uuid4(), updated_at=NOON)
    mine, other = uuid.uuid4(), uuid.uuid4()
    texts = (await content.load([mine]))[mine]
    await content.load([other])
    given = replace(claim(Attempt(uuid.uuid4(), 1)), campaign_id=mine, subject=None, text_body=None)
    parsed = message_from_bytes((await content.message(given, identity, texts)).content)
    assert parsed["Subject"] == f"About {mine}"


@pytest.mark.parametrize(
    "html",
    ["<p>{% for x in ['a'] %}{{ x }}{% endfor %}</p>", "<p>{{ email }}</p>" * 2_000],
    ids=["a loop", "a long one"],
)
async def test_what_may_take_long_is_made_while_others_work(html: str) -> None:
    content = Content(OneSender("smtp.example.com"), SecretBox(b"k" * 32))
    identity = await content.identity(uuid.uuid4(), updated_at=NOON)
    texts = CampaignContent(subject="Hello", text_body=None, html_body=html, attached_octets=0)
    given = replace(claim(Attempt(uuid.uuid4(), 1)), campaign_id=uuid.uuid4(), text_body=None)
    await content.message(given, identity, texts)  # compiled from here on
    order: list[str] = []

    async def make() -> None:
        await content.message(given, identity, texts)
        order.append("made")

    async def work() -> None:
        order.append("worked")

    await asyncio.gather(make(), work())
    assert order == ["worked", "made"]


async def test_of_each_owner_one_email_at_a_time_is_made_beside_the_others() -> None:
    content = Content(OneSender("smtp.example.com"), SecretBox(b"k" * 32))
    ann, bob = [await content.identity(uuid.uuid4(), updated_at=NOON) for _ in range(2)]
    html = "<p>{% for x in ['a'] %}{{ x }}{% endfor %}</p>"
    texts = CampaignContent(subject="Hello", text_body=None, html_body=html, attached_octets=0)
    order: list[uuid.UUID] = []

    async def make(identity: Identity, campaign_id: uuid.UUID) -> None:
        given = replace(claim(Attempt(uuid.uuid4(), 1)), campaign_id=campaign_id, text_body=None)
        await content.message(given, identity, texts)
        order.append(identity.owner_id)

    many, one = [uuid.uuid4() for _ in range(20)], uuid.uuid4()
    for identity, campaign_id in (*((ann, campaign_id) for campaign_id in many), (bob, one)):
        await make(identity, campaign_id)
    order.clear()
    await asyncio.gather(*(make(ann, campaign_id) for campaign_id in many), make(bob, one))
    assert order.index(bob.owner_id) <= 2
