"""The message as one recipient will read it, made by the very engine that sends it."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Mapping, Sequence
from email import message_from_bytes, policy
from html import escape

from starlette.datastructures import FormData
from starlette.responses import Response

from paceline import clock
from paceline.delivery import Headers, MessageTemplate, has_words
from paceline.domain.recipients import Recipient
from paceline.errors import DomainError
from paceline.services.kept_files import KeptFiles, ShownImage
from paceline.web.compose_form import ComposeForm
from paceline.web.forms import text_of
from paceline.web.headers import mail_frame
from paceline.web.mail_body import document_of, with_images

EXAMPLE = {"email": "ada@example.com", "name": "Ada Lovelace"}
MAX_SAMPLE_CHARACTERS = 20_000
_ANYBODY = "anybody@example.com"
_HEAD_STYLE = "margin: 0 0 12px; padding: 0 0 10px; border-bottom: 1px solid #e5e5ea"
_LABEL_STYLE = "color: #6b6b76; font-size: 12px"


async def preview_frame(
    kept: KeptFiles, owner_id: uuid.UUID, holder_id: uuid.UUID | None, posted: FormData
) -> Response:
    """What was posted as one recipient will read it, for the sandboxed frame.

    `holder_id` names the draft or campaign among `kept` whose images the text may show.
    """
    form, images = ComposeForm.read(posted), list[ShownImage]()
    if holder_id is not None:
        images = await kept.images_shown(owner_id, holder_id, form.html)
    document = await asyncio.to_thread(
        preview_document,
        subject=form.subject,
        body=form.body,
        is_html=form.is_html,
        sample=read_sample(text_of(posted, "sample")),
        images=images,
    )
    return mail_frame(document)


def sample_of(recipient: Recipient | None) -> str:
    """A recipient, to travel with the page and come back for each preview."""
    if recipient is None:
        return ""
    values = {**recipient.fields, "email": recipient.address, "name": recipient.name or ""}
    sample = json.dumps(values, ensure_ascii=False)
    return sample if len(sample) <= MAX_SAMPLE_CHARACTERS else ""


def read_sample(text: str) -> dict[str, object]:
    """What `sample_of` made; the example where there is none."""
    if not text or len(text) > MAX_SAMPLE_CHARACTERS:
        return dict(EXAMPLE)
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return dict(EXAMPLE)
    return values if isinstance(values, dict) else dict(EXAMPLE)


def rendered_subject(subject: str, sample: Mapping[str, object]) -> str:
    """The subject that one recipient will read. It was found to be sound before."""
    try:
        template = MessageTemplate.compile(subject=subject, text="-", html=None)
        message = message_from_bytes(
            template.render(dict(sample), headers=_headers()), policy=policy.default
        )
    except DomainError as error:
        return str(error)
    return str(message["Subject"])


def preview_document(
    *,
    subject: str,
    body: str,
    is_html: bool,
    sample: Mapping[str, object],
    images: Sequence[ShownImage] = (),
    with_subject: bool = True,
) -> str:
    """The rendered message as a document, or the reason why it cannot be rendered.

    `images` are those that it shows by `cid:`. `with_subject`: its subject stands above, where the
    page around it does not show it.
    """
    if not subject.strip() and not has_words(body):
        return _note("What you write appears here as your recipients will read it.")
    try:
        template = MessageTemplate.compile(
            subject=subject.strip() or "(no subject)",
            text=None if is_html else body,
            html=body if is_html else None,
        )
        # Without a file every field is unknown yet: its name stands in for its value.
        values = {field: f"[{field}]" for field in template.fields} | dict(sample)
        message = template.render(values, headers=_headers())
    except DomainError as error:
        return _note(str(error))
    return _document(message, images, with_subject=with_subject)


def _headers() -> Headers:
    return Headers(
        from_address=_ANYBODY,
        from_name=None,
        to_address=_ANYBODY,
        to_name=None,
        message_id="<preview@localhost>",
        date=clock.now(),
        boundary_seed="preview",
    )


def _document(message: bytes, images: Sequence[ShownImage], *, with_subject: bool) -> str:
    parsed = message_from_bytes(message, policy=policy.default)
    part = parsed.get_body(preferencelist=("html", "plain"))
    content = str(part.get_content()).replace("\r\n", "\n") if part is not None else ""
    if part is None or part.get_content_subtype() != "html":
        content = f'<div style="white-space: pre-wrap">{escape(content)}</div>'
    else:
        content = with_images(content, images)
    head = (
        f'<div style="{_HEAD_STYLE}"><span style="{_LABEL_STYLE}">Subject</span><br>'
        f"<b>{escape(str(parsed['Subject']))}</b></div>"
    )
    return document_of(html=head + content if with_subject else content, text=None)


def _note(text: str) -> str:
    return document_of(html=f'<p style="{_LABEL_STYLE}">{escape(text)}</p>', text=None)
