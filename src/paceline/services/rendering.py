"""An email's subject and bodies as its recipient will see them, for the people who ask.

Reads them back out of the very message that would be sent, so that what is shown cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as stdlib_policy
from functools import lru_cache

from paceline.delivery import Headers, MessageTemplate
from paceline.errors import DomainError
from paceline.persistence.stores.lists import EmailRecord

_MAX_SUBJECTS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What the recipient sees."""

    subject: str
    text: str | None
    html: str | None


def merge_fields(email: EmailRecord) -> dict[str, object]:
    """What a template is filled with."""
    return {**email.fields, "email": email.address, "name": email.name or ""}


def rendered_subject(email: EmailRecord) -> str:
    """The subject alone; as it was written where it cannot be filled."""
    if email.subject is not None:
        return email.subject
    source = email.campaign_subject or ""
    if "{" not in source:
        return source
    try:
        template = _subject_template(source)
        return _parts(template, merge_fields(email), email).subject
    except DomainError:
        return source


def rendered(email: EmailRecord) -> Rendered:
    """Subject and bodies; as they were written where they cannot be filled."""
    if email.campaign_id is None:
        return Rendered(subject=email.subject or "", text=email.text_body, html=email.html_body)
    source = Rendered(
        subject=email.campaign_subject or "", text=email.campaign_text, html=email.campaign_html
    )
    try:
        template = MessageTemplate.compile(
            subject=source.subject, text=source.text, html=source.html
        )
        return _parts(template, merge_fields(email), email)
    except DomainError:
        return source


@lru_cache(maxsize=_MAX_SUBJECTS)
def _subject_template(subject: str) -> MessageTemplate:
    return MessageTemplate.compile(subject=subject, text=".", html=None)


def _parts(template: MessageTemplate, fields: Mapping[str, object], email: EmailRecord) -> Rendered:
    raw = template.render(
        fields,
        headers=Headers(
            from_address=email.sender_address,
            from_name=email.sender_name,
            to_address=email.address,
            to_name=email.name,
            message_id=email.message_id,
            date=email.dated_at or email.scheduled_at,
            boundary_seed=email.id.hex,
        ),
    )
    message = message_from_bytes(raw, policy=stdlib_policy)
    assert isinstance(message, EmailMessage), "the policy makes it one"
    return Rendered(
        subject=str(message["Subject"] or ""),
        text=_body(message, "plain"),
        html=_body(message, "html"),
    )


def _body(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    return None if part is None else str(part.get_content()).replace("\r\n", "\n")
