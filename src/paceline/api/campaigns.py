"""`/campaigns`: one message to many recipients, from draft to done."""

from __future__ import annotations

import asyncio
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from paceline.api.bodies import TABLES, media_type
from paceline.api.emails import CampaignEmailQuery, listed
from paceline.api.etags import IfMatch, TaggedRoute, tagged
from paceline.api.idempotency import answered_or_not_done, reserved_id, settled_as
from paceline.api.incoming import (
    RECIPIENTS,
    CampaignIn,
    CampaignPatchIn,
    ChoicesQuery,
    RecipientsIn,
    RetryIn,
)
from paceline.api.json_bodies import checked, refused
from paceline.api.outgoing.base import PageOut
from paceline.api.outgoing.campaigns import (
    CampaignOut,
    CreatedCampaignOut,
    FailedGroupOut,
    FailuresOut,
    RepeatOut,
    RepeatsOut,
    RetryReportOut,
)
from paceline.api.outgoing.emails import EmailOut
from paceline.api.outgoing.tables import ReportOut
from paceline.api.paging import Cursor, Limit
from paceline.api.parts import Wired
from paceline.api.security import Caller
from paceline.domain.lifecycle import CampaignState, FailureReason
from paceline.domain.recipients import RawRecipient
from paceline.domain.retrying import FailedFilter, reply_key
from paceline.errors import FieldProblem, InvalidInput
from paceline.persistence.stores.campaigns import CampaignFilter
from paceline.services.campaigns import CampaignPatch, NewCampaign
from paceline.services.retrying import RetryReport
from paceline.services.views import (
    CampaignView,
    CreatedCampaign,
    EmailView,
    ImportReport,
    Page,
)

router = APIRouter(prefix="/campaigns", tags=["campaigns"], route_class=TaggedRoute)

MAX_VARIANT_CHARACTERS = 200
_RECIPIENTS = RecipientsIn.model_json_schema(ref_template="#/components/schemas/{model}")
_RECIPIENTS.pop("$defs", None)  # they are among the components, for `POST /campaigns`
_UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/gzip": {"schema": {"type": "string", "format": "binary"}},
            "application/json": {"schema": _RECIPIENTS},
        },
    }
}


@router.post("", status_code=201, response_model=CreatedCampaignOut)
async def create(
    request: Request,
    response: Response,
    parts: Wired,
    caller: Caller,
    body: CampaignIn,
    variant: Annotated[str | None, Query(max_length=MAX_VARIANT_CHARACTERS)] = None,
) -> CreatedCampaignOut:
    """Create a draft, with its recipients if they are given: all of it or nothing.

    `variant` is any text of yours about what is to follow. It does nothing but to belong to what
    is compared under an Idempotency-Key: another variant is another request.
    """
    del variant
    values = {name: getattr(body, name) for name in CampaignIn.model_fields}
    values["recipients"] = await asyncio.to_thread(_recipients, body.recipients)
    created = await parts.campaigns.create(
        caller.user_id,
        NewCampaign(**values),
        reserved_id=reserved_id(request),
        settle=settled_as(request, _created_out, status=201),
    )
    response.headers["Location"] = f"{request.url.path.rstrip('/')}/{created.campaign.id}"
    tagged(response, created.campaign)
    return _created_out(created)


@router.get("", response_model=PageOut[CampaignOut])
async def list_all(
    parts: Wired,
    caller: Caller,
    state: CampaignState | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[CampaignView]:
    """The campaigns, the newest first."""
    wanted = CampaignFilter(state=state)
    return await parts.queries.campaigns(caller.user_id, wanted, cursor=cursor, limit=limit)


@router.get("/{campaign_id}", response_model=CampaignOut)
async def get(
    response: Response, parts: Wired, caller: Caller, campaign_id: uuid.UUID
) -> CampaignView:
    """One campaign with its counts."""
    return tagged(response, await parts.queries.campaign(caller.user_id, campaign_id))


@router.patch("/{campaign_id}", response_model=CampaignOut)
async def patch(
    response: Response,
    parts: Wired,
    caller: Caller,
    campaign_id: uuid.UUID,
    body: CampaignPatchIn,
    only: IfMatch,
) -> CampaignView:
    """Change its pace, its start or its name at any time; its content while it is a draft."""
    change = CampaignPatch(**body.given())
    view = await parts.campaigns.patch(caller.user_id, campaign_id, change, only=only)
    return tagged(response, view)


@router.post("/{campaign_id}/recipients", response_model=ReportOut, openapi_extra=_UPLOAD_BODY)
@answered_or_not_done
async def add_recipients(
    request: Request,
    parts: Wired,
    caller: Caller,
    campaign_id: uuid.UUID,
    query: Annotated[ChoicesQuery, Query()],
) -> ImportReport:
    """Add recipients, as a CSV file in the body or as JSON: all that are usable, or none.

    Each row that is not usable is reported with its line and a reason, and `shape` says how the
    file was read; the parameters choose otherwise. Where only its owner can know what is meant (two
    columns of addresses, say), nothing is stored: the answer is 422 with the question, its options
    and the parameter that takes one. The file may be packed with gzip, as a body
    (`Content-Encoding: gzip`) or as a file (`application/gzip`).
    """
    settle = settled_as(request, ReportOut.model_validate)
    if media_type(request.headers) in TABLES:
        return await parts.imports.add_csv(
            caller.user_id,
            campaign_id,
            request.stream(),
            choices=query.choices(),
            settle=settle,
        )
    if query.chosen:
        raise InvalidInput([FieldProblem(name, "is for files only") for name in query.chosen])
    try:
        body = RecipientsIn.model_validate(await request.json())
    except ValidationError as error:
        raise refused(error) from None
    except (ValueError, RecursionError):
        raise HTTPException(400, "the body is not valid JSON") from None
    recipients = await asyncio.to_thread(_recipients, body.recipients)
    return await parts.imports.add(caller.user_id, campaign_id, recipients, settle=settle)


@router.post("/{campaign_id}/launch", response_model=CampaignOut)
async def launch(
    request: Request,
    response: Response,
    parts: Wired,
    caller: Caller,
    campaign_id: uuid.UUID,
    only: IfMatch,
) -> CampaignView:
    """Let it go at its start, or now."""
    settle = settled_as(request, CampaignOut.model_validate)
    view = await parts.campaigns.launch(caller.user_id, campaign_id, only=only, settle=settle)
    return tagged(response, view)


@router.post("/{campaign_id}/pause", response_model=CampaignOut)
async def pause(
    request: Request,
    response: Response,
    parts: Wired,
    caller: Caller,
    campaign_id: uuid.UUID,
    only: IfMatch,
) -> CampaignView:
    """Hold whatever is not on its way yet."""
    settle = settled_as(request, CampaignOut.model_validate)
    view = await parts.campaigns.pause(caller.user_id, campaign_id, only=only, settle=settle)
    return tagged(response, view)


@router.post("/{campaign_id}/resume", response_model=CampaignOut)
async def resume(
    request: Request,
    response: Response,
    parts: Wired,
    caller: Caller,
    campaign_id: uuid.UUID,
    only: IfMatch,
) -> CampaignView:
    """Go on where it stopped."""
    settle = settled_as(request, CampaignOut.model_validate)
    view = await parts.campaigns.resume(caller.user_id, campaign_id, only=only, settle=settle)
    return tagged(response, view)


@router.post("/{campaign_id}/cancel", response_model=CampaignOut)
async def cancel(
    request: Request,
    response: Response,
    parts: Wired,
    caller: Caller,
    campaign_id: uuid.UUID,
    only: IfMatch,
) -> CampaignView:
    """End it: what still waits is never sent."""
    settle = settled_as(request, CampaignOut.model_validate)
    view = await parts.campaigns.cancel(caller.user_id, campaign_id, only=only, settle=settle)
    return tagged(response, view)


@router.get("/{campaign_id}/failures", response_model=FailuresOut)
async def failures(parts: Wired, caller: Caller, campaign_id: uuid.UUID) -> FailuresOut:
    """Why emails of it failed, by reason and reply."""
    groups = await parts.retrying.groups(caller.user_id, campaign_id)
    return FailuresOut(
        items=tuple(
            FailedGroupOut(
                reason=FailureReason(group.reason),
                reply=reply_key(group.reply_code, group.reply_enhanced),
                count=group.count,
                example=group.example,
            )
            for group in groups
        )
    )


@router.get("/{campaign_id}/repeats", response_model=RepeatsOut)
async def repeats(parts: Wired, caller: Caller, campaign_id: uuid.UUID) -> RepeatsOut:
    """How many of its recipients get the same subject from the same sender within a day of it.

    They got it by another campaign, or wait for it there. Counted up to a limit.
    """
    found = await parts.queries.repeats(caller.user_id, campaign_id)
    return RepeatsOut(items=tuple(RepeatOut.model_validate(repeat) for repeat in found))


@router.post("/{campaign_id}/retry", response_model=RetryReportOut)
async def retry(
    request: Request,
    parts: Wired,
    caller: Caller,
    campaign_id: uuid.UUID,
    body: RetryIn | None = None,
) -> RetryReport:
    """Try again what has failed: all of it, or by `reason` and `reply`. If complete, it goes on.

    Whoever is on the suppression list stays out and is counted: take the address off the list first
    (`DELETE /suppressions/{address}`). Their tries begin anew, under the same Message-ID.
    """
    given = body or RetryIn()
    return await parts.retrying.campaign(
        caller.user_id,
        campaign_id,
        FailedFilter.of(reason=given.reason, reply=given.reply),
        run=reserved_id(request),
        dry_run=given.dry_run,
        settle=settled_as(request, RetryReportOut.model_validate),
    )


@router.delete("/{campaign_id}", status_code=204)
async def discard(parts: Wired, caller: Caller, campaign_id: uuid.UUID, only: IfMatch) -> None:
    """Throw a draft away, recipients and all. What was launched can only be cancelled."""
    await parts.campaigns.discard(caller.user_id, campaign_id, only=only)


@router.get("/{campaign_id}/emails", response_model=PageOut[EmailOut])
async def emails(
    parts: Wired,
    caller: Caller,
    campaign_id: uuid.UUID,
    query: Annotated[CampaignEmailQuery, Query()],
) -> Page[EmailView]:
    """Its emails in the order of the upload; with `state`, as `/emails` lists them."""
    return await listed(parts, caller, query, query.of(campaign_id))


def _created_out(created: CreatedCampaign) -> CreatedCampaignOut:
    shown = CampaignOut.model_validate(created.campaign)
    report = None if created.report is None else ReportOut.model_validate(created.report)
    return CreatedCampaignOut(**dict(shown), report=report)


def _recipients(given: object) -> list[RawRecipient]:
    """As they came, some at a time: on a thread. Raises `RequestValidationError`."""
    return [
        RawRecipient(email=r.email, name=r.name, fields=r.fields)
        for r in checked(given, RECIPIENTS, field="recipients")
    ]
