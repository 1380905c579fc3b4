"""Users, for administrators: who is here, inviting, deactivating, signing somebody out."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.auth.admission import LOCAL_ISSUER
from paceline.auth.sign_in import invitation_path
from paceline.errors import InvalidInput
from paceline.web.access import Administrator, Viewer, form_of
from paceline.web.forms import Problems, text_of
from paceline.web.listing import Column, ListState
from paceline.web.parts import Parts, Wired
from paceline.web.rendering import go_to, render, wants_fragment
from paceline.web.wording import count

router = APIRouter(prefix="/users")

COLUMNS = (
    Column(key="person", label="Person"),
    Column(key="standing", label="Is"),
    Column(key="seen", label="Last seen", look="pl-quiet tabular-nums"),
    Column(key="ways", label="Signed in", look="pl-quiet tabular-nums"),
    Column(key="since", label="Since", wide_from="xl", look="pl-quiet tabular-nums"),
    Column(key="actions", label="Actions", align="end"),
)
_ISSUERS = {LOCAL_ISSUER: "by link", "https://accounts.google.com": "Google"}


def _named(issuers: Sequence[str]) -> str:
    """`by link and Google`."""
    return " and ".join(dict.fromkeys(_ISSUERS.get(issuer, issuer) for issuer in issuers))


@router.get("")
async def list_users(request: Request, parts: Wired, viewer: Administrator) -> Response:
    """Everybody, the newest first, and the invitations that wait."""
    return await _page(request, parts, viewer)


@router.post("/invitations")
async def invite(request: Request, parts: Wired, viewer: Administrator) -> Response:
    """Make a link for somebody, and show it, this once.

    Not among the forms that are carried out once: what they answered is kept, and a link is not.
    """
    email = text_of(await form_of(request), "email").strip()
    problems = Problems()
    try:
        token = await parts.links.invite(email)
    except InvalidInput as error:
        problems.take(error.problems, names={"email": "email"})
        told: dict[str, Any] = {"form": {"email": email}, "problems": problems.by_field}
        return await _page(request, parts, viewer, status=422, **told)
    link = parts.base_url + invitation_path(token)
    return await _page(request, parts, viewer, status=201, invited=email, invitation=link)


@router.post("/invitations/{handle}/revoke")
async def revoke(
    request: Request, parts: Wired, viewer: Administrator, handle: uuid.UUID
) -> Response:
    """End an invitation, at once."""
    email = await parts.administration.revoke_invitation(viewer.principal, handle)
    return go_to(request, "/users", said=f"The link for {email} opens nothing any more.")


@router.post("/{user_id}/deactivate")
async def deactivate(
    request: Request, parts: Wired, viewer: Administrator, user_id: uuid.UUID
) -> Response:
    """Keep somebody out, and pause what is theirs."""
    person, paused = await parts.administration.deactivate(viewer.principal, user_id)
    said = f"{person.label} is deactivated."
    if paused.campaigns:
        said += f" {count(paused.campaigns, 'campaign')} paused."
    if paused.busy:
        said += f" {count(paused.busy, 'campaign')} at work could not be paused; senders are."
    return go_to(request, "/users", said=said)


@router.post("/{user_id}/reactivate")
async def reactivate(
    request: Request, parts: Wired, viewer: Administrator, user_id: uuid.UUID
) -> Response:
    """Let somebody in again."""
    person = await parts.administration.reactivate(viewer.principal, user_id)
    return go_to(request, "/users", said=f"{person.label} may sign in again.")


@router.post("/{user_id}/sign-out")
async def sign_out(
    request: Request, parts: Wired, viewer: Administrator, user_id: uuid.UUID
) -> Response:
    """Sign somebody out everywhere."""
    person = await parts.administration.sign_out(viewer.principal, user_id)
    return go_to(request, "/users", said=f"{person.label} is signed out everywhere.")


async def _page(
    request: Request, parts: Parts, viewer: Viewer, *, status: int = 200, **context: Any
) -> Response:
    state = ListState.read(request.query_params, path="/users", filters=("q",))
    page, total = await parts.administration.people(
        viewer.principal,
        q=state.q.replace("\x00", ""),
        cursor=state.cursor or None,
        limit=state.size,
    )
    values: dict[str, Any] = {"form": {"email": ""}, "invited": "", "invitation": ""}
    return render(
        request,
        "_user_rows.html" if wants_fragment(request) else "users.html",
        viewer=viewer,
        status=status,
        section="users",
        columns=COLUMNS,
        state=state,
        page=page,
        total=total,
        invitations=await parts.administration.invitations(viewer.principal),
        issuers_named=_named,
        **(values | context),
    )
