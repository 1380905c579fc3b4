"""Notifications, on the settings page: what somebody is told of while they look elsewhere."""

from __future__ import annotations

import uuid

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.domain.notifications import Kind
from paceline.errors import InvalidInput
from paceline.services.notification_settings import Wanted
from paceline.web.access import SignedIn, form_of
from paceline.web.forms import Problems, text_of
from paceline.web.notification_panel import WAYS, box
from paceline.web.once import OnceRoute, carried_out_once
from paceline.web.parts import Wired
from paceline.web.rendering import go_to
from paceline.web.routes.settings import settings_page

router = APIRouter(prefix="/settings/notifications", route_class=OnceRoute)

_FIELDS = ("hook_url", "email_to", "email_sender_id")


@router.post("")
async def save_notifications(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """Keep what was chosen."""
    posted = await form_of(request)
    form = {name: text_of(posted, name).strip() for name in _FIELDS}
    kinds = frozenset(kind for kind in Kind if text_of(posted, box(kind)) == "yes")
    problems = Problems()
    sender_id = problems.read("email_sender_id", _sender_id, form["email_sender_id"])
    wanted = Wanted(
        kinds=kinds,
        hook_url=form["hook_url"] or None,
        drops_hook=text_of(posted, "drops_hook") == "yes",
        email_to=form["email_to"] or None,
        email_sender_id=sender_id,
    )
    if not problems:
        try:
            await parts.notification_choices.keep(viewer.principal.user_id, wanted)
        except InvalidInput as error:
            problems.take(error.problems, names={name: name for name in _FIELDS})
        else:
            return go_to(request, "/settings", said="Saved.")
    return await settings_page(request, parts, viewer, notify=(form, kinds), problems=problems)


@router.post("/test")
@carried_out_once
async def test_notifications(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """Tell something by each way that is kept, and say what came of it."""
    answers = await parts.notification_choices.test(viewer.principal.user_id)
    told = " ".join(
        f"{WAYS[channel].capitalize()}: {answer.says}" for channel, answer in answers.items()
    )
    good = bool(answers) and all(answer.taken for answer in answers.values())
    said = told or "Nothing was sent: there is neither a web hook nor an address."
    return go_to(request, "/settings", said=said, tone="success" if good else "error")


def _sender_id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        raise ValueError("is none of your senders") from None
