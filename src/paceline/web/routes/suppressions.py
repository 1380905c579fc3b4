"""Suppressions: who is not written to, and why; added, imported, exported, taken off."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response, StreamingResponse

from paceline.domain.tables.shape import OpenQuestions, Question
from paceline.errors import InvalidInput, NotFound
from paceline.persistence.stores.suppressions import MAX_COUNTED, Wanted, Why
from paceline.services.suppressions import IMPORTED, MANUAL, REASONS, checked
from paceline.services.views import SuppressionReport
from paceline.web.access import SignedIn, Viewer, form_of
from paceline.web.forms import Problems, text_of
from paceline.web.listing import Column, ListState
from paceline.web.once import OnceRoute, carried_out_once
from paceline.web.parts import Wired
from paceline.web.reading_form import ReadingForm
from paceline.web.rendering import go_to, render, wants_fragment
from paceline.web.wording import count

router = APIRouter(prefix="/suppressions", route_class=OnceRoute)

COLUMNS = (
    Column(key="address", label="Address", look="pl-grow"),
    Column(key="why", label="Why", line=True),
    Column(key="since", label="Since", look="pl-quiet tabular-nums whitespace-nowrap"),
    Column(key="by", label="Added by", wide_from="lg", look="pl-quiet"),
    Column(key="actions", label="", align="end"),
)
CHUNK_OCTETS = 256 * 1024
MAX_SHOWN = 100  # rows that hold no address
_FIELDS = {name: name for name in ("file", "note", "addresses", "address")}
_CHOICES = {
    name: name
    for name in ("address_column", "header_line", "encoding", "opted_out", "opt_in_column")
}


@router.get("")
async def list_suppressions(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """The list, as the address asks for it."""
    state = ListState.read(request.query_params, path="/suppressions", filters=("q", "reason"))
    owner, wanted = viewer.principal.user_id, _wanted(state)
    page = await parts.suppressions.page(
        owner, wanted=wanted, cursor=state.cursor or None, limit=state.size
    )
    total = await parts.suppressions.count(owner, wanted=wanted)
    return render(
        request,
        "_suppression_rows.html" if wants_fragment(request) else "suppressions.html",
        viewer=viewer,
        section="suppressions",
        columns=COLUMNS,
        state=state,
        page=page,
        total=total if total < MAX_COUNTED else None,
        removed=[] if wants_fragment(request) else await parts.suppressions.removed(owner),
    )


@router.get("/export")
async def export(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """The list as CSV, with the filters of the address."""
    state = ListState.read(request.query_params, path="/suppressions", filters=("q", "reason"))
    return StreamingResponse(
        parts.suppressions.export(viewer.principal.user_id, wanted=_wanted(state)),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="suppressions.csv"'},
    )


@router.get("/new")
async def new_suppressions(request: Request, viewer: SignedIn) -> Response:
    """An empty form."""
    return _form(request, viewer, form={"addresses": "", "note": ""})


@router.post("")
@carried_out_once
async def add_suppressions(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """Suppress what was pasted, or what is in a file."""
    posted = await form_of(request)
    form = {name: text_of(posted, name) for name in ("addresses", "note")}
    problems = Problems()
    reading = ReadingForm.read(posted)
    choices = reading.choices(problems)
    file = _file_of(posted)
    questions: tuple[Question, ...] = ()
    if file is None and not form["addresses"].strip():
        problems.add("addresses", "paste some addresses, or choose a file")
    if not problems:
        chunks = _chunks(file) if file else _pasted(form["addresses"])
        why = Why(
            reason=IMPORTED if file else MANUAL,
            note=form["note"] or None,
            added_by=viewer.principal.actor,
        )
        try:
            report = await parts.suppressions.add_file(
                viewer.principal.user_id, chunks, choices=choices, why=why
            )
        except InvalidInput as error:
            questions = error.shape.open_questions if isinstance(error, OpenQuestions) else ()
            names = {**_FIELDS, **_CHOICES, **({} if file else {"file": "addresses"})}
            problems.take(error.problems, names=names)
        else:
            if not report.invalid:
                return go_to(request, "/suppressions", said=told(report))
            return _form(request, viewer, form={"addresses": "", "note": ""}, report=report)
    return _form(
        request,
        viewer,
        form={**form, **{q.parameter: getattr(reading, q.parameter) for q in questions}},
        problems=problems,
        questions=questions,
    )


@router.get("/remove")
async def ask_to_remove(
    request: Request, parts: Wired, viewer: SignedIn, address: str = ""
) -> Response:
    """The question before an address is taken off the list."""
    found = await parts.suppressions.get(viewer.principal.user_id, address)
    return _question(request, viewer, found=found, note="")


@router.post("/remove")
@carried_out_once
async def remove_suppression(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """Take an address off the list, with a word on why."""
    posted = await form_of(request)
    address, note = text_of(posted, "address"), text_of(posted, "note").strip()
    owner = viewer.principal.user_id
    problems = Problems()
    if not note:
        problems.add("note", "say why: whoever looks at this later will want to know")
    else:
        try:
            await parts.suppressions.remove(owner, address, actor=viewer.principal.actor, note=note)
        except InvalidInput as error:
            problems.take(error.problems, names=_FIELDS)
        except NotFound:
            return go_to(request, "/suppressions", said=f"{address} was not on the list.")
        else:
            return go_to(request, "/suppressions", said=f"{address} may be written to again.")
    found = await parts.suppressions.get(owner, address)
    return _question(request, viewer, found=found, note=note, problems=problems)


def told(report: SuppressionReport) -> str:
    """What became of a list."""
    known = f", {report.known:,} on the list already" if report.known else ""
    return f"{count(report.added, 'address', 'addresses')} added{known}."


def _wanted(state: ListState) -> Wanted:
    reason = state.filters["reason"]
    return checked(Wanted(q=state.q or None, reason=reason if reason in REASONS else None))


def _file_of(posted: FormData) -> UploadFile | None:
    file = posted.get("file")
    return file if isinstance(file, UploadFile) and file.filename else None


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    await file.seek(0)
    while chunk := await file.read(CHUNK_OCTETS):
        yield chunk


async def _pasted(text: str) -> AsyncIterator[bytes]:
    yield text.encode("utf-8", "replace")


def _form(
    request: Request,
    viewer: Viewer,
    *,
    form: Mapping[str, str],
    problems: Problems | None = None,
    questions: tuple[Question, ...] = (),
    report: SuppressionReport | None = None,
) -> Response:
    return render(
        request,
        "suppressions_new.html",
        viewer=viewer,
        status=422 if problems else 200,
        section="suppressions",
        form=form,
        problems=problems.by_field if problems else {},
        questions=questions,
        report=report,
        told=report and told(report),
        most=MAX_SHOWN,
    )


def _question(
    request: Request, viewer: Viewer, *, found: Any, note: str, problems: Problems | None = None
) -> Response:
    return render(
        request,
        "suppression_remove.html",
        viewer=viewer,
        status=422 if problems else 200,
        section="suppressions",
        found=found,
        form={"note": note},
        problems=problems.by_field if problems else {},
    )
