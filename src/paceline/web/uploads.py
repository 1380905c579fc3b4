"""A draft's list of recipients: read back for the page, and checked against the message.

Reads only; storing the list is `services/drafts.py`. What was read is remembered for a while: a
million rows take seconds, and the page is shown more often than its list or its message changes.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import IO

from paceline.delivery import MessageTemplate
from paceline.domain.recipients import Recipient
from paceline.domain.recipients import shown as shown_value
from paceline.domain.tables.choices import NOTHING_CHOSEN, Choices
from paceline.domain.tables.columns import ALWAYS_AVAILABLE
from paceline.domain.tables.file_kinds import table_octets
from paceline.domain.tables.shape import Question
from paceline.errors import FieldProblem, InvalidInput
from paceline.persistence.stores.drafts import DraftRecord
from paceline.services import import_previews
from paceline.services.campaigns import NewCampaign
from paceline.services.drafts import Drafts
from paceline.services.imports import IN_MEMORY_OCTETS, pieces_of, receive
from paceline.services.message_notes import unknown_fields
from paceline.services.row_checks import RowChecks
from paceline.services.views import ImportPreview
from paceline.web.compose_form import FIELDS, ComposeForm
from paceline.web.forms import Problems
from paceline.web.preview import sample_of
from paceline.web.reading_form import ReadingForm, Select, guesses, selects

FILE_FIELD = "file"
TYPED = "what you typed"  # in place of a file's name
HEAD_OCTETS = 8 * 1024  # of a file, to show its first lines from
MAX_LINES = 12
MAX_REMEMBERED = 16  # readings of lists
LARGE_OCTETS = 2 * 1024 * 1024  # a list that the page is not kept waiting for
UNREAD = ImportPreview(
    rows=0, usable=0, duplicates=0, invalid=(), fields=ALWAYS_AVAILABLE, first=()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A list of recipients, as the page shows it. `choices` are how it was read."""

    name: str
    octets: int
    preview: ImportPreview
    choices: Choices
    form: ReadingForm
    lines: tuple[tuple[int, str], ...]  # the first ones, numbered
    notes: tuple[str, ...] = ()  # about rows and the message together

    @property
    def sample(self) -> str:
        """The recipient whose preview is shown."""
        return sample_of(next(iter(self.preview.first), None))

    @property
    def selects(self) -> list[Select]:
        """What can be chosen about how it is read."""
        return selects(self.form, self.preview.shape, self.lines)

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """What only its owner knows, and has not answered."""
        return self.preview.shape.open_questions if self.preview.shape else ()

    @property
    def guessed(self) -> tuple[str, ...]:
        """What was taken in doubt and decides who gets what."""
        return tuple(guesses(self.form, self.preview.shape))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """What reading a list gave. `head` None: it is no text that anybody could read."""

    head: bytes | None
    preview: ImportPreview
    notes: tuple[str, ...] = ()
    problems: tuple[FieldProblem, ...] = ()


_remembered: OrderedDict[Hashable, _Reading] = OrderedDict()


async def read_list(
    drafts: Drafts, draft: DraftRecord, problems: Problems, *, form: ComposeForm, anew: bool = False
) -> Upload | None:
    """A draft's list, read for its message as far as that is written; problems are noted.

    None where there is none, or one that no choice makes a table. `anew`: who is suppressed may
    have changed since it was read last.
    """
    if draft.list_id is None:
        problems.add(FILE_FIELD, "choose a list of recipients")
        return None
    reading_form = ReadingForm.of(draft)
    choices = reading_form.choices(problems)
    key = _key(draft, form, choices)
    reading = None if anew else _remembered.get(key)
    if reading is None:
        suppressed = await drafts.suppressed(draft.owner_id)
        async with _at_hand(drafts, draft) as file:
            reading = await asyncio.to_thread(_read, file, form, choices, suppressed)
        _remember(key, reading)
    problems.take(reading.problems, names=FIELDS)
    if reading.head is None:
        return None
    shape = reading.preview.shape
    return Upload(
        name=draft.list_name or TYPED,
        octets=draft.list_octets or 0,
        preview=reading.preview,
        choices=choices,
        form=reading_form,
        lines=first_lines(reading.head, shape.encoding if shape else choices.encoding or "utf-8"),
        notes=reading.notes,
    )


async def recipient_of(
    drafts: Drafts, draft: DraftRecord, form: ComposeForm, text: str
) -> Recipient | None:
    """The first one on its list whose address holds this text."""
    message = await asyncio.to_thread(form.message)
    wanted = message.fields if message else frozenset()
    choices = ReadingForm.of(draft).choices(Problems())
    async with _at_hand(drafts, draft) as file:
        try:
            return await asyncio.to_thread(
                import_previews.find, file, text, wanted=wanted, choices=choices
            )
        except InvalidInput:
            return None


async def keys_of(drafts: Drafts, draft: DraftRecord, form: ComposeForm, *, most: int) -> list[str]:
    """The keys of those on its list who would be mailed, at most so many."""
    message = await asyncio.to_thread(form.message)
    if message is None:
        return []
    suppressed = await drafts.suppressed(draft.owner_id)
    async with _at_hand(drafts, draft) as file:
        try:
            return await asyncio.to_thread(
                import_previews.keys_of,
                file,
                wanted=message.fields,
                choices=ReadingForm.of(draft).choices(Problems()),
                checks=RowChecks(message),
                suppressed=suppressed,
                most=most,
            )
        except InvalidInput:
            return []


@asynccontextmanager
async def _at_hand(drafts: Drafts, draft: DraftRecord) -> AsyncIterator[IO[bytes]]:
    """A draft's list as a file: a large one is on the disk, and never in memory as a whole."""
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_OCTETS) as spool:
        await receive(drafts.list_of(draft), spool)
        yield spool


def takes_long(draft: DraftRecord, form: ComposeForm) -> bool:
    """Whether its list is large, and is not remembered as it is to be read."""
    choices = ReadingForm.of(draft).choices(Problems())
    is_large = (draft.list_octets or 0) > LARGE_OCTETS
    return is_large and _key(draft, form, choices) not in _remembered


def _key(draft: DraftRecord, form: ComposeForm, choices: Choices) -> Hashable:
    return draft.list_id, choices, form.subject, form.body, form.format


def _remember(key: Hashable, reading: _Reading) -> None:
    _remembered[key] = reading
    _remembered.move_to_end(key)
    while len(_remembered) > MAX_REMEMBERED:
        _remembered.popitem(last=False)


def _read(
    file: IO[bytes], form: ComposeForm, choices: Choices, suppressed: frozenset[int]
) -> _Reading:
    head = None
    message = form.message()
    wanted = message.fields if message else frozenset()
    checks = RowChecks(message) if message else None
    try:
        head = next(table_octets(pieces_of(file)), b"")[:HEAD_OCTETS]
        file.seek(0)
        preview = import_previews.preview(
            file, wanted=wanted, choices=choices, checks=checks, suppressed=suppressed
        )
        notes = _notes(message, checks, preview) if message and checks else ()
        return _Reading(head=head, preview=preview, notes=notes)
    except InvalidInput as error:
        problems = tuple(error.problems)
    if head and choices != NOTHING_CHOSEN:
        # The choice was no good; what there is to choose from is what is found without it.
        with suppress(InvalidInput):
            file.seek(0)
            found = import_previews.preview(file, wanted=wanted)
            unread = replace(UNREAD, shape=found.shape, fields=found.fields)
            return _Reading(head=head, preview=unread, problems=problems)
    return _Reading(head=head or None, preview=UNREAD, problems=problems)


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
    """The message must suit the list: nobody gets a hole in a sentence.

    A list that has to be asked about is not judged before there is an answer.
    """
    for question in upload.open_questions:
        problems.add(question.parameter, question.text)
    if problems:
        return
    if not upload.preview.usable:
        problems.add(FILE_FIELD, _nobody(upload.preview))
    try:
        template = MessageTemplate.compile(subject=new.subject, text=new.text, html=new.html)
    except InvalidInput as error:
        problems.take(error.problems, names=FIELDS)
        return
    missing = sorted(template.fields - set(upload.preview.fields))
    if missing:
        names = ", ".join(f"{{{{ {name} }}}}" for name in missing)
        problems.add("body", f"the message uses {names}, which no column of the file provides")


def _nobody(preview: ImportPreview) -> str:
    if preview.suppressed_count:
        return "holds no recipient that may be mailed"
    return "no row of it can be used"
