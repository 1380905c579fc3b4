"""An uploaded list of recipients: read back for the page, and checked against the message.

Reads only; storing the list is `services/imports.py`.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace

from starlette.datastructures import FormData, UploadFile

from paceline.delivery import MessageTemplate
from paceline.domain.recipients import shown as shown_value
from paceline.domain.tables.choices import NOTHING_CHOSEN, Choices
from paceline.domain.tables.columns import ALWAYS_AVAILABLE
from paceline.domain.tables.file_kinds import table_octets
from paceline.domain.tables.shape import Question
from paceline.errors import InvalidInput
from paceline.services import import_previews
from paceline.services.campaigns import NewCampaign
from paceline.services.message_notes import unknown_fields
from paceline.services.row_checks import RowChecks
from paceline.services.views import ImportPreview
from paceline.web.compose_form import FIELDS
from paceline.web.forms import Problems, digest_of
from paceline.web.preview import sample_of
from paceline.web.reading_form import ReadingForm, Select, guesses, selects

FILE_FIELD = "file"
CHUNK_OCTETS = 256 * 1024
HEAD_OCTETS = 8 * 1024  # of a file, to show its first lines from
MAX_LINES = 12
LOOK_FIRST = (
    "look below at how it was read: something had to be guessed. Nothing was scheduled; press again"
    " if it is right, with the file chosen again where the page has let go of it"
)
UNREAD = ImportPreview(
    rows=0, usable=0, duplicates=0, invalid=(), fields=ALWAYS_AVAILABLE, first=()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file of recipients, as the page shows it. `choices` are how it was read."""

    file: UploadFile
    preview: ImportPreview
    choices: Choices
    form: ReadingForm
    lines: tuple[tuple[int, str], ...]  # the first ones, numbered
    notes: tuple[str, ...] = ()  # about rows and the message together

    @property
    def name(self) -> str:
        """What it is called on its owner's machine."""
        return self.file.filename or "list"

    @property
    def sample(self) -> str:
        """The recipient whose preview is shown."""
        return sample_of(self.preview)

    @property
    def selects(self) -> list[Select]:
        """What can be chosen about how it is read."""
        return selects(self.form, self.preview.shape, self.lines)

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """What only its owner knows, and has not answered."""
        return self.preview.shape.open_questions if self.preview.shape else ()

    @property
    def guessed(self) -> str:
        """What tells the weighty guesses from others, or "": whoever saw them sends it along."""
        return digest_of(guesses(self.form, self.preview.shape))

    async def chunks(self) -> AsyncIterator[bytes]:
        """Its bytes, from the beginning."""
        await self.file.seek(0)
        while chunk := await self.file.read(CHUNK_OCTETS):
            yield chunk


async def read_upload(
    posted: FormData, problems: Problems, *, message: MessageTemplate | None, form: ReadingForm
) -> Upload | None:
    """The file of a form, read for the message as far as it is written; problems are noted.

    None where there is no file, or one that no choice makes a table.
    """
    file = posted.get(FILE_FIELD)
    if not isinstance(file, UploadFile) or not file.filename:
        problems.add(FILE_FIELD, "choose a list of recipients")
        return None
    await file.seek(0)
    data = await file.read()
    choices = form.choices(problems)
    head, preview, notes = await asyncio.to_thread(_read, data, message, choices, problems)
    if head is None:
        return None
    encoding = preview.shape.encoding if preview.shape else choices.encoding or "utf-8"
    lines = first_lines(head, encoding)
    return Upload(file=file, preview=preview, choices=choices, form=form, lines=lines, notes=notes)


def _read(
    data: bytes, message: MessageTemplate | None, choices: Choices, problems: Problems
) -> tuple[bytes | None, ImportPreview, tuple[str, ...]]:
    """The beginning of a text, and what reading it gave: nothing where it cannot be read so."""
    head = None
    wanted = message.fields if message else frozenset()
    checks = RowChecks(message) if message else None
    try:
        head = next(table_octets([data]), b"")[:HEAD_OCTETS]
        preview = import_previews.preview(data, wanted=wanted, choices=choices, checks=checks)
        notes = _notes(message, checks, preview) if message and checks else ()
        return head, preview, notes
    except InvalidInput as error:
        problems.take(error.problems, names=FIELDS)
    if head and choices != NOTHING_CHOSEN:
        # The choice was no good; what there is to choose from is what is found without it.
        with suppress(InvalidInput):
            found = import_previews.preview(data, wanted=wanted)
            return head, replace(UNREAD, shape=found.shape, fields=found.fields), ()
    return head or None, UNREAD, ()


def _notes(message: MessageTemplate, checks: RowChecks, preview: ImportPreview) -> tuple[str, ...]:
    unknown = unknown_fields(message, preview.fields) if preview.usable else ()
    return (*checks.left_out(), *checks.notes(), *unknown)


def first_lines(head: bytes, encoding: str) -> tuple[tuple[int, str], ...]:
    """The first lines of a text that say anything, numbered as the reader numbers them."""
    text = head.decode(encoding, errors="replace").lstrip("\ufeff")
    lines = list(io.StringIO(text, newline=""))[:MAX_LINES]
    shown = ((n, shown_value(" ".join(line.split()))) for n, line in enumerate(lines, start=1))
    return tuple((number, line) for number, line in shown if line)


def check_together(new: NewCampaign, upload: Upload, problems: Problems) -> None:
    """The message must suit the file: nobody gets a hole in a sentence.

    A file that has to be asked about is not judged before there is an answer.
    """
    for question in upload.open_questions:
        problems.add(question.parameter, question.text)
    if problems:
        return
    if upload.guessed not in ("", upload.form.seen):
        problems.add(FILE_FIELD, LOOK_FIRST)
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
