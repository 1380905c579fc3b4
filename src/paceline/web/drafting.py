"""What the compose page, its review and the list of drafts share about a draft."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial

from fastapi import Request
from starlette.datastructures import FormData, UploadFile

from paceline.domain.repeats import MAX_COMPARED
from paceline.errors import InvalidInput
from paceline.persistence.stores.drafts import DraftRecord
from paceline.services.attachments import AttachmentView, going_along, inline_names
from paceline.services.campaigns import NewCampaign
from paceline.services.drafts import Saving
from paceline.services.message_notes import notes_on
from paceline.web import same_again, wording
from paceline.web.access import Viewer
from paceline.web.compose_form import ComposeForm, typed_of
from paceline.web.forms import Problems, text_of
from paceline.web.parts import Parts
from paceline.web.rendering import zone_of
from paceline.web.uploads import FILE_FIELD, Upload, check_together, keys_of, read_list

VERSION, PAGE, TURN = "version", "page", "turn"
ADDRESSES = "addresses"  # the field of those that are typed
TYPED_NAME = ""  # of a list that was typed: a file has a name
MAX_ADDRESSES = 500_000  # characters of it
CHUNK_OCTETS = 256 * 1024
MAX_DIGITS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A draft looked at as a whole: what it amounts to, and what is to be said of it."""

    form: ComposeForm
    upload: Upload | None
    new: NewCampaign | None
    problems: Problems
    notes: tuple[str, ...]
    files: Sequence[AttachmentView]


def saving_of(posted: FormData) -> Saving:
    """On top of what a page saves."""
    return Saving(
        version=_number(posted, VERSION), page=text_of(posted, PAGE), turn=_number(posted, TURN)
    )


def told(request: Request, draft: DraftRecord) -> dict[str, object]:
    """What a page hears of a draft that was kept."""
    at = wording.clock_time(draft.updated_at, zone_of(request))
    return {"version": draft.version, "saved": at, "scheduled": draft.campaign_id is not None}


def _number(posted: FormData, name: str) -> int:
    text = text_of(posted, name)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else 0


def file_in(posted: FormData) -> UploadFile | None:
    """The list of recipients that came along, if any."""
    file = posted.get(FILE_FIELD)
    return file if isinstance(file, UploadFile) and file.filename else None


async def chunks_of(file: UploadFile) -> AsyncIterator[bytes]:
    """Its bytes, from the beginning."""
    await file.seek(0)
    while chunk := await file.read(CHUNK_OCTETS):
        yield chunk


async def typed_list(parts: Parts, draft: DraftRecord) -> str:
    """The addresses that were typed in place of a file; "" where it has a file, or nobody."""
    if draft.list_id is None or draft.list_name != TYPED_NAME:
        return ""
    return b"".join([piece async for piece in parts.drafts.list_of(draft)]).decode()


async def save_all(
    parts: Parts, owner: uuid.UUID, draft_id: uuid.UUID, posted: FormData, *, fresh: bool = False
) -> DraftRecord:
    """Keep fields and list, which is a file or what was typed. Raises as `Drafts.save` does.

    `fresh`: it is another list than before, about which nothing is chosen yet.
    """
    saving = saving_of(posted)
    file = file_in(posted)
    draft = await parts.drafts.save(owner, draft_id, typed_of(posted), saving)
    text = text_of(posted, ADDRESSES).replace("\r\n", "\n").replace("\x00", "")
    if file is not None:
        if text.strip() and not fresh:  # a file that is put there by itself was asked about
            raise InvalidInput.of(ADDRESSES, "stand beside a file: empty them, or choose no file")
        return await parts.drafts.put_list(
            owner, draft_id, file.filename or "list", chunks_of(file), saving, fresh=fresh
        )
    if ADDRESSES not in posted or text == await typed_list(parts, draft):
        return draft
    if len(text) > MAX_ADDRESSES:
        raise InvalidInput.of(ADDRESSES, "are too many to be typed: save them as a file")
    if text.strip():
        return await parts.drafts.put_list(
            owner, draft_id, TYPED_NAME, octets_of(text), saving, fresh=fresh
        )
    if draft.list_name == TYPED_NAME:
        return await parts.drafts.drop_list(owner, draft_id, saving)
    return draft


async def octets_of(text: str) -> AsyncIterator[bytes]:
    """Addresses that were typed, as a list is kept."""
    yield text.encode(errors="replace")


async def look_at(
    parts: Parts, viewer: Viewer, draft: DraftRecord, *, anew: bool = False
) -> Looked:
    """All that is wrong with it or worth a note, as it stands."""
    form = ComposeForm.of(draft)
    problems = Problems()
    new = await asyncio.to_thread(form.as_new, problems)  # a large message takes a second
    upload = await read_list(parts.drafts, draft, problems, form=form, anew=anew)
    if new is not None:
        senders = await parts.senders.list(viewer.principal.user_id)
        if all(sender.id != new.sender_id for sender in senders):
            problems.add("sender_id", "is none of your senders")
    notes: tuple[str, ...] = ()
    files = going_along(await parts.draft_files.all_of(draft.owner_id, draft.id), form.html)
    if new is not None and upload is not None:
        await asyncio.to_thread(check_together, new, upload, problems)
        notes = await notes_on(
            new.subject,
            new.text,
            new.html,
            fields=upload.preview.fields,
            inline=inline_names(files),
            files=[file.file_name for file in files],
        )
        notes += upload.notes + upload.guessed
    return Looked(form=form, upload=upload, new=new, problems=problems, notes=notes, files=files)


async def sent_before(
    parts: Parts,
    draft: DraftRecord,
    looked: Looked,
    *,
    own_id: uuid.UUID | None,
    zone: tzinfo,
) -> tuple[str, ...]:
    """That people on its list get its subject by another campaign within a day, if they do."""
    if looked.new is None or looked.upload is None:
        return ()
    keys = partial(keys_of, parts.drafts, draft, looked.form, most=MAX_COMPARED)
    found = await parts.queries.repeats_of_list(draft.owner_id, looked.new, keys, own_id=own_id)
    return same_again.notes_on(found, subject=looked.new.subject, zone=zone)
