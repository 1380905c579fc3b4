"""The compose page as it is shown: fields, list, timetable, and what is wrong with each."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Any

from fastapi import Request
from starlette.responses import Response

from paceline import clock
from paceline.domain.bounds import MAX_FILE_OCTETS
from paceline.domain.identifiers import new_id
from paceline.domain.tables.columns import ALWAYS_AVAILABLE
from paceline.persistence.stores.drafts import DraftRecord
from paceline.services.attachments import going_along
from paceline.services.views import SenderView
from paceline.web import wording
from paceline.web.access import Viewer
from paceline.web.attached import BOUNDS
from paceline.web.compose_form import ComposeForm, quick_picks, zones
from paceline.web.fields import told
from paceline.web.form_tokens import new_token
from paceline.web.forms import Problems
from paceline.web.parts import Parts
from paceline.web.reading_form import became
from paceline.web.rendering import render, wants_fragment, zone_of
from paceline.web.states import hindrance
from paceline.web.timetable import Pace, Timetable, plan, series
from paceline.web.uploads import Upload

NO_RECIPIENTS_YET = "Choose a list of recipients to see when each hour's emails go out."


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """What stands on the page. `page` is its name, by which its own saves are known."""

    form: ComposeForm
    draft: DraftRecord | None = None
    draft_id: uuid.UUID = field(default_factory=new_id)  # of one that is not stored yet
    upload: Upload | None = None
    problems: Problems = field(default_factory=Problems)
    list_problem: str = ""  # about a list that was read without anybody asking for the rest
    addresses: str = ""  # typed in place of a file
    conflict: bool = False  # another page saved meanwhile; nothing was overwritten
    page: str = field(default_factory=new_token)


async def compose_page(request: Request, parts: Parts, viewer: Viewer, shown: Composed) -> Response:
    """All of it, or the part that a form is replaced by."""
    owner = viewer.principal.user_id
    senders = await parts.senders.list(owner)
    form, draft, upload = shown.form, shown.draft, shown.upload
    if not form.sender_id:
        last = await parts.sender_uses.last_used(owner)
        form = replace(form, sender_id=_first_choice(senders, last))
    status = 409 if shown.conflict else 422 if shown.problems else 200
    draft_id = draft.id if draft else shown.draft_id
    files = await parts.draft_files.all_of(owner, draft_id)
    return render(
        request,
        "_compose.html" if wants_fragment(request) else "compose.html",
        viewer=viewer,
        status=status,
        section="compose",
        form=form,
        draft_id=draft_id,
        draft=draft,
        version=draft.version if draft else 0,
        page_token=shown.page or new_token(),
        conflict=shown.conflict,
        senders=senders,
        dev_inbox=parts.dev_inbox,
        problems=shown.problems.by_field,
        zones=_zones_with(form.time_zone),
        quick_picks=quick_picks(now=clock.now(), zone=zone_of(request)),
        max_file_mib=MAX_FILE_OCTETS >> 20,
        typed=shown.addresses,
        files=going_along(files, form.html),
        files_at=f"/compose/{draft_id}",
        file_bounds=BOUNDS,
        **shown_list(upload, draft, shown.list_problem),
        **timetable_of(form, senders, count=upload.preview.usable if upload else 0),
    )


def _first_choice(senders: Sequence[SenderView], last: uuid.UUID | None) -> str:
    """The id of whom a new campaign comes from; "" where somebody has to choose.

    By whom the last email left, else one that was verified, else the only one that there is.
    """
    working = [sender for sender in senders if hindrance(sender) is None]
    used = [sender for sender in working if sender.id == last]
    verified = [sender for sender in working if sender.verified_at is not None]
    alone = senders if len(senders) == 1 else ()
    return next((str(sender.id) for sender in (*used, *verified, *alone)), "")


def shown_list(upload: Upload | None, draft: DraftRecord | None, problem: str) -> dict[str, Any]:
    """A list as its templates want it."""
    return {
        "upload": upload,
        "list_file": draft.list_name if draft else None,
        "unread": draft if draft and draft.list_id and upload is None else None,
        "upload_problem": told(problem, subject="The list"),
        "became": became,
        "previewed": upload.preview.first[0] if upload and upload.preview.first else None,
        "fields": upload.preview.fields if upload else ALWAYS_AVAILABLE,
    }


def plan_of(
    form: ComposeForm, senders: Sequence[SenderView], *, count: int
) -> tuple[Timetable, Pace]:
    """When `count` emails go out, as far as the fields make sense, and the pace that holds."""
    unheard = Problems()
    now = clock.now()
    start_at = max(form.start_at(unheard) or now, now)
    pace = form.pace(unheard)
    for sender in senders:
        if str(sender.id) == form.sender_id:
            own = Pace(min_delay_ms=sender.min_delay_ms, hourly_limit=sender.hourly_limit)
            pace = pace.tightened_by(own)
    return plan(count, start_at=start_at, pace=pace), pace


def timetable_of(form: ComposeForm, senders: Sequence[SenderView], *, count: int) -> dict[str, Any]:
    """The plan, as far as the fields make sense; what does not is left out in silence."""
    if not count:
        return {"plan": None, "plan_missing": NO_RECIPIENTS_YET}
    planned, _ = plan_of(form, senders, count=count)
    zone = form.zone
    first = "right away" if form.when == "now" else moment(planned.first_at, zone)
    return {
        "plan": planned,
        "plan_first": first,
        "plan_last": moment(planned.last_at, zone),
        "plan_zone": wording.zone_label(zone, planned.first_at),
        "series": series(planned.bars, zone),
    }


def moment(at: datetime, zone: tzinfo) -> str:
    """A point of the plan."""
    return wording.day_and_time(at, now=clock.now(), zone=zone)


def _zones_with(name: str) -> Sequence[str]:
    known = zones()
    return known if name in known else (name, *known)
