"""From a claim to the bytes on the wire: templates compiled once, accounts unsealed once.

Both are cached per process: a campaign's templates do not change once it runs, and an account is
read again whenever its sender's row has changed. So are a campaign's files, within a bound.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from paceline.auth.secretbox import SecretBox
from paceline.delivery import (
    LONG_HTML,
    Attached,
    Envelope,
    Headers,
    MessageTemplate,
    message,
    text_part,
)
from paceline.persistence.ledger import Claim
from paceline.persistence.standing import CampaignContent, Standing
from paceline.sending.attached_files import AttachedFiles
from paceline.sending.beside import Beside
from paceline.sending.identities import Identity, identity_of

Key = TypeVar("Key")
Value = TypeVar("Value")

MAX_TEMPLATES = 256
MAX_ACCOUNTS = 1_024
_NO_FILES: AbstractAsyncContextManager[Attached | None] = nullcontext(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One email, ready for the wire."""

    envelope: Envelope
    content: bytes


class Content:
    """Makes messages out of claims."""

    def __init__(self, standing: Standing, secrets: SecretBox) -> None:
        self._standing = standing
        self._secrets = secrets
        self._files = AttachedFiles(standing)
        self._beside = Beside()
        self._texts: OrderedDict[uuid.UUID, CampaignContent] = OrderedDict()
        self._templates: OrderedDict[uuid.UUID, MessageTemplate] = OrderedDict()
        self._identities: OrderedDict[tuple[uuid.UUID, datetime], Identity] = OrderedDict()

    async def identity(self, sender_id: uuid.UUID, *, updated_at: datetime) -> Identity:
        """The sender as it was at `updated_at`, its password and its key unsealed."""
        key = sender_id, updated_at
        known = self._identities.get(key)
        if known is None:
            row = await self._standing.account(sender_id)
            known = identity_of(self._secrets, sender_id, row, as_of=updated_at)
            _keep(self._identities, key, known, limit=MAX_ACCOUNTS)
        return known

    async def load(self, campaign_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, CampaignContent]:
        """The texts of these campaigns, and their files read, before anything of them is claimed.

        Whoever claims keeps the texts: what is kept here may be gone when an email's turn comes.
        """
        loaded = {}
        for campaign_id in campaign_ids:
            texts = self._texts.get(campaign_id)
            if texts is None:
                texts = await self._standing.content(campaign_id)
                _keep(self._texts, campaign_id, texts, limit=MAX_TEMPLATES)
            if texts.attached_octets:
                await self._files.of(campaign_id)
            loaded[campaign_id] = texts
        return loaded

    def attached(
        self, claim: Claim, texts: CampaignContent | None
    ) -> AbstractAsyncContextManager[Attached | None]:
        """The files for `message`, to be held until the email is gone; waits for room for them.

        Entering it raises `FilesAway`.
        """
        if claim.campaign_id is None or texts is None or not texts.attached_octets:
            return _NO_FILES
        return self._files.for_one_email(claim.campaign_id, texts.attached_octets)

    async def message(
        self,
        claim: Claim,
        sender: Identity,
        texts: CampaignContent | None = None,
        files: Attached | None = None,
    ) -> Message:
        """The claim as a message; `texts` are its campaign's, None for a single email.

        Raises `DomainError` when its template cannot be filled. What may take long is made in a
        thread, so that nobody else's emails wait for it.
        """
        template = None
        if claim.campaign_id is not None and texts is not None:
            template = await self._template(claim.campaign_id, texts, sender.owner_id)
        make = partial(_made, claim, sender, template, files)
        if template.takes_long if template else len(claim.html_body or "") > LONG_HTML:
            return await self._beside.run(sender.owner_id, make)
        return make()

    async def _template(
        self, campaign_id: uuid.UUID, texts: CampaignContent, owner_id: uuid.UUID
    ) -> MessageTemplate:
        known = self._templates.get(campaign_id)
        if known is None:
            known = await self._beside.run(owner_id, partial(self._compiled, campaign_id, texts))
            _keep(self._templates, campaign_id, known, limit=MAX_TEMPLATES)
        return known

    def _compiled(self, campaign_id: uuid.UUID, texts: CampaignContent) -> MessageTemplate:
        """By now whoever came first may have done it."""
        return self._templates.get(campaign_id) or _compile(texts)


def _made(
    claim: Claim, sender: Identity, template: MessageTemplate | None, files: Attached | None
) -> Message:
    headers = Headers(
        from_address=sender.from_address,
        from_name=sender.from_name,
        to_address=claim.address,
        to_name=claim.name,
        message_id=claim.message_id,
        date=claim.dated_at,
        boundary_seed=claim.attempt.email_id.hex,
        extra=_marks(claim, sender),
    )
    if template is None:
        content = _single(claim, headers)
    else:
        fields = {**claim.fields, "email": claim.address, "name": claim.name or ""}
        content = template.render(fields, headers=headers, attached=files)
    if sender.signer is not None:
        content = sender.signer.sign(content, signed_at=claim.dated_at)
    envelope = Envelope(mail_from=sender.from_address, rcpt_to=claim.address)
    return Message(envelope=envelope, content=content)


def _marks(claim: Claim, sender: Identity) -> tuple[tuple[str, str], ...]:
    """The same for every attempt, as all that goes out."""
    if sender.idempotency_header is None:
        return ()
    return ((sender.idempotency_header, claim.attempt.email_id.hex),)


def _single(claim: Claim, headers: Headers) -> bytes:
    """A single email is sent as it was written: braces in it are braces."""
    assert claim.subject is not None, "the table's CHECK asks single emails for a subject"
    text, html = claim.text_body, claim.html_body
    if not text and html is not None:
        text = text_part(html)
    return message(headers, subject=claim.subject, text=text, html=html)


def _compile(content: CampaignContent) -> MessageTemplate:
    return MessageTemplate.compile(
        subject=content.subject, text=content.text_body, html=content.html_body, accepted=True
    )


def _keep(cache: OrderedDict[Key, Value], key: Key, value: Value, *, limit: int) -> None:
    cache[key] = value
    if len(cache) > limit:
        cache.popitem(last=False)
