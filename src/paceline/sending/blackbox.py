"""A flight recorder: what this process was about to do with each email, for whoever finds it dead.

One memory-mapped file per worker process, one fixed record per email under way. What has been
written survives `kill -9`. A loss of power it does not: some of it may be on disk and the rest not,
so a box of an earlier boot tells nothing. It answers the question that the database
cannot: was the final dot written, and if so, what did the server say?

- *preparing*: the write-ahead may be committed, the dot is not written. Nothing has left.
- *leaving*: from here to the reply nobody can know.
- *ended*: the reply was read; what was to be recorded stands in the record.
"""

from __future__ import annotations

import fcntl
import json
import logging
import mmap
import os
import struct
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from io import BufferedRandom
from pathlib import Path

from paceline.domain.lifecycle import FailureReason, JobState
from paceline.errors import OperationalError
from paceline.persistence.ledger import Attempt, Outcome

RECORD_BYTES = 1024
MAX_RECORDS = 2048  # emails under way or not yet on disk, per process
MAX_TEXT = 150  # characters of a reply: whatever they are, the record holds them
_SUFFIX = ".box"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

# The first byte of a record. What is written in another way gets a number of its own
# here, so that boxes from before an upgrade still tell what they know.
_EMPTY, _PREPARING, _LEAVING, _ENDED_IN_JSON, _ENDED = range(5)
_HEAD = struct.Struct(">16sI?")  # the email, the attempt, whether it had been deferred
_HEAD_AT = 1
_LENGTH = struct.Struct(">H")
_LENGTH_AT = _HEAD_AT + _HEAD.size
_BODY_AT = _LENGTH_AT + _LENGTH.size
_BETWEEN = "\0"  # fields of a body

log = logging.getLogger(__name__)


class HomeIsFull(OperationalError):
    """There is no room for a black box. Nothing is sent without one."""


class BlackBox:
    """The recorder of this process. Everything is a plain store into memory: no call can fail."""

    def __init__(self, folder: Path) -> None:
        """Raises `HomeIsFull`."""
        self._path = folder / f"{_boot_id()}.{uuid.uuid4().hex}{_SUFFIX}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = self._made()
        except OSError as error:
            self._path.unlink(missing_ok=True)
            why = (error.strerror or str(error)).lower()
            raise HomeIsFull(f"Home: {folder} cannot be written: {why}; make room") from error
        self._memory = mmap.mmap(self._file.fileno(), RECORD_BYTES * MAX_RECORDS)
        self._free = list(range(MAX_RECORDS))
        self._places: dict[Attempt, int] = {}

    def _made(self) -> BufferedRandom:
        file = self._path.open("x+b")
        self._path.chmod(0o600)
        fcntl.flock(file, fcntl.LOCK_EX)  # held for as long as we live
        # Room for all of it, now: a store into a page that the disk has no room for is a SIGBUS.
        try:
            file.write(bytes(RECORD_BYTES * MAX_RECORDS))
            file.flush()
        except OSError:
            file.raw.close()  # without another try to write
            raise
        return file

    def close(self) -> None:
        """Put it away. A box that is empty has nothing to tell."""
        if not self._places:
            self._path.unlink(missing_ok=True)
        self._memory.close()
        self._file.close()

    def preparing(self, attempt: Attempt, *, deferred: bool) -> None:
        """Before the write-ahead is asked for. With the box full, the email goes unrecorded."""
        place = self._places.get(attempt)  # it has one when the guard is asked a second time
        if place is None:
            if not self._free:
                return
            place = self._places[attempt] = self._free.pop()
        start = place * RECORD_BYTES
        head = attempt.email_id.bytes, attempt.number, deferred
        _HEAD.pack_into(self._memory, start + _HEAD_AT, *head)
        self._memory[start] = _PREPARING  # last, so that a record is either whole or empty

    def leaving(self, attempt: Attempt) -> None:
        """Immediately before the final dot."""
        place = self._places.get(attempt)
        if place is not None:
            self._memory[place * RECORD_BYTES] = _LEAVING

    def ended(self, outcome: Outcome) -> None:
        """The reply was read. What is to be recorded goes here first."""
        place = self._places.get(outcome.attempt)
        if place is None:
            return
        body = _body(outcome)
        start = place * RECORD_BYTES
        self._memory[start + _BODY_AT : start + _BODY_AT + len(body)] = body
        _LENGTH.pack_into(self._memory, start + _LENGTH_AT, len(body))
        self._memory[start] = _ENDED

    def forget(self, attempt: Attempt) -> None:
        """The outcome is on disk."""
        place = self._places.pop(attempt, None)
        if place is not None:
            self._memory[place * RECORD_BYTES] = _EMPTY
            self._free.append(place)


class FoundBox:
    """The box of a process that is gone. `outcomes` is what can be told for certain."""

    def __init__(self, path: Path, content: bytes) -> None:
        self._path = path
        self.outcomes = tuple(_told(content))

    def destroy(self) -> None:
        """Its outcomes have been recorded."""
        self._path.unlink(missing_ok=True)


def find_boxes(folder: Path) -> Sequence[FoundBox]:
    """The boxes of dead processes: those that nobody holds locked. Of an earlier boot, they go."""
    found = []
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        if path.name.partition(".")[0] != _boot_id():
            log.warning("a black box of an earlier boot of this machine tells nothing: %s", path)
            path.unlink(missing_ok=True)
            continue
        with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            status = os.fstat(file.fileno())
            # Else its owner has just put it away, or is about to lock it for the first time.
            if status.st_nlink and status.st_size:
                found.append(FoundBox(path, file.read()))
    return found


def _boot_id() -> str:
    """Of this boot of the machine; the same for all of them where the system does not say."""
    with suppress(OSError):
        return _BOOT_ID.read_text(encoding="ascii").strip()
    return "boot"


def _told(content: bytes) -> Iterator[Outcome]:
    for start in range(0, len(content) - RECORD_BYTES + 1, RECORD_BYTES):
        record = content[start : start + RECORD_BYTES]
        email_id, number, deferred = _HEAD.unpack_from(record, _HEAD_AT)
        attempt = Attempt(uuid.UUID(bytes=email_id), number)
        (length,) = _LENGTH.unpack_from(record, _LENGTH_AT)
        body = record[_BODY_AT : _BODY_AT + length]
        if record[0] == _PREPARING:
            yield Outcome(
                attempt=attempt,
                state=JobState.DEFERRED if deferred else JobState.SCHEDULED,
                evidence="not_sent",
                reply_text="the worker died before the final dot",
            )
        elif record[0] == _ENDED:
            yield _outcome(attempt, body)
        elif record[0] == _ENDED_IN_JSON:
            yield _outcome_in_json(attempt, body)


def _body(outcome: Outcome) -> bytes:
    """What is to be recorded; the text, which may hold anything, comes last."""
    wait = outcome.retry_in
    fields = (
        outcome.state,
        outcome.evidence or "",
        outcome.phase or "",
        str(outcome.reply_code or ""),
        outcome.reply_enhanced or "",
        outcome.failure_reason or "",
        "" if wait is None else repr(wait.total_seconds()),
        "deferral" if outcome.is_deferral else "",
        "suppress" if outcome.suppress else "",
        (outcome.reply_text or "")[:MAX_TEXT],
    )
    return _BETWEEN.join(fields).encode()


def _outcome(attempt: Attempt, body: bytes) -> Outcome:
    state, evidence, phase, code, enhanced, reason, wait, deferral, suppress, text = (
        body.decode().split(_BETWEEN, 9)
    )
    return Outcome(
        attempt=attempt,
        state=JobState(state),
        evidence=evidence or None,
        phase=phase or None,
        reply_code=int(code) if code else None,
        reply_enhanced=enhanced or None,
        reply_text=text or None,
        failure_reason=FailureReason(reason) if reason else None,
        retry_in=timedelta(seconds=float(wait)) if wait else None,
        is_deferral=bool(deferral),
        suppress=bool(suppress),
    )


def _outcome_in_json(attempt: Attempt, body: bytes) -> Outcome:
    """As releases before this way of writing it had it."""
    state, evidence, phase, code, enhanced, reply, reason, retry_in, is_deferral, suppress = (
        json.loads(body)
    )
    return Outcome(
        attempt=attempt,
        state=JobState(state),
        evidence=evidence,
        phase=phase,
        reply_code=code,
        reply_enhanced=enhanced,
        reply_text=reply,
        failure_reason=None if reason is None else FailureReason(reason),
        retry_in=None if retry_in is None else timedelta(seconds=retry_in),
        is_deferral=is_deferral,
        suppress=suppress,
    )
