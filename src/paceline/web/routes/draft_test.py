"""A test of a draft: one email to oneself, through the same queue and limits as all others."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.domain.recipients import RawRecipient
from paceline.domain.tables.columns import ALWAYS_AVAILABLE
from paceline.errors import DomainError, NotFound
from paceline.web.access import SignedIn, form_of
from paceline.web.compose_form import NOW, ComposeForm
from paceline.web.forms import Problems, text_of
from paceline.web.once import OnceRoute, carried_out_once, reserved_id
from paceline.web.parts import Wired
from paceline.web.preview import EXAMPLE
from paceline.web.rendering import go_to
from paceline.web.uploads import recipient_of

router = APIRouter(prefix="/compose", route_class=OnceRoute)

MARK = "[Test] "  # before the subject
MAX_SOUGHT = 320  # characters: an address


@router.post("/{draft_id}/test")
@carried_out_once
async def send_test(
    request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID
) -> Response:
    """Send it as it was saved, with one recipient's values, to the address that is given.

    It waits for limits and counts against them, and stands among emails, but not among campaigns.
    """
    owner = viewer.principal.user_id
    posted = await form_of(request)
    try:
        draft = await parts.drafts.get(owner, draft_id)
    except NotFound:
        told = "No test was sent. Write something first."
        return go_to(request, "/compose", said=told, tone="error")
    form = ComposeForm.of(draft)
    problems = Problems()
    bare = replace(form, when=NOW, min_delay="0", hourly_limit="")
    new = await asyncio.to_thread(bare.as_new, problems)  # a large message takes a second
    if new is None:
        told = " ".join(problems.by_field.values())
        return _refused(request, draft_id, told)
    to, sought = text_of(posted, "test_to").strip(), text_of(posted, "test_as")[:MAX_SOUGHT]
    found = await recipient_of(parts.drafts, draft, form, sought)
    if found is None and sought.strip():
        return _refused(request, draft_id, "Nobody on the list has that address.")
    message = await asyncio.to_thread(form.message)
    unknown = {name: f"[{name}]" for name in (message.fields if message else ())}
    given = found.fields if found else unknown
    values = {name: value for name, value in given.items() if name not in ALWAYS_AVAILABLE}
    name = found.name if found else EXAMPLE["name"]
    test = replace(
        new,
        name=f"Test: {new.name or new.subject}"[:200],
        subject=MARK + new.subject,
        recipients=[RawRecipient(email=to, name=name, fields=values)],
        is_test=True,
    )
    try:
        await parts.scheduling.schedule_inline(
            owner, test, reserved_id=reserved_id(request), files_of=draft.id, test_to=to
        )
    except DomainError as error:
        return _refused(request, draft_id, str(error))
    return go_to(request, f"/compose/{draft_id}", said=f"A test is on its way to {to}.")


def _refused(request: Request, draft_id: uuid.UUID, why: str) -> Response:
    return go_to(request, f"/compose/{draft_id}", said=f"No test was sent. {why}", tone="error")
