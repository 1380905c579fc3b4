"""`/api-keys`: the caller's own keys. New ones are made on the command line or the dashboard."""

from __future__ import annotations

import uuid

from fastapi import APIRouter

from paceline.api.outgoing.api_keys import ApiKeyOut
from paceline.api.outgoing.base import PageOut
from paceline.api.parts import Wired
from paceline.api.security import ADMIN_TO_WRITE, Caller, KnownFirst
from paceline.errors import NotFound

router = APIRouter(
    prefix="/api-keys",
    tags=["api keys"],
    route_class=KnownFirst,
    dependencies=[ADMIN_TO_WRITE],
)


@router.get("", response_model=PageOut[ApiKeyOut])
async def list_all(parts: Wired, caller: Caller) -> PageOut[ApiKeyOut]:
    """The keys that are not revoked, the newest first."""
    keys = await parts.api_keys.list(caller.user_id)
    return PageOut[ApiKeyOut](
        items=[ApiKeyOut.model_validate(key) for key in keys], next_cursor=None
    )


@router.delete("/{key_id}", status_code=204)
async def revoke(parts: Wired, caller: Caller, key_id: uuid.UUID) -> None:
    """End a key, at once."""
    if not await parts.api_keys.revoke(caller.user_id, key_id):
        raise NotFound("there is no such key")
