"""Templates to responses: one environment, and what every template may count on.

A page includes the fragment that htmx later swaps, so both come from one tree. A fragment is
answered to `HX-Request-Type: partial` only: when Back restores a page, htmx asks for all of it.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.responses import RedirectResponse, Response

from paceline import clock
from paceline.domain.blocked_files import note_on_file
from paceline.domain.identifiers import new_id
from paceline.domain.short_lists import MAX_SORTED
from paceline.services.status import Need, Status
from paceline.services.views import CampaignView
from paceline.web import flash, needs, states, wording
from paceline.web.access import ZONE_COOKIE, Viewer, is_https
from paceline.web.assets import asset
from paceline.web.bodies import most_octets
from paceline.web.fields import Fields
from paceline.web.form_tokens import already, new_token, token_in
from paceline.web.listing import PAGE_SIZES
from paceline.web.navigation import LIST_ICONS, groups_for, palette_for
from paceline.web.parts import parts_of
from paceline.web.reading_form import choices_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Where to see what came of something whose answer was lost."""

    path: str
    label: str


_OWN_PAGE = re.compile(r"/[a-z-]+/[0-9a-f-]{36}")  # what a drawer shows (frontend/js/drawer.js)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        asset=asset,
        TABS=states.TABS,
        BULK=states.BULK,
        FAILURES=states.FAILURES,
        PAGE_SIZES=PAGE_SIZES,
        MAX_SORTED=MAX_SORTED,
        new_id=new_id,
        LIST_ICONS=LIST_ICONS,
        email_badge=states.email_badge,
        campaign_badge=states.campaign_badge,
        sender_badge=states.sender_badge,
        verified_badge=states.verified_badge,
        hindrance=states.hindrance,
        doubt_about=states.doubt_about,
        grade_badge=states.grade_badge,
        held_tone=states.held_tone,
        scope_badge=states.scope_badge,
        suppression_badge=states.suppression_badge,
        standing_badge=states.standing_badge,
        worker_badge=states.worker_badge,
        person_badge=states.person_badge,
        EXPIRED=states.EXPIRED,
        SUPPRESSION_REASONS=states.SUPPRESSION_REASONS,
        choices_for=choices_for,
        told=wording.told,
        used_of=wording.used_of,
        what_is_so=pass_context(_what_is_so),
        need_shown=pass_context(_need_shown),
        needs_say=needs.needs_say,
        note_on_file=note_on_file,
        why_failed=wording.why_failed,
        why_briefly=wording.why_briefly,
        why_waiting=pass_context(_why_waiting),
        why_standing=pass_context(_why_standing),
    )
    environment.filters.update(
        number=wording.number,
        count=wording.count,
        duration=wording.duration,
        delay=wording.delay,
        size=wording.size,
        remark=wording.remark,
        most_octets=most_octets,
        is_reply=wording.is_reply,
        as_told=wording.as_told,
        initials=wording.initials,
        when=pass_context(_when),
        exactly=pass_context(_exactly),
        roughly=pass_context(_roughly),
        in_or_ago=pass_context(_in_or_ago),
        clock_time=pass_context(_clock_time),
    )
    return environment


def _when(context: Context, at: datetime) -> str:
    return wording.list_moment(at, now=context["now"], zone=context["zone"])


def _roughly(context: Context, at: datetime) -> str:
    return wording.day_and_time(at, now=context["now"], zone=context["zone"])


def _exactly(context: Context, at: datetime) -> str:
    return wording.exact_moment(at, context["zone"])


def _clock_time(context: Context, at: datetime) -> str:
    return wording.clock_time(at, context["zone"], seconds=True)


def _in_or_ago(context: Context, at: datetime) -> str:
    now: datetime = context["now"]
    if abs(at - now) < timedelta(seconds=1):
        return "now"
    return f"in {wording.duration(at - now)}" if at > now else f"{wording.duration(now - at)} ago"


def _why_waiting(context: Context, held_by: str | None, release_at: datetime | None) -> str:
    return wording.why_waiting(held_by, release_at, now=context["now"], zone=context["zone"])


def _need_shown(context: Context, need: Need, campaign_id: uuid.UUID | None) -> needs.Shown:
    return needs.shown(need, campaign_id, now=context["now"], zone=context["zone"])


def _what_is_so(context: Context, status: Status) -> str:
    return wording.what_is_so(status, now=context["now"], zone=context["zone"])


def _why_standing(context: Context, campaign: CampaignView) -> str:
    now, zone = context["now"], context["zone"]
    return wording.why_standing(campaign.held_by, campaign.release_at, now=now, zone=zone)


_templates = _environment()


def zone_of(request: Request) -> tzinfo:
    """The reader's time zone: the one that they chose, else the one that their browser told."""
    viewer: Viewer | None = getattr(request.state, "viewer", None)
    chosen = viewer.principal.preferences.time_zone if viewer else None
    return wording.zone_named(chosen or request.cookies.get(ZONE_COOKIE))


def wants_fragment(request: Request) -> bool:
    """Whether htmx is going to put the answer into a page that is there already."""
    return request.headers.get("HX-Request-Type") == "partial"


def is_htmx(request: Request) -> bool:
    """Whether a script of ours asks, rather than the browser itself."""
    return "HX-Request" in request.headers


def asks_for_news(request: Request) -> bool:
    """Whether an open page asks by itself whether anything has changed (frontend/js/live.js)."""
    return is_htmx(request) and request.method == "GET" and "If-None-Match" in request.headers


def render(
    request: Request,
    template: str,
    *,
    viewer: Viewer | None,
    status: int = 200,
    **context: Any,
) -> HTMLResponse:
    """A page or a fragment. `viewer` is None only on pages that people see before they sign in."""
    now = clock.now()
    zone = zone_of(request)
    https = is_https(parts_of(request).base_url)
    said = None if is_htmx(request) else flash.take(request, https=https)
    html = _templates.get_template(template).render(
        {
            "viewer": viewer,
            "csrf": viewer.csrf if viewer else "",
            "now": now,
            "zone": zone,
            "theme": viewer.principal.preferences.theme if viewer else "",
            "zone_label": wording.zone_label(zone, now),
            "section": "",
            "nav_counts": None,
            "notices": None,
            "once": token_in(request) or new_token(),
            "already": already(request),
            "flash": said,
            "opened": _opened(request),
            "groups": groups_for(viewer) if viewer else (),
            "palette": palette_for(viewer) if viewer else (),
            "drawn_fields": Fields(context.get("problems", {})),
            **context,
        }
    )
    response = HTMLResponse(html, status_code=status, headers={"Vary": "HX-Request-Type"})
    if said is not None:
        flash.drop(response, https=https)
    return response


def _opened(request: Request) -> str:
    """The page of what this address shows in a drawer: that is all there is without a script."""
    path = request.query_params.get("open", "")
    return path if _OWN_PAGE.fullmatch(path) else ""


def go_to(request: Request, path: str, *, said: str = "", tone: flash.Tone = "success") -> Response:
    """Send the browser to another page after a write; `said` is what that page tells of it."""
    response: Response = RedirectResponse(path, status_code=303)
    if is_htmx(request):
        response = Response(status_code=200, headers={"HX-Redirect": path})
    if said:
        request.state.said = (said, tone)  # a form that is sent twice says it again (once.py)
        flash.put(response, said, tone=tone, https=is_https(parts_of(request).base_url))
    return response


def say(response: Response, message: str, *, tone: flash.Tone = "success") -> Response:
    """Have a fragment's answer say it, in a toast beside what it swaps."""
    toast = {"message": message, "tone": tone, "look": None}
    response.headers["HX-Trigger"] = json.dumps({"toast": toast})
    return response


def toast_only(message: str, *, status: int, look: Look | None = None) -> Response:
    """An error for a script of ours: the page stays as it is, and a toast says what is wrong."""
    toast = {"message": message, "tone": "error", "look": look and asdict(look)}
    event = json.dumps({"toast": toast})  # ASCII, as headers are
    return Response(status_code=status, headers={"HX-Reswap": "none", "HX-Trigger": event})
