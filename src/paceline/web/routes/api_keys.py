"""API keys: made with a scope and an end, shown once, revoked."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline import clock
from paceline.domain.scopes import Scope
from paceline.domain.when import InvalidWhen, parse_end
from paceline.errors import InvalidInput, NotFound
from paceline.web.access import SignedIn, Viewer, form_of
from paceline.web.forms import Problems, text_of
from paceline.web.listing import Column
from paceline.web.parts import Parts, Wired
from paceline.web.rendering import go_to, render, zone_of

router = APIRouter(prefix="/api-keys")

COLUMNS = (
    Column(key="name", label="Key"),
    Column(key="scope", label="May"),
    Column(key="used", label="Last used", look="pl-quiet tabular-nums"),
    Column(key="ends", label="Ends", look="pl-quiet tabular-nums"),
    Column(key="actions", label="", align="end"),
)
EMPTY: Mapping[str, str] = {"name": "", "scope": Scope.SEND, "ends": ""}
_NAMES = {"name": "name", "expires_at": "ends"}


@router.get("")
async def list_keys(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """The reader's keys, and the form for another one."""
    return await _page(request, parts, viewer, form=EMPTY)


@router.post("")
async def create_key(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """Make a key and show it, this once.

    Not among the forms that are carried out once: what they answered is kept, and a key is not.
    """
    posted = await form_of(request)
    form = {name: text_of(posted, name).strip() for name in EMPTY}
    problems = Problems()
    if not form["name"]:
        problems.add("name", "is missing")
    ends = None
    if form["ends"]:
        try:
            ends = parse_end(form["ends"], now=clock.now(), zone=zone_of(request))
        except InvalidWhen as error:
            problems.add("ends", str(error))
    if form["scope"] not in set(Scope):
        problems.add("scope", "choose one of these")
    if not problems:
        try:
            key = await parts.api_keys.create_for(
                viewer.principal.user_id, form["name"], scope=Scope(form["scope"]), expires_at=ends
            )
        except InvalidInput as error:
            problems.take(error.problems, names=_NAMES)
        else:
            return await _page(request, parts, viewer, form=EMPTY, made=key, status=201)
    return await _page(request, parts, viewer, form=form, problems=problems, status=422)


@router.post("/{key_id}/revoke")
async def revoke_key(
    request: Request, parts: Wired, viewer: SignedIn, key_id: uuid.UUID
) -> Response:
    """End a key, at once."""
    if not await parts.api_keys.revoke(viewer.principal.user_id, key_id):
        raise NotFound("there is no such key")
    return go_to(request, "/api-keys", said="Revoked: it opens nothing any more.")


async def _page(
    request: Request,
    parts: Parts,
    viewer: Viewer,
    *,
    form: Mapping[str, str],
    problems: Problems | None = None,
    made: str | None = None,
    status: int = 200,
) -> Response:
    return render(
        request,
        "api_keys.html",
        viewer=viewer,
        status=status,
        section="api-keys",
        columns=COLUMNS,
        keys=await parts.api_keys.list(viewer.principal.user_id),
        form=form,
        problems=(problems or Problems()).by_field,
        made=made,
        base_url=parts.base_url,
    )
