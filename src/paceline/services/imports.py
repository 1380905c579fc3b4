"""Recipients for a campaign, from a file or as values: all of them or, on any failure, none.

An upload is first received whole, into a file that is gone when it is closed, and only then stored:
no transaction is open while somebody's network is slow. Reading and storing overlap.
"""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from typing import IO, TypeVar

from paceline.delivery import MessageTemplate
from paceline.domain.bounds import MAX_FILE_OCTETS, MAX_ROWS
from paceline.domain.lifecycle import CampaignState
from paceline.domain.recipients import RawRecipient, Recipient, RefusedRow
from paceline.domain.tables.choices import NOTHING_CHOSEN, Choices
from paceline.domain.tables.columns import ALWAYS_AVAILABLE
from paceline.domain.tables.file_kinds import table_octets
from paceline.domain.tables.recipient_files import RecipientReader
from paceline.errors import Conflict, InvalidInput, NotFound
from paceline.persistence.database import Database
from paceline.persistence.lanes import signal
from paceline.persistence.session_settings import thinking
from paceline.persistence.stores import campaigns as store
from paceline.persistence.stores import import_reports
from paceline.persistence.stores.campaigns import CampaignRecord
from paceline.persistence.stores.import_reports import KeptReport
from paceline.persistence.stores.recipients import add_recipients, prepared
from paceline.persistence.stores.session import Session
from paceline.services.inline_recipients import (
    add_inline,
    destination_of,
    read_all,
)
from paceline.services.message_notes import notes_by_columns, unknown_fields
from paceline.services.ports import Bell, Settle
from paceline.services.quotas import Quotas
from paceline.services.rendering import fields_of_subject
from paceline.services.row_checks import RowChecks
from paceline.services.views import ImportReport

# Adding holds the campaign's counters until it commits, and a running campaign needs them.
MAX_ROWS_UNDER_WAY = 10_000
IN_MEMORY_OCTETS = 1024 * 1024  # a larger upload goes to disk
PIECE_OCTETS = 256 * 1024
T = TypeVar("T")
_OPEN = frozenset({CampaignState.DRAFT, CampaignState.ACTIVE, CampaignState.PAUSED})


class FileTooLarge(InvalidInput):
    """The upload exceeds what is taken in at all."""


class Imports:
    """Adds recipients to an owner's campaigns."""

    def __init__(self, database: Database, bell: Bell, quotas: Quotas) -> None:
        self._database = database
        self._bell = bell
        self._quotas = quotas

    async def add_csv(
        self,
        owner_id: uuid.UUID,
        campaign_id: uuid.UUID,
        chunks: AsyncIterator[bytes],
        *,
        choices: Choices = NOTHING_CHOSEN,
        settle: Settle[ImportReport] | None = None,
    ) -> ImportReport:
        """Add the recipients of a file.

        Raises `InvalidInput` for the field `file` or for one of `Choices`, as `OpenQuestions` where
        the file can be read in several ways and only its owner knows which is meant.
        """
        async with self._database.transaction() as session:
            _open_for_more(await store.campaign(session, owner_id, campaign_id))
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_OCTETS) as spool:
            await receive(chunks, spool)
            async with self._database.transaction() as session:
                record = await _turn(session, owner_id, campaign_id)
                async with thinking(session):
                    report = await store_file(session, record, spool, choices)
                await self._quotas.take(session, owner_id, emails=report.accepted)
                await _reopen(session, record, report)
                if settle is not None:
                    await settle(session, report)
        await self._ring(record, report)
        return report

    async def add(
        self,
        owner_id: uuid.UUID,
        campaign_id: uuid.UUID,
        recipients: Sequence[RawRecipient],
        *,
        settle: Settle[ImportReport] | None = None,
    ) -> ImportReport:
        """Add recipients that came as values; the refused ones are reported by their place."""
        if len(recipients) > MAX_ROWS:
            raise InvalidInput.of("recipients", f"at most {MAX_ROWS:,} at a time")
        async with self._database.transaction() as session:
            record = await _turn(session, owner_id, campaign_id)
            _refuse_too_many(record, len(recipients))
            async with thinking(session):
                template = await asyncio.to_thread(_template, record)
                read = await asyncio.to_thread(_read_values, recipients, template)
            await _signal_first(session, record)
            report = await add_inline(
                session, record, [r for r in read if isinstance(r, Recipient)]
            )
            refused = tuple(r for r in read if isinstance(r, RefusedRow))
            async with thinking(session):
                notes = await asyncio.to_thread(_notes, record, template, _fields_of(read))
            report = ImportReport(
                rows=len(recipients),
                accepted=report.accepted,
                duplicates=report.duplicates,
                suppressed=report.suppressed,
                invalid=refused,
                notes=(*report.notes, *notes),
            )
            await self._quotas.take(session, owner_id, emails=report.accepted)
            await _reopen(session, record, report)
            if settle is not None:
                await settle(session, report)
        await self._ring(record, report)
        return report

    async def reports(self, owner_id: uuid.UUID, campaign_id: uuid.UUID) -> list[KeptReport]:
        """What became of a campaign's files, the newest first."""
        async with self._database.transaction() as session:
            return await import_reports.reports(session, owner_id, campaign_id)

    async def not_taken(
        self, owner_id: uuid.UUID, campaign_id: uuid.UUID, report_id: uuid.UUID
    ) -> list[RefusedRow]:
        """The rows of one file that were refused or left out, and why. Raises `NotFound`."""
        async with self._database.transaction() as session:
            rows = await import_reports.not_taken(session, owner_id, campaign_id, report_id)
        if rows is None:
            raise NotFound("there is no such import")
        return rows

    async def _ring(self, record: CampaignRecord, report: ImportReport) -> None:
        if report.accepted and record.state == CampaignState.ACTIVE:
            await self._bell.ring([record.sender_id])


async def _signal_first(session: Session, record: CampaignRecord) -> None:
    """Before the recipients: their number is the campaign's, whose row comes after the lane's."""
    if record.state == CampaignState.ACTIVE:
        await signal(session, record.sender_id, record.start_at)


async def _reopen(session: Session, record: CampaignRecord, report: ImportReport) -> None:
    """Its last email may have gone meanwhile."""
    if report.accepted and record.state == CampaignState.ACTIVE:
        await store.reopen(session, record.id)


async def receive(chunks: AsyncIterator[bytes], spool: IO[bytes]) -> int:
    """Take an upload in, whole, and go back to its beginning; its octets. Raises `FileTooLarge`."""
    octets = 0
    async for chunk in chunks:
        octets += len(chunk)
        if octets > MAX_FILE_OCTETS:
            limit = MAX_FILE_OCTETS >> 20
            raise FileTooLarge.of("file", f"is larger than {limit} MiB: split it")
        if octets > IN_MEMORY_OCTETS:
            await asyncio.to_thread(spool.write, chunk)
        else:
            spool.write(chunk)
    spool.seek(0)
    return octets


async def store_file(
    session: Session, record: CampaignRecord, spool: IO[bytes], choices: Choices
) -> ImportReport:
    """Store the recipients of a file, within the caller's transaction, which has its turn."""
    template = await asyncio.to_thread(_template, record)
    reader = RecipientReader(required=template.fields, choices=choices)
    await asyncio.to_thread(look_ahead, reader, spool)
    checks = RowChecks(template)
    sound = (checks.sound(batch, reader.refuse) for batch in batches(reader, pieces_of(spool)))
    in_columns = partial(
        prepared, owner_id=record.owner_id, in_subject=fields_of_subject(record.subject)
    )
    ready_batches = map(in_columns, filter(None, sound))
    await _signal_first(session, record)  # as late as that: it holds the lane
    to = await destination_of(session, record)
    read = accepted = suppressed = 0
    async with aclosing(read_ahead(ready_batches)) as ready:
        async for batch in ready:
            read += len(batch.ids)
            _refuse_too_many(record, reader.rows)
            added = await add_recipients(session, to, batch)
            accepted += added.accepted
            suppressed += added.suppressed
    report = ImportReport(
        rows=reader.rows,
        accepted=accepted,
        duplicates=read - accepted - suppressed,
        suppressed=suppressed,
        invalid=by_line(reader.refused),
        left_out=reader.left_out_count,
        left_out_rows=tuple(reader.left_out),
        shape=reader.shape,
        notes=(
            *reader.notes,
            *checks.notes(),
            *await asyncio.to_thread(_notes, record, template, reader.fields),
        ),
    )
    await import_reports.keep(
        session,
        record.id,
        rows=report.rows,
        accepted=report.accepted,
        duplicates=report.duplicates,
        suppressed=report.suppressed,
        refused=len(report.invalid),
        left_out=report.left_out,
        not_taken=by_line([*report.invalid, *report.left_out_rows]),
    )
    return report


def _notes(
    record: CampaignRecord, template: MessageTemplate, fields: Collection[str]
) -> tuple[str, ...]:
    """About the message, now that the columns are known."""
    message = (record.subject, record.text_body, record.html_body)
    return (*unknown_fields(template, fields), *notes_by_columns(*message, fields=fields))


def by_line(refused: Sequence[RefusedRow]) -> tuple[RefusedRow, ...]:
    """In the order of the file; what is found wrong about a row late is noted late."""
    return tuple(sorted(refused, key=lambda row: row.line))


def look_ahead(reader: RecipientReader, spool: IO[bytes]) -> None:
    """Let it learn who has opted out anywhere in a file, which is then at its beginning again."""
    reader.look_ahead(table_octets(pieces_of(spool)))
    spool.seek(0)


def pieces_of(spool: IO[bytes], octets: int = PIECE_OCTETS) -> Iterator[bytes]:
    """The rest of a file, so much at a time."""
    return iter(lambda: spool.read(octets), b"")


def batches(reader: RecipientReader, pieces: Iterator[bytes]) -> Iterator[list[Recipient]]:
    for piece in table_octets(pieces):
        yield from reader.feed(piece)
    yield from reader.finish()


async def read_ahead(batches: Iterator[T]) -> AsyncGenerator[T, None]:
    """The same batches, each read on a thread while the one before it is being stored."""
    coming = asyncio.ensure_future(asyncio.to_thread(next, batches, None))
    try:
        while (batch := await coming) is not None:
            coming = asyncio.ensure_future(asyncio.to_thread(next, batches, None))
            yield batch
    finally:
        # The thread reads from the caller's file: do not let go of it before it is done.
        await asyncio.gather(coming, return_exceptions=True)


def _read_values(
    recipients: Sequence[RawRecipient], template: MessageTemplate
) -> list[Recipient | RefusedRow]:
    checks = RowChecks(template)
    return list(read_all(recipients, required=template.fields, checks=checks))


def _fields_of(read: Sequence[Recipient | RefusedRow]) -> set[str]:
    found = set(ALWAYS_AVAILABLE)
    for recipient in read:
        if isinstance(recipient, Recipient):
            found.update(recipient.fields)
    return found


async def _turn(session: Session, owner_id: uuid.UUID, campaign_id: uuid.UUID) -> CampaignRecord:
    await store.take_turns(session, campaign_id, patient=False)
    return _open_for_more(await store.campaign(session, owner_id, campaign_id))


def _open_for_more(record: CampaignRecord | None) -> CampaignRecord:
    if record is None:
        raise NotFound("there is no such campaign")
    if record.state not in _OPEN:
        raise Conflict(f"a campaign that is {record.state} takes no more recipients")
    return record


def _refuse_too_many(record: CampaignRecord, rows: int) -> None:
    if rows > MAX_ROWS_UNDER_WAY and record.state != CampaignState.DRAFT:
        raise Conflict(
            f"more than {MAX_ROWS_UNDER_WAY:,} recipients at a time can be added to a draft only"
        )


def _template(record: CampaignRecord) -> MessageTemplate:
    return MessageTemplate.compile(
        subject=record.subject,
        text=record.text_body,
        html=record.html_body,
        accepted=record.state != CampaignState.DRAFT,
    )
