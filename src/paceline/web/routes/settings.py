"""Settings: what a person prefers about the dashboard, on every browser that they use."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.domain.notifications import Kind
from paceline.domain.preferences import Notice, Preferences, Theme
from paceline.errors import InvalidInput
from paceline.web.access import ZONE_COOKIE, SignedIn, Viewer, form_of
from paceline.web.compose_form import zones
from paceline.web.forms import Problems, text_of
from paceline.web.notices import CHOICES
from paceline.web.notification_panel import panel
from paceline.web.parts import Parts, Wired
from paceline.web.rendering import go_to, render
from paceline.web.wording import zone_named

router = APIRouter(prefix="/settings")

THEMES = ((Theme.SYSTEM, "As the system has it"), (Theme.LIGHT, "Light"), (Theme.DARK, "Dark"))
_FIELDS = {"time_zone": "time_zone", "theme": "theme"}


@router.get("")
async def show_settings(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """What is preferred now."""
    return await settings_page(request, parts, viewer)


@router.post("")
async def save_settings(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """Keep what was chosen."""
    posted = await form_of(request)
    form = {name: text_of(posted, name).strip() for name in _FIELDS}
    chosen = frozenset(notice for notice in Notice if text_of(posted, _box(notice)) == "yes")
    problems = Problems()
    if form["theme"] not in set(Theme):
        problems.add("theme", "choose one of these")
    else:
        preferred = Preferences(
            time_zone=form["time_zone"] or None, theme=Theme(form["theme"]), notices=chosen
        )
        try:
            await parts.preferring.keep(viewer.principal.user_id, preferred)
        except InvalidInput as error:
            problems.take(error.problems, names=_FIELDS)
        else:
            return go_to(request, "/settings", said="Saved.")
    return await settings_page(request, parts, viewer, looks=(form, chosen), problems=problems)


@router.post("/theme", status_code=204)
async def save_theme(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """Keep the theme that was picked in the account menu (frontend/js/app.js)."""
    theme = text_of(await form_of(request), "theme")
    if theme not in set(Theme):
        raise InvalidInput.of("theme", "must be system, light or dark")
    kept = replace(viewer.principal.preferences, theme=Theme(theme))
    await parts.preferring.keep(viewer.principal.user_id, kept)
    return Response(status_code=204)


def _box(notice: Notice) -> str:
    return f"notice_{notice}"


async def settings_page(
    request: Request,
    parts: Parts,
    viewer: Viewer,
    *,
    looks: tuple[Mapping[str, str], Collection[Notice]] | None = None,
    notify: tuple[Mapping[str, str], Collection[Kind]] | None = None,
    problems: Problems | None = None,
) -> Response:
    """The whole page: each of its forms as it is kept, unless it was typed."""
    now = viewer.principal.preferences
    owner_id = viewer.principal.user_id
    told = zone_named(request.cookies.get(ZONE_COOKIE))
    names = zones()
    kept = {"time_zone": now.time_zone or "", "theme": now.theme}, now.notices
    form, notices = looks or kept
    if form["time_zone"] and form["time_zone"] not in names:
        names = (*names, form["time_zone"])
    shown = panel(
        await parts.notification_choices.of(owner_id), await parts.senders.list(owner_id), notify
    )
    return render(
        request,
        "settings.html",
        viewer=viewer,
        status=422 if problems else 200,
        section="settings",
        form={**form, **shown.form},
        problems=problems.by_field if problems else {},
        themes=THEMES,
        notice_boxes=[(_box(notice), label, notice in notices) for notice, label in CHOICES],
        zones=[("", f"As the browser says ({told})"), *((name, name) for name in names)],
        notify=shown,
    )
