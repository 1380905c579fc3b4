"""`ETag`, `If-Match` and `If-None-Match` (RFC 9110 §8.8.3, §13.1) on all that can be patched.

A tag has two parts: the version of what people decide, and a digest of what was answered. Whoever
writes is held to the first, so that a campaign can be changed safely while its counters run;
whoever reads is told "not modified" only when both are the same.
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Request
from fastapi.dependencies.models import Dependant
from starlette.exceptions import HTTPException
from starlette.responses import Response

from paceline.api.idempotency import IdempotentRoute
from paceline.api.security import Handler
from paceline.services.versions import ANY, Only
from paceline.services.views import CampaignView, EmailView, SenderView

AnyView = TypeVar("AnyView", CampaignView, EmailView, SenderView)

MAX_CONDITION = 4_000  # characters
_DIGITS = 16
_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_CONDITION = re.compile(rf"\s*(?:\*|(?:,\s*)*{_TAG}\s*(?:,\s*(?:{_TAG}\s*)?)*)")
_EACH = re.compile(_TAG)
_MALFORMED = 'is no list of entity tags: send back an ETag as it was given, with its quotes, or "*"'
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


async def read_if_match(
    request: Request,
    _documented: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description="Do it only to this version: an ETag, or *. A 412 carries the version that"
            " is there now as its ETag, without the digest of what a GET answers; both are good "
            "for If-Match",
        ),
    ] = None,
) -> Only:
    """What this write is for. Raises 400 for what is no condition."""
    condition = _condition(request, "if-match")
    if condition is None or condition.strip() == "*":
        return ANY  # whether it exists is found out anyway
    # Strong comparison: a weak tag vouches for nothing that could be lost.
    strong = [tag.strip('"') for tag in _EACH.findall(condition) if not tag.startswith("W/")]
    return Only(frozenset(tag.partition("-")[0] for tag in strong))


IfMatch = Annotated[Only, Depends(read_if_match)]


async def conditions_are_honoured(request: Request) -> None:
    """Raises 412 for a condition that this route would pass over: it was sent for a reason."""
    if request.method in _SAFE:
        return
    if "if-none-match" in request.headers:
        raise HTTPException(412, "If-None-Match is for reading: leave it out")
    if "if-match" in request.headers and not _honours(request.scope["route"].dependant):
        raise HTTPException(412, "nothing here has an ETag: leave If-Match out")


def _honours(dependant: Dependant) -> bool:
    return any(needed.call is read_if_match for needed in dependant.dependencies)


def tagged(response: Response, view: AnyView) -> AnyView:
    """The same view, with its version in the answer; `TaggedRoute` makes a tag of it."""
    response.headers["ETag"] = view.version
    return view


class TaggedRoute(IdempotentRoute):
    """A route whose answers carry an ETag, and which is not answered twice in full."""

    def get_route_handler(self) -> Handler:
        """The handler, and the tag around what it answers."""
        handle = super().get_route_handler()

        async def tagging(request: Request) -> Response:
            response = await handle(request)
            version = response.headers.get("ETag")
            if version is None or version.startswith('"'):
                return response
            tag = f'"{version}-{hashlib.sha256(response.body).hexdigest()[:_DIGITS]}"'
            if request.method == "GET" and _is_known(request, tag):
                return Response(status_code=304, headers={"ETag": tag})
            response.headers["ETag"] = tag
            return response

        return tagging


def _is_known(request: Request, tag: str) -> bool:
    condition = _condition(request, "if-none-match")
    if condition is None:
        return False
    known = {given.removeprefix("W/") for given in _EACH.findall(condition)}
    return condition.strip() == "*" or tag in known


def _condition(request: Request, header: str) -> str | None:
    lines = request.headers.getlist(header)
    if not lines:
        return None
    condition = ", ".join(lines)
    if len(condition) > MAX_CONDITION or not _CONDITION.fullmatch(condition):
        raise HTTPException(400, f"{header.title()} {_MALFORMED}")
    return condition
