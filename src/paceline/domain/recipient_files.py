"""Reads an uploaded table of recipients, of any usual shape, without ever holding all of it.

The sum always comes out: rows read = recipients + refused. Duplicates and suppressions are counted
where the whole campaign is seen, in the store.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from paceline.domain.addresses import InvalidAddress
from paceline.domain.bounds import MAX_BATCH, MAX_FILE_OCTETS, MAX_REFUSED, MAX_ROWS
from paceline.domain.recipients import (
    Recipient,
    Refusal,
    RefusedRow,
    from_cells,
    refuse_missing_columns,
    refuse_without,
    shown,
)
from paceline.domain.table_choices import NOTHING_CHOSEN, Choices
from paceline.domain.table_columns import ALWAYS_AVAILABLE, Layout, recognise
from paceline.domain.table_rows import (
    BROKEN_QUOTES,
    Row,
    RowReader,
    sample_rows,
    separator_line,
    sniff_delimiter,
)
from paceline.domain.table_shape import Becomes, Column, Shape
from paceline.domain.table_text import TextDecoder
from paceline.errors import InvalidInput

_SAMPLE = 64 * 1024  # characters looked at before the table's form is settled
_PIECE_OCTETS = 256 * 1024


class RecipientReader:
    """Reads an uploaded table, chunk by chunk, into batches of at most `MAX_BATCH` recipients.

    `required` are the merge fields that a recipient must have a value for, `wanted` those that keep
    their spelling where a column has it; `choices` what the uploader settled. Raises `InvalidInput`
    for the field `file` when the file as a whole is of no use: too large, no addresses in it, a
    required column missing, too much of it refused.
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
        self._choices = choices
        self._required = frozenset(required) - {"email"}  # every recipient has one
        self._wanted = self._required | frozenset(wanted)
        self._decoder = TextDecoder()
        self._octets = 0
        self._sample: list[str] = []
        self._table: tuple[Layout, RowReader] | None = None
        self._header_is_next = False
        self._shape: Shape | None = None
        self._batch: list[Recipient] = []

    @property
    def fields(self) -> tuple[str, ...]:
        """The names a template may use, once the first rows have been seen."""
        return self._table[0].available if self._table else ALWAYS_AVAILABLE

    @property
    def notes(self) -> tuple[str, ...]:
        """What the uploader should know about how the file was read."""
        return (self._decoder.note,) if self._decoder.note else ()

    @property
    def shape(self) -> Shape | None:
        """How the file is read, once the first rows have been seen; complete at the end."""
        return self._shape

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
        if self._table is None:
            raise InvalidInput.of("file", "is empty")
        if self._batch:
            yield self._batch
            self._batch = []

    def _read(self, text: str, *, final: bool) -> Iterator[list[Recipient]]:
        if self._table is None:
            self._sample.append(text)
            if not final and sum(map(len, self._sample)) < _SAMPLE:
                return
            text = "".join(self._sample)
            self._sample.clear()
            if final and not text.strip():
                return
            text, self._table = self._open(text, final=final)
        layout, reader = self._table
        for row in reader.feed(text, final=final):
            self._take(row, layout)
            if len(self._batch) == MAX_BATCH:
                yield self._batch
                self._batch = []

    def _open(self, text: str, *, final: bool) -> tuple[str, tuple[Layout, RowReader]]:
        """Settle delimiter and columns from the sample; returns the text of the rows proper."""
        announced = separator_line(text)
        first_line = 2 if announced else 1
        if announced:
            text = text[announced[1] :]
        delimiter = announced[0] if announced else sniff_delimiter(text, final=final)
        sample = sample_rows(text, delimiter, final=final) or sample_rows(
            text, delimiter, final=True
        )
        if not sample:
            raise InvalidInput.of("file", "holds no row that can be read")
        layout = recognise(sample, wanted=self._wanted)
        refuse_missing_columns(self._required, layout.available)
        self._header_is_next = layout.has_header
        self._shape = Shape(
            encoding="utf-8",
            delimiter=delimiter,
            header_line=first_line if layout.has_header else None,
            columns=tuple(
                Column(
                    position=i + 1,
                    title="",
                    becomes=Becomes.ADDRESS if i == layout.address else Becomes.FIELD,
                    field=dict(layout.fields).get(i),
                )
                for i in range(layout.width or 1)
            ),
        )
        return text, (layout, RowReader(delimiter, first_line=first_line))

    def _take(self, row: Row, layout: Layout) -> None:
        line, cells = row
        if cells is not None and not any(cells):
            return  # a blank line is no row
        if self._header_is_next and cells is not None and any(map(str.strip, cells)):
            self._header_is_next = False
            return
        try:
            if cells is None:
                raise Refusal(BROKEN_QUOTES)
            recipient = from_cells(line, cells, layout)
            if not self._required <= recipient.fields.keys():
                refuse_without(recipient, self._required)
        except (Refusal, InvalidAddress) as refusal:
            if cells is None or any(map(str.strip, cells)):
                self._refuse(line, cells, layout, str(refusal))
            return
        self._count()
        self._batch.append(recipient)

    def _refuse(self, line: int, cells: list[str] | None, layout: Layout, reason: str) -> None:
        self._count()
        if len(self.refused) == MAX_REFUSED:
            raise InvalidInput.of(
                "file",
                f"has more than {MAX_REFUSED} rows that cannot be used; the first, on line "
                f"{self.refused[0].line}: {self.refused[0].reason}",
            )
        value = cells[layout.address] if cells and layout.address < len(cells) else ""
        self.refused.append(RefusedRow(line, shown(value), reason))

    def _count(self) -> None:
        self.rows += 1
        if self.rows > MAX_ROWS:
            raise InvalidInput.of("file", f"has more than {MAX_ROWS:,} recipients: split it")
