"""The ways by which a text gets to an owner: a web hook, or an email by one of their senders."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from paceline.auth.secretbox import SecretBox, SecretUnreadable, hook_url_label
from paceline.errors import DomainError, InvalidInput
from paceline.services import notification_hook as hook
from paceline.services.emails import Emails, NewEmail
from paceline.services.notification_hook import Answer

MAX_SUBJECT_CHARACTERS = 200

_NAMES = {"to": "Its address", "sender_id": "Its sender"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """Neither raises for what the other side does, nor for what was chosen wrongly."""

    emails: Emails
    secrets: SecretBox
    allow_private_hosts: bool

    def opened(self, owner_id: uuid.UUID, sealed: bytes) -> str | None:
        """A web hook's address; None where no key opens it."""
        try:
            return self.secrets.open(sealed, label=hook_url_label(owner_id=owner_id))
        except SecretUnreadable:
            return None

    async def post(self, owner_id: uuid.UUID, sealed: bytes, body: str) -> Answer:
        """To a web hook."""
        url = self.opened(owner_id, sealed)
        if url is None:
            return Answer(taken=False, says="Its address cannot be read: enter it again.")
        return await hook.post(url, body, allow_private=self.allow_private_hosts)

    async def mail(
        self,
        owner_id: uuid.UUID,
        body: str,
        *,
        to: str,
        sender_id: uuid.UUID,
        reserved_id: uuid.UUID | None = None,
    ) -> Answer:
        """As a single email; under `reserved_id` once, however often it is asked for."""
        headline = body.partition("\n")[0]
        subject = f"Paceline: {headline}"[:MAX_SUBJECT_CHARACTERS]
        new = NewEmail(sender_id=sender_id, to=to, subject=subject, text=body + "\n")
        try:
            await self.emails.create(owner_id, new, reserved_id=reserved_id)
        except DomainError as error:
            return _refused(error)
        return Answer(taken=True, says=f"It is on its way to {to}.")


def _refused(error: DomainError) -> Answer:
    """An email that could not be made, in words for whoever chose where it goes."""
    if isinstance(error, InvalidInput):
        told = [f"{_NAMES.get(p.field, p.field)} {p.message}." for p in error.problems]
        return Answer(taken=False, says=" ".join(told))
    return Answer(taken=False, says=f"It could not be made: {error}.")
