"""The files that go along with a message, as they come with its page's form."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

from starlette.datastructures import FormData, UploadFile
from starlette.responses import JSONResponse

from paceline.domain.bounds import MAX_ATTACHED_OCTETS, MAX_ATTACHMENT_OCTETS, MAX_ATTACHMENTS
from paceline.domain.recipients import shown
from paceline.errors import InvalidInput
from paceline.persistence.stores.drafts import DraftRecord
from paceline.services.attachments import NewAttachment, NewImage
from paceline.web.drafting import chunks_of, saving_of
from paceline.web.forms import Problems, text_of
from paceline.web.parts import Parts

ATTACHED = "attached"  # the form's field
BOUNDS = (
    f"At most {MAX_ATTACHMENTS} files of {MAX_ATTACHMENT_OCTETS >> 20} MB,"
    f" {MAX_ATTACHED_OCTETS >> 20} MB in all; each email carries them"
)
IMAGE, CONTENT_ID = "image", "content_id"  # the fields of a picture that was put into the text
Add: TypeAlias = Callable[[NewAttachment, AsyncIterator[bytes]], Awaitable[None]]


async def attach_posted(
    parts: Parts, draft: DraftRecord, posted: FormData, problems: Problems
) -> DraftRecord:
    """Keep the files that came along; each that cannot be is named in `problems`.

    Raises `Outdated` and `Conflict` as `Drafts.save` does.
    """

    async def add(new: NewAttachment, chunks: AsyncIterator[bytes]) -> None:
        await parts.draft_files.add(draft.owner_id, draft.id, new, chunks, saving_of(posted))

    is_any = await attach_each(posted, problems, add)
    return await parts.drafts.get(draft.owner_id, draft.id) if is_any else draft


async def attach_each(posted: FormData, problems: Problems, add: Add) -> bool:
    """`add` each file that came along; what it refuses is named in `problems`. Whether any came."""
    files = [file for file in posted.getlist(ATTACHED) if isinstance(file, UploadFile)]
    named = [(file.filename, file) for file in files if file.filename]
    refused = []
    for name, file in named:
        new = NewAttachment(file_name=name, content_type=file.content_type or "")
        try:
            await add(new, chunks_of(file))
        except InvalidInput as error:
            why = "; ".join(problem.message for problem in error.problems)
            refused.append(f"“{shown(name)}” was not attached: it {why}.")
    if refused:
        problems.add(ATTACHED, " ".join(refused))
    return bool(named)


def image_in(posted: FormData) -> tuple[NewImage, AsyncIterator[bytes]]:
    """The picture that came along, and its octets. Raises `InvalidInput` where there is none."""
    file = posted.get(IMAGE)
    if not isinstance(file, UploadFile):
        raise InvalidInput.of("file", "is missing")
    name = file.filename or "image"
    return NewImage(file_name=name, content_id=text_of(posted, CONTENT_ID)), chunks_of(file)


def refused_image(error: InvalidInput) -> JSONResponse:
    """Why a picture was not put in, for the script that sent it."""
    why = "; ".join(f"it {problem.message}" for problem in error.problems)
    return JSONResponse({"problem": why}, status_code=422)
