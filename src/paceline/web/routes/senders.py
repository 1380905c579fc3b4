"""Senders: the addresses that emails come from, and the SMTP accounts behind them."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.errors import InvalidInput
from paceline.leaving import while_there
from paceline.web.access import SignedIn, Viewer, form_of
from paceline.web.forms import Problems, text_of
from paceline.web.once import OnceRoute, carried_out_once, leading_to, reserved_id
from paceline.web.parts import Parts, Wired
from paceline.web.rendering import go_to, render, wants_fragment, zone_of
from paceline.web.sender_drawer import sender_drawer
from paceline.web.sender_form import SenderForm, take

router = APIRouter(prefix="/senders", route_class=OnceRoute)


@router.get("/new")
async def new_sender(
    request: Request, parts: Wired, viewer: SignedIn, preset: str = "", address: str = ""
) -> Response:
    """The providers to choose from, or the form as the chosen one wants it.

    An address chooses by itself, where its domain says enough.
    """
    offered = await parts.sender_presets.offered(address if not preset else None)
    chosen = parts.sender_presets.of(preset or offered.guessed or "")
    if chosen is None and not address:
        return render(
            request,
            "sender_presets.html",
            viewer=viewer,
            section="senders",
            presets=offered.items,
            form={"address": ""},
            problems={},
        )
    chosen = chosen or parts.sender_presets.all[-1]
    form = SenderForm.filled_in(chosen, address.strip())
    return await sender_form(request, parts, viewer, form)


@router.post("")
@carried_out_once
async def create_sender(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """Add a sender, and verify it."""
    owner = viewer.principal.user_id
    form = SenderForm.read(await form_of(request))
    problems = Problems()
    new = form.as_new(problems, parts.sender_presets.of(form.preset))
    if new is not None:
        try:
            sender, is_new = await parts.sender_entry.enter(
                owner,
                new,
                reserved_id=reserved_id(request),
                settle=leading_to(request, "/senders"),
            )
        except InvalidInput as error:
            take(problems, error)
        else:
            done = "The sender is added" if is_new else "Its sender, which never worked, is changed"
            return await verified(request, parts, viewer, sender.id, done=done)
    return await sender_form(request, parts, viewer, form, problems=problems)


@router.get("/{sender_id}")
async def show_sender(
    request: Request, parts: Wired, viewer: SignedIn, sender_id: uuid.UUID, dns: str = ""
) -> Response:
    """One sender, to look at and to change; with `dns`, its domain is looked up.

    Beside the list, at a glance.
    """
    if wants_fragment(request):
        return await sender_drawer(request, parts, viewer, sender_id)
    return await sender_page(request, parts, viewer, sender_id, look_up=bool(dns))


@router.post("/{sender_id}")
async def change_sender(
    request: Request, parts: Wired, viewer: SignedIn, sender_id: uuid.UUID
) -> Response:
    """Change a sender, and verify it if that may matter. An empty password leaves it as it is."""
    owner = viewer.principal.user_id
    form = SenderForm.read(await form_of(request))
    problems = Problems()
    sender = await parts.senders.get(owner, sender_id)
    patch = form.as_patch(problems, before=sender)
    if patch is not None:
        try:
            after = await parts.senders.patch(owner, sender_id, patch)
        except InvalidInput as error:
            take(problems, error)
        else:
            if after.last_check is None:
                return await verified(request, parts, viewer, sender_id, done="Saved")
            return go_to(request, f"/senders/{sender_id}", said="Saved.")
    return await sender_page(request, parts, viewer, sender_id, form=form, problems=problems)


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
        return await sender_page(request, parts, viewer, sender_id, to=to, problems=problems)
    return await sender_page(request, parts, viewer, sender_id, to=to, test=report)


async def verified(
    request: Request, parts: Parts, viewer: Viewer, sender_id: uuid.UUID, *, done: str = ""
) -> Response:
    """Verify it, and go where the report is shown; `done` is what was done before."""
    checking = parts.senders.verify(viewer.principal.user_id, sender_id)
    check = await while_there(request, checking)
    path = f"/senders/{sender_id}"
    if check.ok:
        return go_to(request, path, said=f"{done}, and can log in." if done else "It can log in.")
    said = f"{done}, but it cannot log in yet." if done else "It cannot log in."
    return go_to(request, f"{path}#log-in", said=said, tone="warning" if done else "error")


async def sender_page(
    request: Request,
    parts: Parts,
    viewer: Viewer,
    sender_id: uuid.UUID,
    *,
    form: SenderForm | None = None,
    problems: Problems | None = None,
    look_up: bool = False,
    **report: Any,
) -> Response:
    """A sender that exists: what is so, what can be tried, and the form to change it."""
    owner = viewer.principal.user_id
    sender = await parts.senders.get(owner, sender_id)
    use = await parts.sender_uses.of(owner, sender_id, zone_of(request))
    return await sender_form(
        request,
        parts,
        viewer,
        form or SenderForm.of(sender),
        problems=problems,
        sender=sender,
        use=use,
        record=await parts.senders.dkim_record(owner, sender_id)
        if sender.dkim and not sender.dkim.is_lost
        else None,
        looked_up=await parts.sender_dns.look_up(owner, sender_id) if look_up else None,
        **report,
    )


async def sender_form(
    request: Request,
    parts: Parts,
    viewer: Viewer,
    form: SenderForm,
    *,
    problems: Problems | None = None,
    **context: Any,
) -> Response:
    """The form of a sender that is to be, or around one that exists."""
    context = {"sender": None, "test": None, "to": None, **context}
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
        preset=parts.sender_presets.of(form.preset),
        offer=parts.sender_consents.offer(form.smtp_host),
        preset_of_host=parts.sender_presets.for_host(form.smtp_host),
        **context,
    )
