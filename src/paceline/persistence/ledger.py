"""The ledger: the three durable marks of an attempt, and what keeps them honest.

*Claim* takes an email under a lease and a new attempt number, *write-ahead* notes before the final
dot that it may be leaving, *record* notes how it ended. Every statement names the attempt and may
be run again: a lost acknowledgement changes nothing. The SQL is in `sql/`, one file each.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import asyncpg

from paceline.domain.bounds import DEFAULT_EXPIRY_HOURS
from paceline.domain.lifecycle import FailureReason, JobState
from paceline.observability.figures import Figures
from paceline.persistence.database import Database
from paceline.persistence.driver import Driver
from paceline.persistence.statements import statement
from paceline.persistence.stores.attempts import MAX_DIALOGUES

MAX_CLAIM = 256


class Attempt(NamedTuple):
    """An email and the number of its attempt: what every later statement has to name."""

    email_id: uuid.UUID
    number: int


@dataclass(slots=True, kw_only=True)  # not frozen: one is made for each email
class Departure:
    """An attempt that is about to leave: through which account, and in which hour it was booked."""

    attempt: Attempt
    account_version: int
    booked_hour: datetime  # by Redis' clock: PostgreSQL's may say another one


@dataclass(slots=True, kw_only=True)  # not frozen: one is made for each email
class Claim:
    """One email taken by this worker, with all that is needed to send it."""

    attempt: Attempt
    campaign_id: uuid.UUID | None
    due_at: datetime
    deferrals: int
    tries: int  # that a server refused or lost once it had heard of it, since it was retried
    age: timedelta  # since its first attempt
    expires_after: timedelta  # of waiting after refusals of its own
    dated_at: datetime  # the Date header, the same for every attempt
    address: str
    name: str | None
    fields: Mapping[str, object]
    line: int | None
    subject: str | None  # single emails carry their own content
    text_body: str | None
    html_body: str | None
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What a claim came back with."""

    claims: tuple[Claim, ...]
    suppressed: int  # on the spot: address suppressed, or account changed, meanwhile


@dataclass(slots=True, kw_only=True)  # not frozen: one is made for each email
class Outcome:
    """How one attempt ended, and where that leaves the email.

    `evidence` is the attempt's own outcome (None: it was never tried), `state` what becomes of the
    email. `retry_in` None keeps the due time, as for an email that is not to blame. `dialogue` is
    what was said, where it did not end well.
    """

    attempt: Attempt
    state: JobState
    evidence: str | None = None
    phase: str | None = None
    reply_code: int | None = None
    reply_enhanced: str | None = None
    reply_text: str | None = None
    failure_reason: FailureReason | None = None
    retry_in: timedelta | None = None
    is_deferral: bool = False
    suppress: bool = False  # never again to this address, for this owner
    dialogue: str = ""

    @property
    def is_taken(self) -> bool:
        """Whether its server took it, which is how most end, and the shortest to record."""
        return self.evidence == "sent" and self.state is JobState.SENT and not self.dialogue


class Ledger:
    """The statements of one worker run. `worker_run` is unique to one life of one process.

    `known_beat` tells how far it knows that the database has come (`persistence/witness.py`).
    """

    def __init__(
        self,
        database: Database,
        *,
        worker_run: uuid.UUID,
        lease: timedelta,
        figures: Figures | None = None,
        known_beat: Callable[[], int] = lambda: 0,
    ) -> None:
        self._database = database
        self._figures = figures or Figures()
        self._known_beat = known_beat
        self._worker_run = worker_run
        self._lease_seconds = lease.total_seconds()

    async def claim(
        self,
        sender_id: uuid.UUID,
        *,
        of_campaigns: Mapping[uuid.UUID, int],
        single: int,
        account_version: int,
    ) -> Claimed:
        """Take up to so many due emails of each campaign, and so many single ones, in order.

        They are to go through that account of the sender's.
        """
        async with self._driver("claim") as driver:
            rows = await driver.fetch(
                statement("claim"),
                sender_id,
                self._worker_run,
                self._lease_seconds,
                list(of_campaigns),
                list(of_campaigns.values()),
                single,
                self._known_beat(),
                account_version,
            )
        taken = [row for row in rows if row["state"] == JobState.CLAIMED]
        taken.sort(key=lambda row: (row["due_at"], row["email_id"]))
        return Claimed(
            claims=tuple(_claim(row) for row in taken), suppressed=len(rows) - len(taken)
        )

    async def write_ahead(self, departures: Sequence[Departure]) -> list[bool]:
        """Note that these may be leaving; for each, whether it is still ours to send."""
        ours, _ = await self.mark(departures, taken=())
        return ours

    async def mark(
        self, departures: Sequence[Departure], *, taken: Sequence[Outcome]
    ) -> tuple[list[bool], list[bool]]:
        """Write ahead and record in one transaction: what may be leaving, and what was taken.

        For each departure, whether it is still ours to send; for each outcome, whether it is
        recorded. What is not is to be `record`ed.
        """
        over = {outcome.attempt.email_id for outcome in taken}
        # Of an email of which an earlier attempt was taken nothing more is to leave.
        leaving = [d for d in departures if d.attempt.email_id not in over]
        async with self._driver("write_ahead" if departures else "record") as driver:
            rows = await driver.fetch(
                statement("marks"),
                self._worker_run,
                [outcome.attempt.email_id for outcome in taken],
                [outcome.attempt.number for outcome in taken],
                [outcome.phase for outcome in taken],
                [outcome.reply_code for outcome in taken],
                [outcome.reply_enhanced for outcome in taken],
                [outcome.reply_text for outcome in taken],
                [departure.attempt.email_id for departure in leaving],
                [departure.attempt.number for departure in leaving],
                self._lease_seconds,
                [departure.account_version for departure in leaving],
                [departure.booked_hour for departure in leaving],
            )
        ours, recorded = set(), {}
        for email_id, number, is_taken, late in rows:
            if is_taken:
                recorded[email_id, number] = late
            else:
                ours.add((email_id, number))
        self._figures.recorded((("sent", "sent") for _ in recorded), late=recorded.values())
        attempts = [departure.attempt for departure in departures]
        return (
            [(attempt.email_id, attempt.number) in ours for attempt in attempts],
            [(o.attempt.email_id, o.attempt.number) in recorded for o in taken],
        )

    async def record(self, outcomes: Sequence[Outcome]) -> list[bool]:
        """Record how these ended; for each, whether it changed the email (False: too late)."""
        if not all(outcome.is_taken for outcome in outcomes):
            return await self._record(outcomes)
        _, recorded = await self.mark((), taken=outcomes)
        others = [o for o, is_recorded in zip(outcomes, recorded, strict=True) if not is_recorded]
        late = iter(await self._record(others) if others else [])
        return [is_recorded or next(late) for is_recorded in recorded]

    async def _record(self, outcomes: Sequence[Outcome]) -> list[bool]:
        async with self._driver("record") as driver:
            rows = await driver.fetch(statement("record"), *_columns(outcomes), self._worker_run)
            # A statement of its own, so that an email that is taken pays for no column of it, and
            # with a commit that waits for no disk. Lost in a crash, it is missed by people alone.
            told = [(o.attempt, o.dialogue) for o in outcomes if o.dialogue]
            if told:
                await driver.execute(
                    statement("dialogues"),
                    [attempt.email_id for attempt, _ in told],
                    [attempt.number for attempt, _ in told],
                    [dialogue for _, dialogue in told],
                    MAX_DIALOGUES,
                )
        self._figures.recorded(
            ((o.evidence, o.state) for o in outcomes), late=(row["late"] for row in rows)
        )
        recorded = {(row["email_id"], row["attempt"]) for row in rows}
        return [(o.attempt.email_id, o.attempt.number) in recorded for o in outcomes]

    async def unhindered(self, outcomes: Sequence[Outcome]) -> list[bool]:
        """For each, whether it can be recorded now without waiting for somebody's lock."""
        async with self._database.driver() as driver:
            rows = await driver.fetch(
                statement("unhindered"), [outcome.attempt.email_id for outcome in outcomes]
            )
        free = {row["email_id"] for row in rows}
        return [outcome.attempt.email_id in free for outcome in outcomes]

    @asynccontextmanager
    async def _driver(self, name: str) -> AsyncIterator[Driver]:
        """A connection for one of the three, which is timed."""
        with self._figures.statements[name].timed():
            async with self._database.driver() as driver:
                yield driver

    async def heartbeat(self, attempts: Collection[Attempt]) -> dict[Attempt, bool]:
        """Renew the leases of these. Those that are still ours, and whether each was renewed."""
        async with self._database.driver() as driver:
            rows = await driver.fetch(
                statement("heartbeat"),
                self._worker_run,
                [attempt.email_id for attempt in attempts],
                [attempt.number for attempt in attempts],
                self._lease_seconds,
            )
        return {Attempt(row["email_id"], row["attempt"]): row["renewed"] for row in rows}


def _claim(row: asyncpg.Record) -> Claim:
    return Claim(
        attempt=Attempt(row["email_id"], row["attempt"]),
        campaign_id=row["campaign_id"],
        due_at=row["due_at"],
        deferrals=row["deferrals"],
        tries=row["tries"],
        age=row["age"],
        expires_after=timedelta(hours=row["expires_after_hours"] or DEFAULT_EXPIRY_HOURS),
        dated_at=row["dated_at"],
        address=row["address"],
        name=row["name"],
        fields=json.loads(row["fields"]),
        line=row["line"],
        subject=row["subject"],
        text_body=row["text_body"],
        html_body=row["html_body"],
        message_id=row["message_id"],
    )


def _columns(outcomes: Sequence[Outcome]) -> tuple[list[object], ...]:
    rows = [
        (
            o.attempt.email_id,
            o.attempt.number,
            o.evidence,
            o.state.value,
            o.phase,
            o.reply_code,
            o.reply_enhanced,
            o.reply_text,
            o.failure_reason,
            None if o.retry_in is None else o.retry_in.total_seconds(),
            int(o.is_deferral),
            o.suppress,
        )
        for o in outcomes
    ]
    return tuple(list(column) for column in zip(*rows, strict=True))
