"""Lists of emails as a whole: what is ticked, or all that match, changed at once; and as CSV."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import Response, StreamingResponse

from paceline.errors import InvalidInput
from paceline.services.bulk import Action, Command
from paceline.web.access import SignedIn, form_of
from paceline.web.flash import Tone
from paceline.web.forms import text_of, wall_time
from paceline.web.list_query import NAMES, ListQuery
from paceline.web.listing import Selection
from paceline.web.once import OnceRoute, carried_out_once, reserved_id
from paceline.web.parts import Wired
from paceline.web.rendering import go_to, zone_of
from paceline.web.wording import what_was_done

router = APIRouter(prefix="/emails", route_class=OnceRoute)


@router.get("/export")
async def export(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """The list that is shown, all of it, as CSV."""
    query = ListQuery.read(request.query_params)
    return StreamingResponse(
        await parts.exports.emails(viewer.principal.user_id, query.wanted(zone_of(request))),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{query.tab}.csv"'},
    )


@router.post("/bulk")
@carried_out_once
async def change_many(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """Cancel, move, try again or mark as sent; and back to the list, with what came of it."""
    form = await form_of(request)
    query, chosen = _listed(form), Selection.read(form)
    if not chosen:
        return go_to(request, query.url(), said="Nothing was selected.", tone="warning")
    action, zone = _action(text_of(form, "action")), zone_of(request)
    at = None
    if action is Action.RESCHEDULE:
        try:
            at = wall_time(text_of(form, "at"), zone)
        except ValueError as error:
            return go_to(request, query.url(), said=f"Not moved: {error}.", tone="warning")
    command = Command(
        action=action,
        ids=None if chosen.everything else chosen.ids,
        wanted=query.wanted(zone) if chosen.everything else None,
        scheduled_at=at,
        seen=text_of(form, "seen") or None if chosen.everything else None,
    )
    report = await parts.bulk.run(viewer.principal.user_id, command, run=reserved_id(request))
    tone: Tone = "warning" if report.not_done or not report.complete else "success"
    return go_to(request, query.url(), said=what_was_done(command.action, report), tone=tone)


def _listed(form: FormData) -> ListQuery:
    query = ListQuery.read({name: text_of(form, name) for name in NAMES})
    if text_of(form, "page") == "campaign" and query.campaign is not None:
        return replace(query, path=f"/campaigns/{query.campaign}")
    return query


def _action(text: str) -> Action:
    try:
        return Action(text)
    except ValueError:
        raise InvalidInput.of("action", "must be cancel, reschedule, retry or mark_sent") from None
