"""An email's subject and bodies as its recipient will see them, for the people who ask.

Reads them back out of the very message that would be sent, so that what is shown cannot differ.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default as stdlib_policy
from functools import lru_cache

from paceline.delivery import Headers, MessageTemplate, message, text_part
from paceline.errors import DomainError
from paceline.persistence.stores.email_records import EmailRecord

_MAX_SUBJECTS = 256
# The stdlib's parser takes milliseconds, and a list shows many subjects.
_SUBJECT = re.compile(rb"(?:^|\r\n)Subject: ?((?:[^\r\n]|\r\n[ \t])*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What the recipient sees."""

    subject: str
    text: str | None
    html: str | None


def rendered_subject(email: EmailRecord) -> str:
    """The subject alone; as it was written where it cannot be filled."""
    if email.subject is not None:
        return email.subject
    source = email.campaign_subject or ""
    if "{" not in source:
        return source
    try:
        return _subject_of(_message(_subject_template(source), email))
    except DomainError:
        return source


def rendered(email: EmailRecord) -> Rendered:
    """Subject and bodies; as they were written where they cannot be filled."""
    if email.content_removed_at is not None:
        return Rendered(subject=rendered_subject(email), text=None, html=None)
    if email.campaign_id is None:
        return Rendered(subject=email.subject or "", text=email.text_body, html=email.html_body)
    subject, text, html = email.campaign_subject or "", email.campaign_text, email.campaign_html
    try:
        template = MessageTemplate.compile(subject=subject, text=text, html=html, accepted=True)
        raw = _message(template, email)
    except DomainError:
        return Rendered(subject=subject, text=text, html=html)
    parsed = message_from_bytes(raw, policy=stdlib_policy)
    assert isinstance(parsed, EmailMessage), "the policy makes it one"
    return Rendered(
        subject=_subject_of(raw), text=_body(parsed, "plain"), html=_body(parsed, "html")
    )


def source_of(email: EmailRecord) -> bytes | None:
    """The message as it goes to the server, but for what is added as it is sent: the signature and
    attached files. None where it cannot be filled, or was removed."""
    if email.content_removed_at is not None:
        return None
    try:
        if email.campaign_id is None:
            html = email.html_body
            text = email.text_body or (text_part(html) if html is not None else None)
            return message(_headers(email), subject=email.subject or "", text=text, html=html)
        template = MessageTemplate.compile(
            subject=email.campaign_subject or "",
            text=email.campaign_text,
            html=email.campaign_html,
            accepted=True,
        )
        return _message(template, email)
    except DomainError:
        return None


def fields_of_subject(subject: str) -> tuple[str, ...]:
    """What the subject takes from a recipient's fields, beside name and address."""
    try:
        return tuple(sorted(_subject_template(subject).fields - {"email", "name"}))
    except DomainError:
        return ()


def fields_of_message(subject: str, text: str | None, html: str | None) -> frozenset[str]:
    """What the whole message takes from a recipient's fields, beside name and address."""
    try:
        template = MessageTemplate.compile(subject=subject, text=text, html=html, accepted=True)
    except DomainError:
        return frozenset()
    return frozenset(template.fields - {"email", "name"})


@lru_cache(maxsize=_MAX_SUBJECTS)
def _subject_template(subject: str) -> MessageTemplate:
    return MessageTemplate.compile(subject=subject, text=".", html=None)


def _message(template: MessageTemplate, email: EmailRecord) -> bytes:
    fields = {**email.fields, "email": email.address, "name": email.name or ""}
    return template.render(fields, headers=_headers(email))


def _headers(email: EmailRecord) -> Headers:
    return Headers(
        from_address=email.sender_address,
        from_name=email.sender_name,
        to_address=email.address,
        to_name=email.name,
        message_id=email.message_id,
        date=email.dated_at or email.scheduled_at,
        boundary_seed=email.id.hex,
    )


def _subject_of(raw: bytes) -> str:
    found = _SUBJECT.search(raw)
    if found is None:
        return ""
    unfolded = found[1].replace(b"\r\n", b"").decode("utf-8", "replace")
    return str(make_header(decode_header(unfolded)))


def _body(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    return None if part is None else str(part.get_content()).replace("\r\n", "\n")
