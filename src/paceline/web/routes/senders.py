"""Senders: the addresses that emails come from, and the SMTP accounts behind them."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.domain.lifecycle import SenderState
from paceline.errors import InvalidInput
from paceline.services.senders import SenderPatch
from paceline.web.access import SignedIn, Viewer, form_of
from paceline.web.forms import Problems, text_of
from paceline.web.listing import Column
from paceline.web.once import OnceRoute, carried_out_once, leading_to, reserved_id
from paceline.web.parts import Parts, Wired
from paceline.web.rendering import go_to, render
from paceline.web.sender_form import FIELDS, SenderForm

router = APIRouter(prefix="/senders", route_class=OnceRoute)


COLUMNS = (
    Column(key="name", label="Sender"),
    Column(key="status", label="Status"),
    Column(key="server", label="SMTP server", wide_from="md", look="font-mono text-xs"),
    Column(key="limits", label="Limits", look="pl-quiet tabular-nums"),
)


@router.get("")
async def list_senders(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """All senders, with their states."""
    owner = viewer.principal.user_id
    senders, overview = await asyncio.gather(
        parts.senders.list(owner), parts.queries.overview(owner)
    )
    return render(
        request,
        "senders.html",
        viewer=viewer,
        section="senders",
        columns=COLUMNS,
        senders=senders,
        statuses={each.sender_id: each.status for each in overview.now.senders},
        dev_inbox=parts.dev_inbox,
    )


@router.get("/new")
async def new_sender(
    request: Request, parts: Wired, viewer: SignedIn, preset: str = ""
) -> Response:
    """An empty form, or one that is filled in for the dev inbox."""
    form = SenderForm.empty()
    if preset == "dev-inbox" and parts.dev_inbox is not None:
        form = SenderForm.for_dev_inbox(parts.dev_inbox)
    return _form(request, parts, viewer, form)


@router.post("")
@carried_out_once
async def create_sender(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """Add a sender."""
    form = SenderForm.read(await form_of(request))
    problems = Problems()
    new = form.as_new(problems)
    if new is not None:
        try:
            sender = await parts.senders.create(
                viewer.principal.user_id,
                new,
                reserved_id=reserved_id(request),
                settle=leading_to(request, "/senders"),
            )
        except InvalidInput as error:
            problems.take(error.problems, names=FIELDS)
        else:
            return go_to(request, f"/senders/{sender.id}", said="The sender is added.")
    return _form(request, parts, viewer, form, problems=problems)


@router.get("/{sender_id}")
async def show_sender(
    request: Request, parts: Wired, viewer: SignedIn, sender_id: uuid.UUID
) -> Response:
    """One sender, to look at and to change."""
    sender = await parts.senders.get(viewer.principal.user_id, sender_id)
    return _form(request, parts, viewer, SenderForm.of(sender), sender=sender)


@router.post("/{sender_id}")
async def change_sender(
    request: Request, parts: Wired, viewer: SignedIn, sender_id: uuid.UUID
) -> Response:
    """Change a sender. An empty password field leaves the password as it is."""
    owner = viewer.principal.user_id
    form = SenderForm.read(await form_of(request))
    problems = Problems()
    sender = await parts.senders.get(owner, sender_id)
    patch = form.as_patch(problems, before=sender)
    if patch is not None:
        try:
            await parts.senders.patch(owner, sender_id, patch)
        except InvalidInput as error:
            problems.take(error.problems, names=FIELDS)
        else:
            return go_to(request, f"/senders/{sender_id}", said="Saved.")
    return _form(request, parts, viewer, form, sender=sender, problems=problems)


@router.post("/{sender_id}/pause")
async def pause_sender(
    request: Request, parts: Wired, viewer: SignedIn, sender_id: uuid.UUID
) -> Response:
    """Hold everything that this sender has to send."""
    patch = SenderPatch(state=SenderState.PAUSED)
    await parts.senders.patch(viewer.principal.user_id, sender_id, patch)
    return go_to(request, f"/senders/{sender_id}", said="Paused: its emails wait.")


@router.post("/{sender_id}/resume")
async def resume_sender(
    request: Request, parts: Wired, viewer: SignedIn, sender_id: uuid.UUID
) -> Response:
    """Let it send again."""
    patch = SenderPatch(state=SenderState.ACTIVE)
    await parts.senders.patch(viewer.principal.user_id, sender_id, patch)
    return go_to(request, f"/senders/{sender_id}", said="Resumed.")


@router.post("/{sender_id}/verify")
async def verify_sender(
    request: Request, parts: Wired, viewer: SignedIn, sender_id: uuid.UUID
) -> Response:
    """Connect and log in, and say how it went."""
    owner = viewer.principal.user_id
    check = await parts.senders.verify(owner, sender_id)
    return await _report(request, parts, viewer, sender_id, check=check)


@router.post("/{sender_id}/test")
@carried_out_once
async def test_sender(
    request: Request, parts: Wired, viewer: SignedIn, sender_id: uuid.UUID
) -> Response:
    """Send one email to an address of the reader's choice, and say how it went."""
    to = text_of(await form_of(request), "to").strip()
    problems = Problems()
    try:
        report = await parts.senders.send_test(viewer.principal.user_id, sender_id, to)
    except InvalidInput as error:
        problems.take(error.problems, names={"to": "to"})
        return await _report(request, parts, viewer, sender_id, to=to, problems=problems)
    return await _report(request, parts, viewer, sender_id, to=to, test=report)


async def _report(
    request: Request,
    parts: Parts,
    viewer: Viewer,
    sender_id: uuid.UUID,
    *,
    problems: Problems | None = None,
    **report: Any,
) -> Response:
    sender = await parts.senders.get(viewer.principal.user_id, sender_id)
    form = SenderForm.of(sender)
    return _form(request, parts, viewer, form, sender=sender, problems=problems, **report)


def _form(
    request: Request,
    parts: Parts,
    viewer: Viewer,
    form: SenderForm,
    *,
    problems: Problems | None = None,
    **context: Any,
) -> Response:
    context = {"sender": None, "check": None, "test": None, "to": None, **context}
    if context["to"] is None:
        context["to"] = viewer.principal.email or ""
    return render(
        request,
        "sender.html",
        viewer=viewer,
        section="senders",
        status=422 if problems else 200,
        form=form,
        problems=problems.by_field if problems else {},
        dev_inbox=parts.dev_inbox,
        **context,
    )
