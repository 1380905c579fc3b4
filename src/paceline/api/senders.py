"""`/senders`: the From identities with their SMTP accounts."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from paceline.api.etags import IfMatch, TaggedRoute, tagged
from paceline.api.idempotency import reserved_id
from paceline.api.incoming import DkimIn, SenderIn, SenderPatchIn, TestIn
from paceline.api.outgoing.base import PageOut
from paceline.api.outgoing.senders import (
    CheckOut,
    DkimRecordOut,
    DnsReportOut,
    PresetsOut,
    SenderOut,
    SenderUseOut,
    SenderWorkOut,
    TestOut,
)
from paceline.api.paging import Cursor, Limit
from paceline.api.parts import Wired
from paceline.api.security import ADMIN_TO_WRITE, Caller
from paceline.leaving import while_there
from paceline.services.sender_dns import DnsReport
from paceline.services.sender_grants import NewGrant
from paceline.services.sender_presets import OfferedPresets
from paceline.services.sender_removal import SenderWork
from paceline.services.sender_use import SenderUse
from paceline.services.senders import CheckReport, DkimRecord, NewSender, SenderPatch, TestReport
from paceline.services.views import Page, SenderView

MAX_ADDRESS = 320  # characters

router = APIRouter(
    prefix="/senders", tags=["senders"], route_class=TaggedRoute, dependencies=[ADMIN_TO_WRITE]
)


@router.post("", status_code=201, response_model=SenderOut)
async def create(
    request: Request, response: Response, parts: Wired, caller: Caller, body: SenderIn
) -> SenderView:
    """Add a sender."""
    new = NewSender(**_with_grant(body, body.model_dump()))
    view = await parts.senders.create(caller.user_id, new, reserved_id=reserved_id(request))
    response.headers["Location"] = f"{request.url.path.rstrip('/')}/{view.id}"
    return tagged(response, view)


@router.get("", response_model=PageOut[SenderOut])
async def list_all(
    parts: Wired, caller: Caller, cursor: Cursor = None, limit: Limit = 50
) -> Page[SenderView]:
    """The senders, the newest first."""
    return await parts.senders.page(caller.user_id, cursor=cursor, limit=limit)


@router.get("/presets", response_model=PresetsOut)
async def presets(
    parts: Wired,
    _caller: Caller,
    address: Annotated[
        str | None, Query(max_length=MAX_ADDRESS, description="Of a sender that is to be added")
    ] = None,
) -> OfferedPresets:
    """How the usual providers take mail, to be filled in; with an `address`, which one it needs."""
    return await parts.sender_presets.offered(address)


@router.get("/{sender_id}", response_model=SenderOut)
async def get(response: Response, parts: Wired, caller: Caller, sender_id: uuid.UUID) -> SenderView:
    """One sender."""
    return tagged(response, await parts.senders.get(caller.user_id, sender_id))


@router.patch("/{sender_id}", response_model=SenderOut)
async def patch(
    response: Response,
    parts: Wired,
    caller: Caller,
    sender_id: uuid.UUID,
    body: SenderPatchIn,
    only: IfMatch,
) -> SenderView:
    """Change a sender. New account details set a broken one going again."""
    change = SenderPatch(**_with_grant(body, body.given()))
    view = await parts.senders.patch(caller.user_id, sender_id, change, only=only)
    return tagged(response, view)


@router.get("/{sender_id}/work", response_model=SenderWorkOut)
async def work(parts: Wired, caller: Caller, sender_id: uuid.UUID) -> SenderWork:
    """What it still has to do: deleting it is refused meanwhile, or cancels that."""
    return await parts.sender_removal.work(caller.user_id, sender_id)


@router.delete("/{sender_id}", status_code=204)
async def delete(
    parts: Wired,
    caller: Caller,
    sender_id: uuid.UUID,
    only: IfMatch,
    cancel: Annotated[bool, Query(description="Cancel its campaigns and emails first")] = False,
) -> None:
    """Delete a sender and its secrets. What it has sent stays. 409 while it has work."""
    await parts.sender_removal.remove(caller.user_id, sender_id, cancel=cancel, only=only)


@router.get("/{sender_id}/use", response_model=SenderUseOut)
async def use(parts: Wired, caller: Caller, sender_id: uuid.UUID) -> SenderUse:
    """How much of its hourly limit is used, and how much it has sent since midnight (UTC)."""
    return await parts.sender_uses.of(caller.user_id, sender_id)


@router.post("/{sender_id}/verify", response_model=CheckOut)
async def verify(
    request: Request, parts: Wired, caller: Caller, sender_id: uuid.UUID
) -> CheckReport:
    """Connect to its server and log in, within 20 s. 429 while four such checks are at work."""
    return await while_there(request, parts.senders.verify(caller.user_id, sender_id))


@router.get("/{sender_id}/dns", response_model=DnsReportOut)
async def look_up_dns(parts: Wired, caller: Caller, sender_id: uuid.UUID) -> DnsReport:
    """SPF, DKIM and DMARC of the domain that it writes from, with verdicts. Asks DNS anew."""
    return await parts.sender_dns.look_up(caller.user_id, sender_id)


@router.post("/{sender_id}/test", response_model=TestOut)
async def test(parts: Wired, caller: Caller, sender_id: uuid.UUID, body: TestIn) -> TestReport:
    """Send one short message, at once. It counts against the sender's limits (429)."""
    return await parts.senders.send_test(caller.user_id, sender_id, body.to)


@router.post("/{sender_id}/dkim", status_code=201, response_model=DkimRecordOut)
async def make_dkim_key(
    request: Request,
    response: Response,
    parts: Wired,
    caller: Caller,
    sender_id: uuid.UUID,
    body: DkimIn,
) -> DkimRecord:
    """Make a DKIM key: its emails are signed from now on. Publish the record at once."""
    response.headers["Location"] = request.url.path
    return await parts.senders.make_dkim_key(
        caller.user_id, sender_id, body.algorithm, body.selector, domain=body.domain
    )


@router.get("/{sender_id}/dkim", response_model=DkimRecordOut)
async def dkim_record(parts: Wired, caller: Caller, sender_id: uuid.UUID) -> DkimRecord:
    """The record to publish for its DKIM key."""
    return await parts.senders.dkim_record(caller.user_id, sender_id)


@router.delete("/{sender_id}/dkim", status_code=204)
async def drop_dkim_key(parts: Wired, caller: Caller, sender_id: uuid.UUID) -> None:
    """Forget its DKIM key: its emails go unsigned."""
    await parts.senders.drop_dkim_key(caller.user_id, sender_id)


def _with_grant(body: SenderIn | SenderPatchIn, values: dict[str, Any]) -> dict[str, Any]:
    if body.smtp_oauth is not None:
        values["smtp_oauth"] = NewGrant(**body.smtp_oauth.model_dump())
    return values
