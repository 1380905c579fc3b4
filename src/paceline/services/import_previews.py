"""What an import would do, as far as the file tells: the same reader, and nothing is stored."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import suppress
from typing import IO

from paceline.domain.bounds import MAX_REFUSED
from paceline.domain.recipients import Recipient, Refusal, RefusedRow, refuse_without
from paceline.domain.tables.choices import NOTHING_CHOSEN, Choices
from paceline.domain.tables.recipient_files import RecipientReader
from paceline.domain.tables.shape import OpenQuestions, Shape
from paceline.services.imports import (
    IN_MEMORY_OCTETS,
    batches,
    look_ahead,
    pieces_of,
    receive,
)
from paceline.services.row_checks import RowChecks
from paceline.services.views import ImportPreview

MAX_SHOWN = 10  # recipients of a preview


async def preview_upload(
    chunks: AsyncIterator[bytes],
    *,
    required: Collection[str] = (),
    choices: Choices = NOTHING_CHOSEN,
) -> ImportPreview:
    """What an upload would do for a message that uses the fields `required`."""
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_OCTETS) as spool:
        await receive(chunks, spool)
        reader = RecipientReader(required=required, choices=choices)
        await asyncio.to_thread(look_ahead, reader, spool)
        return await asyncio.to_thread(_preview, reader, pieces_of(spool), frozenset())


def preview(
    file: IO[bytes],
    *,
    wanted: Collection[str] = (),
    choices: Choices = NOTHING_CHOSEN,
    checks: RowChecks | None = None,
    suppressed: Collection[int] = frozenset(),
) -> ImportPreview:
    """What an upload of this file would do, which is at its beginning. Raises `InvalidInput`.

    `wanted` are the merge fields of the message, as far as it is written: a header that is one of
    them keeps its spelling, and a row without a value for one is refused, as at the import. That no
    column provides one is not refused here: the message can still be changed. `checks` are its own.
    `suppressed` holds `hash(key)` of each address that must not be mailed.
    """
    reader = RecipientReader(wanted=wanted, choices=choices)
    look_ahead(reader, file)
    return _preview(reader, pieces_of(file), frozenset(wanted), checks, suppressed)


def _preview(
    reader: RecipientReader,
    pieces: Iterator[bytes],
    wanted: Collection[str],
    checks: RowChecks | None = None,
    suppressed: Collection[int] = frozenset(),
) -> ImportPreview:
    seen: set[int] = set()  # hashes, a third of the size of the addresses
    first: list[Recipient] = []
    lacking: list[RefusedRow] = []
    refused = _Suppressed(suppressed)
    usable = 0
    shape: Shape | None = None
    try:
        for batch in _usable(reader, pieces, wanted, checks, lacking):
            usable += len(batch)
            kept = refused.without(batch) if suppressed else batch
            if len(first) < MAX_SHOWN:
                first += _not_yet(seen, kept)[: MAX_SHOWN - len(first)]
            seen.update(hash(recipient.key) for recipient in kept)
    except OpenQuestions as asked:
        shape = asked.shape
    invalid = sorted((*reader.refused, *lacking), key=lambda row: row.line)
    return ImportPreview(
        rows=reader.rows,
        usable=len(seen),
        duplicates=usable - len(seen) - refused.count,
        invalid=tuple(invalid),
        fields=reader.fields,
        first=tuple(first),
        left_out=reader.left_out_count,
        left_out_rows=tuple(reader.left_out),
        suppressed=tuple(refused.first),
        suppressed_count=refused.count,
        shape=shape or reader.shape,
        notes=() if shape else reader.notes,  # of rows that were not read yet there are none
    )


def keys_of(
    file: IO[bytes],
    *,
    wanted: Collection[str],
    choices: Choices,
    checks: RowChecks,
    suppressed: Collection[int],
    most: int,
) -> list[str]:
    """Of whom an upload of this file would mail, the keys of their addresses; at most so many.

    Raises `InvalidInput`.
    """
    reader = RecipientReader(wanted=wanted, choices=choices)
    look_ahead(reader, file)
    keys: dict[str, None] = {}
    with suppress(OpenQuestions):
        for kept in _usable(reader, pieces_of(file), wanted, checks, []):
            keys.update((one.key, None) for one in kept if hash(one.key) not in suppressed)
            if len(keys) >= most:
                break
    return list(keys)[:most]


def _usable(
    reader: RecipientReader,
    pieces: Iterator[bytes],
    wanted: Collection[str],
    checks: RowChecks | None,
    lacking: list[RefusedRow],
) -> Iterator[list[Recipient]]:
    """Batches of those whom the message suits."""
    for batch in batches(reader, pieces):
        kept = _with_values(batch, frozenset(wanted) & frozenset(reader.fields), lacking)
        # A field that no column has is told for itself, and not of each row.
        if checks is not None and frozenset(wanted) <= frozenset(reader.fields):
            kept = checks.sound(kept, reader.refuse)
        yield kept


def _not_yet(seen: Collection[int], batch: list[Recipient]) -> list[Recipient]:
    """Those of a batch who were not there before, each once."""
    new: dict[int, Recipient] = {}
    for recipient in batch:
        if hash(recipient.key) not in seen:
            new.setdefault(hash(recipient.key), recipient)
    return list(new.values())


def find(
    file: IO[bytes], text: str, *, wanted: Collection[str] = (), choices: Choices = NOTHING_CHOSEN
) -> Recipient | None:
    """The first recipient of a file, which is at its beginning, whose address holds this text.

    Raises `InvalidInput`.
    """
    sought = text.strip().casefold()
    reader = RecipientReader(wanted=wanted, choices=choices)
    look_ahead(reader, file)
    with suppress(OpenQuestions):
        for batch in batches(reader, pieces_of(file)):
            for recipient in batch:
                if sought in recipient.address.casefold():
                    return recipient
    return None


class _Suppressed:
    """Those who must not be mailed, each counted once."""

    def __init__(self, hashes: Collection[int]) -> None:
        self._hashes = hashes
        self._met: set[int] = set()
        self.first: list[RefusedRow] = []

    @property
    def count(self) -> int:
        return len(self._met)

    def without(self, batch: list[Recipient]) -> list[Recipient]:
        """The others of a batch."""
        kept = []
        for recipient in batch:
            known = hash(recipient.key)
            if known not in self._hashes:
                kept.append(recipient)
            elif known not in self._met:
                self._met.add(known)
                if len(self.first) < MAX_REFUSED:
                    why = "is on your list of suppressed addresses"
                    self.first.append(RefusedRow(recipient.line, recipient.address, why))
        return kept


def _with_values(
    batch: list[Recipient], needed: frozenset[str], lacking: list[RefusedRow]
) -> list[Recipient]:
    """Those who have a value for each field; the others are noted."""
    if needed <= {"email"}:
        return batch
    kept = []
    for recipient in batch:
        try:
            refuse_without(recipient, needed)
        except Refusal as refusal:
            if len(lacking) < MAX_REFUSED:
                lacking.append(RefusedRow(recipient.line, recipient.address, str(refusal)))
        else:
            kept.append(recipient)
    return kept
