"""An uploaded list of recipients: read back for the page, and checked against the message.

Reads only; storing the list is `services/imports.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.datastructures import FormData, UploadFile

from paceline.delivery import MessageTemplate
from paceline.errors import InvalidInput
from paceline.services import imports
from paceline.services.campaigns import NewCampaign
from paceline.services.views import ImportPreview
from paceline.web.compose_form import FIELDS
from paceline.web.forms import Problems
from paceline.web.preview import sample_of

FILE_FIELD = "file"
CHUNK_OCTETS = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file of recipients, as the page shows it."""

    file: UploadFile
    preview: ImportPreview

    @property
    def name(self) -> str:
        """What it is called on its owner's machine."""
        return self.file.filename or "list"

    @property
    def sample(self) -> str:
        """The recipient whose preview is shown."""
        return sample_of(self.preview)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Its bytes, from the beginning."""
        await self.file.seek(0)
        while chunk := await self.file.read(CHUNK_OCTETS):
            yield chunk


async def read_upload(posted: FormData, problems: Problems) -> Upload | None:
    """The file of a form, read; None with the reason noted."""
    file = posted.get(FILE_FIELD)
    if not isinstance(file, UploadFile) or not file.filename:
        problems.add(FILE_FIELD, "choose a list of recipients")
        return None
    await file.seek(0)
    try:
        preview = await asyncio.to_thread(imports.preview, await file.read())
    except InvalidInput as error:
        problems.take(error.problems, names=FIELDS)
        return None
    return Upload(file=file, preview=preview)


def check_together(new: NewCampaign, upload: Upload, problems: Problems) -> None:
    """The message must suit the file: nobody gets a hole in a sentence."""
    if not upload.preview.usable:
        problems.add(FILE_FIELD, "no row of it can be used")
    try:
        template = MessageTemplate.compile(subject=new.subject, text=new.text, html=new.html)
    except InvalidInput as error:
        problems.take(error.problems, names=FIELDS)
        return
    missing = sorted(template.fields - set(upload.preview.fields))
    if missing:
        names = ", ".join(f"{{{{ {name} }}}}" for name in missing)
        problems.add("body", f"the message uses {names}, which no column of the file provides")
