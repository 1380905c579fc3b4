"""Reads an uploaded table of recipients, of any usual shape, without ever holding all of it.

The sum always comes out: rows read = recipients + refused + left out. Duplicates and suppressions
are counted where the whole campaign is seen, in the store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

from paceline.domain.addresses import InvalidAddress
from paceline.domain.bounds import MAX_BATCH, MAX_FILE_OCTETS, MAX_REFUSED, MAX_ROWS
from paceline.domain.recipients import (
    Recipient,
    Refusal,
    RefusedRow,
    from_cells,
    from_plain_cells,
    refuse_missing_columns,
    refuse_without,
    shown,
)
from paceline.domain.tables.address_mending import holds_an_address
from paceline.domain.tables.choices import NOTHING_CHOSEN, Choices, OptedOut
from paceline.domain.tables.columns import ALWAYS_AVAILABLE, LIST_LAYOUT, Layout
from paceline.domain.tables.header import is_closing_line, is_header_again
from paceline.domain.tables.lists import is_mail_head
from paceline.domain.tables.notes import Notes
from paceline.domain.tables.reading import Reading, again, opted_out_question, settle
from paceline.domain.tables.rows import BROKEN_QUOTES, Row, Rows
from paceline.domain.tables.sections import (
    is_another_title,
    is_signature,
    said_beside,
    said_in_a_name,
    title_says_out,
)
from paceline.domain.tables.shape import Shape
from paceline.domain.tables.text import TextDecoder, showable
from paceline.errors import InvalidInput

MAX_LEFT_OUT_SHOWN = 100  # rows of those who opted out that are told one by one
_MAX_STATUSES = 50  # kinds of status that are counted apart
_SAMPLE = 64 * 1024  # characters looked at before the table's form is settled
_PIECE_OCTETS = 256 * 1024
_TITLE = "is a title, not a person: who stands below it is not written to"
_SENDER = "is about the mail itself, not one of its recipients"
_SAYS_OUT = (  # looked for in small letters; a piece with none of them holds no such title
    *(b"unsub", b"opt out", b"opt-out", b"opted", b"do not", b"bounce", b"suppress", b"blocked"),
    *(b"removed", b"exclud", b"host", b"organizer", b"organiser", b"abgemeld", b"abmeld", b"baja"),
    *(b"sinscri", b"sabonn", b"disiscri", b"descadastr", b"uitgeschr", b"afmeld", b"kontaktier"),
)
_CLOSING = "is a closing line of the report, not a person"


class RecipientReader:
    """Reads an uploaded table, chunk by chunk, into batches of at most `MAX_BATCH` recipients.

    `required` are the merge fields that a recipient must have a value for, `wanted` those that keep
    their spelling where a column has it; `choices` what the uploader settled. Raises `InvalidInput`
    for the field `file` when the file as a whole is of no use: too large, no addresses in it, a
    required column missing, too much of it refused; for a field of `Choices` when a choice does not
    fit, as `OpenQuestions` when one has to be made.
    """

    def __init__(
        self,
        *,
        required: Collection[str] = (),
        wanted: Collection[str] = (),
        choices: Choices = NOTHING_CHOSEN,
    ) -> None:
        self.rows = 0
        self.refused: list[RefusedRow] = []
        self.left_out: list[RefusedRow] = []  # the first of them: who has opted out
        self.left_out_count = 0
        self._required = frozenset(required) - {"email"}  # every recipient has one
        self._wanted = self._required | frozenset(wanted)
        self._choices = choices
        self._decoder = TextDecoder(choices.encoding)
        self._octets = 0
        self._sample: list[str] = []
        self._reading: Reading | None = None
        self._cutter: Rows | None = None
        self._layout = LIST_LAYOUT  # until the first rows have been seen
        self._from_line = 1
        self._held: tuple[int, list[str], str] | None = None  # perhaps half of a row
        self._section: str | None = None  # a title that says nobody below it wants mail
        self._opted_out: Counter[str] = Counter()
        self._opted_out_keys = set[int]()  # hashes: the same person, on another row
        self._is_ahead = False  # only who has opted out is looked for
        self._notes = Notes()
        self._batch: list[Recipient] = []

    @property
    def fields(self) -> tuple[str, ...]:
        """The names a template may use, once the first rows have been seen."""
        return self._reading.layout.available if self._reading else ALWAYS_AVAILABLE

    @property
    def notes(self) -> tuple[str, ...]:
        """What the uploader should know about how the file was read."""
        of_columns = self._reading.notes if self._reading else ()
        found = self._notes.told(empty=not self.rows)
        return (*filter(None, [self._decoder.note]), *of_columns, *found)

    @property
    def shape(self) -> Shape | None:
        """How the file is read, once the first rows have been seen; complete at the end."""
        if self._reading is None:
            return None
        if not self._opted_out:
            return self._reading.shape
        shape, counts = self._reading.shape, dict(self._opted_out)
        question = opted_out_question(shape, opted_out=self._choices.opted_out, counts=counts)
        return replace(shape, opted_out=counts, questions=(*shape.questions, question))

    def look_ahead(self, pieces: Iterable[bytes]) -> None:
        """Learn, in a pass of its own, who has opted out in some row: another may say otherwise.

        Where no column says such things, reads only the pieces that may hold a title that does.
        What is wrong with the file is said by the pass that counts.
        """
        if self._choices.opted_out is OptedOut.MAIL:
            return
        ahead = RecipientReader(required=self._required, wanted=self._wanted, choices=self._choices)
        ahead._is_ahead = True
        with suppress(InvalidInput):
            for piece in _whole_lines(pieces):
                silent = ahead._cutter is not None and not ahead._layout.statuses
                if silent and ahead._section is None and not _may_say_out(piece):
                    continue  # neither a column nor a title can say it here
                for _ in ahead.feed(piece):
                    pass
            for _ in ahead.finish():
                pass
        self._opted_out_keys |= ahead._opted_out_keys

    def feed(self, chunk: bytes) -> Iterator[list[Recipient]]:
        """The batches that one more chunk completes."""
        self._octets += len(chunk)
        if self._octets > MAX_FILE_OCTETS:
            raise InvalidInput.of("file", f"is larger than {MAX_FILE_OCTETS >> 20} MiB: split it")
        for start in range(0, len(chunk), _PIECE_OCTETS):
            text = self._decoder.feed(chunk[start : start + _PIECE_OCTETS])
            yield from self._read(text, final=False)

    def finish(self) -> Iterator[list[Recipient]]:
        """The last batches."""
        yield from self._read(self._decoder.feed(b"", final=True), final=True)
        if self._cutter is None:
            raise InvalidInput.of("file", "holds nothing: choose another")
        if self._batch:
            yield self._batch
            self._batch = []

    def _read(self, text: str, *, final: bool) -> Iterator[list[Recipient]]:
        if self._cutter is None:
            self._sample.append(text)
            if not final and sum(map(len, self._sample)) < _SAMPLE:
                return
            text = "".join(self._sample)
            self._sample.clear()
            if final and not text.strip():
                return
            text, self._cutter = self._open(text, final=final)
        for row in self._cutter.feed(text, final=final):
            self._take(row)
            if len(self._batch) == MAX_BATCH:
                yield self._batch
                self._batch = []
        if final and self._held is not None:
            line, cells, reason = self._held
            self._held = None
            self._refuse(line, cells, reason)

    def _open(self, text: str, *, final: bool) -> tuple[str, Rows]:
        """Settle form and columns from the sample; returns the text of the rows proper."""
        reading = settle(
            text,
            final=final,
            decoder=self._decoder,
            choices=self._choices,
            wanted=self._wanted,
        )
        refuse_missing_columns(self._required, reading.layout.available)
        self._reading = reading
        self._layout, self._from_line = reading.layout, reading.from_line
        self._section = reading.section
        return text[reading.form.begin :], reading.form.rows()

    def _take(self, row: Row) -> None:
        line, cells = row
        if line < self._from_line or (cells is not None and not any(cells)):
            return  # above the header, or the header; a blank line is no row
        if self._held is not None:
            line, cells = self._rejoined(row)
        layout = self._layout
        if self._is_ahead and cells and self._is_of_no_interest(cells):
            return
        try:
            if cells:
                _refuse_what_is_nobody(cells, layout)
            recipient = cells and from_plain_cells(line, cells, layout)
            if not recipient:
                recipient = self._look_closely(line, cells)
            if self._leaves_out(recipient, cells or []):
                return
            if not self._required <= recipient.fields.keys():
                refuse_without(recipient, self._required)
        except (Refusal, InvalidAddress) as refusal:
            self._miss(line, cells, str(refusal))
            return
        self._count()
        self._batch.append(recipient)

    def _is_of_no_interest(self, cells: list[str]) -> bool:
        """Whether it is surely a whole row, no header again, of somebody who has not opted out."""
        layout = self._layout
        is_row = len(cells) == layout.width and "@" in cells[layout.address]
        if not is_row or self._section is not None or " " in cells[layout.address].strip():
            return False  # below a title, or with words beside the address
        if any(said_in_a_name(cells[i]) for i in layout.name):
            return False
        return layout.excludes(cells) is None

    def _look_closely(self, line: int, cells: list[str] | None) -> Recipient:
        if cells is None:
            raise Refusal(BROKEN_QUOTES)
        read = from_cells(line, cells, self._layout, needed=self._required)
        self._notes.several(line, read.more)
        return read.recipient

    def _leaves_out(self, recipient: Recipient, cells: list[str]) -> bool:
        """Whether the table says not to write to this person; counted, whatever was chosen."""
        said = self._layout.excludes(cells) if self._layout.statuses else None
        if said is None:
            said = self._said_elsewhere(recipient, cells)
        if said is None:
            if not self._opted_out_keys or hash(recipient.key) not in self._opted_out_keys:
                return False
            said = "has opted out on another row"
        said = showable(said)
        known = said in self._opted_out or len(self._opted_out) < _MAX_STATUSES
        self._opted_out[said if known else "other"] += 1
        if self._choices.opted_out is OptedOut.MAIL:
            return False
        self._opted_out_keys.add(hash(recipient.key))
        self._count()
        self.left_out_count += 1
        if len(self.left_out) < MAX_LEFT_OUT_SHOWN:
            self.left_out.append(RefusedRow(recipient.line, recipient.address, said))
        return True

    def _said_elsewhere(self, recipient: Recipient, cells: list[str]) -> str | None:
        """What a title above, or a word beside the address, says of this person."""
        if self._section is not None:
            return f"below “{self._section}”"
        if recipient.name and (said := said_in_a_name(recipient.name)):
            return said
        at = self._layout.address
        cell = cells[at] if at < len(cells) else ""
        if len(cell) <= len(recipient.address):
            return None
        return said_beside(cell, recipient.address)

    def _miss(self, line: int, cells: list[str] | None, reason: str) -> None:
        """A row that is no recipient: not a row at all, half of one, or refused."""
        width = self._layout.width
        if cells is not None:
            if not any(cell.strip(" \t\r\n\x1a\u00a0\u200b\ufeff") for cell in cells):
                return
            if width is not None and is_header_again(cells, self._layout.titles):
                self._join(line, cells)
                return
            if title := title_says_out(cells):
                self._section, reason = title, _TITLE
            elif is_another_title(cells, width=width):
                self._section = None
            elif width is not None and 1 < len(cells) < width:
                self._held = (line, cells, reason)
                return
        self._refuse(line, cells, reason)

    def _rejoined(self, row: Row) -> Row:
        """A row that a line break broke in two, whole again; else the first half is refused."""
        assert self._held is not None
        line, cells, reason = self._held
        self._held = None
        if row.cells is not None:
            both = [*cells[:-1], f"{cells[-1]}\n{row.cells[0]}", *row.cells[1:]]
            if len(both) == self._layout.width and holds_an_address(both[self._layout.address]):
                return Row(line, both)
        self._refuse(line, cells, reason)
        return row

    def refuse(self, recipient: Recipient, reason: str) -> None:
        """Take back a recipient that was read: no email can be made for them."""
        self._keep(RefusedRow(recipient.line, shown(recipient.address), reason))

    def _refuse(self, line: int, cells: list[str] | None, reason: str) -> None:
        self._count()
        at = self._layout.address
        value = cells[at] if cells and at < len(cells) else ""
        if cells and is_closing_line(cells):
            reason = _CLOSING
        self._keep(RefusedRow(line, shown(value), reason))

    def _keep(self, refused: RefusedRow) -> None:
        if len(self.refused) == MAX_REFUSED:
            raise InvalidInput.of(
                "file",
                f"has more than {MAX_REFUSED} rows that cannot be used; the first, on line "
                f"{self.refused[0].line}: {self.refused[0].reason}",
            )
        self.refused.append(refused)

    def _join(self, line: int, cells: list[str]) -> None:
        """A header in the middle: files that were joined. What follows is read by it."""
        self._notes.joined(line)
        self._layout = again(self._layout, cells, wanted=self._wanted) or self._layout

    def _count(self) -> None:
        self.rows += 1
        if self.rows > MAX_ROWS:
            raise InvalidInput.of("file", f"has more than {MAX_ROWS:,} recipients: split it")


def _may_say_out(piece: bytes) -> bool:
    small = piece.lower()
    return any(word in small for word in _SAYS_OUT)


def _whole_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Larger pieces that end with lines, so that no word is cut in two; as far as a file is read.

    A line that is longer than a piece is no line to wait for.
    """
    held, octets = b"", 0
    for piece in pieces:
        octets += len(piece)
        if octets > MAX_FILE_OCTETS:
            return  # the pass that counts refuses it
        held += piece
        if len(held) >= _PIECE_OCTETS:
            end = held.rfind(b"\n") + 1 or len(held)
            yield held[:end]
            held = held[end:]
    if held:
        yield held


def _refuse_what_is_nobody(cells: list[str], layout: Layout) -> None:
    """A report's signature and the head of a pasted mail hold addresses. Raises `Refusal`."""
    if layout.is_list:
        if is_mail_head(cells[-1]):
            raise Refusal(_SENDER)
    elif layout.address and is_signature(cells):
        raise Refusal(_CLOSING)
