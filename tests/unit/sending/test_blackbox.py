"""The black box: what a dead process can still tell, and what it cannot."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import uuid
from datetime import timedelta
from pathlib import Path

import pytest

from paceline.domain.lifecycle import FailureReason, JobState
from paceline.persistence.ledger import Attempt, Outcome
from paceline.sending.blackbox import (
    MAX_RECORDS,
    RECORD_BYTES,
    BlackBox,
    HomeIsFull,
    find_boxes,
)

# A process that records one email in each state, says so, and waits to be killed.
DOOMED = """
import sys, uuid
from pathlib import Path
from datetime import timedelta
from paceline.domain.lifecycle import FailureReason, JobState
from paceline.persistence.ledger import Attempt, Outcome
from paceline.sending.blackbox import BlackBox

box = BlackBox(Path(sys.argv[1]))
preparing, deferred, leaving, sent, refused, done = (
    Attempt(uuid.UUID(int=n), n) for n in range(1, 7)
)
for attempt in (preparing, leaving, sent, refused, done):
    box.preparing(attempt, deferred=False)
box.preparing(deferred, deferred=True)
for attempt in (leaving, sent, refused, done):
    box.leaving(attempt)
box.ended(Outcome(attempt=sent, state=JobState.SENT, evidence="sent", phase="dot", reply_code=250,
                  reply_enhanced="2.0.0", reply_text="g\u00fct " + "\u20ac" * 400))
box.ended(Outcome(attempt=refused, state=JobState.FAILED, evidence="rejected", phase="rcpt",
                  reply_code=550, failure_reason=FailureReason.HARD_BOUNCE, suppress=True))
box.ended(Outcome(attempt=done, state=JobState.SENT, evidence="sent"))
box.forget(done)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def doomed(tmp_path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", DOOMED, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def test_a_killed_process_tells_what_is_certain_and_keeps_quiet_about_the_rest(
    doomed: subprocess.Popen[str], tmp_path: Path
) -> None:
    kill(doomed)
    (box,) = find_boxes(tmp_path)
    told = {outcome.attempt.number: outcome for outcome in box.outcomes}
    assert set(told) == {1, 2, 4, 5}  # 3 was leaving, 6 was on disk
    assert (told[1].state, told[1].evidence) == (JobState.SCHEDULED, "not_sent")
    assert told[2].state is JobState.DEFERRED
    assert (told[4].state, told[4].reply_code) == (JobState.SENT, 250)
    assert told[4].reply_text is not None
    assert told[4].reply_text.startswith("güt €")
    assert told[5].failure_reason is FailureReason.HARD_BOUNCE
    assert told[5].suppress
    box.destroy()
    assert find_boxes(tmp_path) == []


def test_a_box_from_before_an_upgrade_tells_as_much(tmp_path: Path) -> None:
    """Its outcomes are JSON; as the release before wrote them, octet by octet."""
    box = BlackBox(tmp_path)
    (path,) = tmp_path.iterdir()
    box._memory.close()
    box._file.close()  # as a killed process leaves it
    text = b'["failed","rejected","rcpt",550,"5.1.1","gone","hard_bounce",null,false,true]'
    record = b"\3" + uuid.UUID(int=7).bytes + (2).to_bytes(4, "big") + b"\0"
    record += len(text).to_bytes(2, "big") + text
    with path.open("r+b") as file:
        file.write(record)
    (found,) = find_boxes(tmp_path)
    assert found.outcomes == (
        Outcome(
            attempt=Attempt(uuid.UUID(int=7), 2),
            state=JobState.FAILED,
            evidence="rejected",
            phase="rcpt",
            reply_code=550,
            reply_enhanced="5.1.1",
            reply_text="gone",
            failure_reason=FailureReason.HARD_BOUNCE,
            suppress=True,
        ),
    )


def test_what_a_box_tells_is_what_was_to_be_recorded(tmp_path: Path) -> None:
    outcomes = (
        Outcome(
            attempt=Attempt(uuid.UUID(int=1), 1),
            state=JobState.DEFERRED,
            evidence="rejected",
            phase="dot",
            reply_code=451,
            reply_text="later\0or never",
            retry_in=timedelta(minutes=5, microseconds=1),
            is_deferral=True,
        ),
        Outcome(attempt=Attempt(uuid.UUID(int=2), 1), state=JobState.IN_DOUBT),
    )
    box = BlackBox(tmp_path)
    for outcome in outcomes:
        box.preparing(outcome.attempt, deferred=False)
        box.ended(outcome)
    box.close()
    (found,) = find_boxes(tmp_path)
    assert set(map(repr, found.outcomes)) == set(map(repr, outcomes))


def test_the_box_of_a_living_process_is_left_alone(
    doomed: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert find_boxes(tmp_path) == []
    kill(doomed)
    assert len(find_boxes(tmp_path)) == 1


def test_a_box_that_is_being_made_is_left_alone(tmp_path: Path) -> None:
    made = BlackBox(tmp_path)
    (path,) = tmp_path.iterdir()
    made.close()
    path.touch()  # as it is before its owner has locked it
    assert find_boxes(tmp_path) == []
    assert path.exists()


def test_a_box_of_an_earlier_boot_tells_nothing(
    tmp_path: Path, doomed: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kill(doomed)
    other_boot = tmp_path / "boot_id"
    other_boot.write_text("another\n")
    monkeypatch.setattr("paceline.sending.blackbox._BOOT_ID", other_boot)
    assert find_boxes(tmp_path) == []
    assert list(tmp_path.glob("*.box")) == []


def test_a_box_that_is_put_away_empty_leaves_nothing_behind(tmp_path: Path) -> None:
    box = BlackBox(tmp_path)
    attempt = Attempt(uuid.uuid4(), 1)
    box.preparing(attempt, deferred=False)
    box.forget(attempt)
    box.close()
    assert list(tmp_path.iterdir()) == []


def test_an_email_whose_guard_is_asked_twice_takes_up_one_record(tmp_path: Path) -> None:
    box = BlackBox(tmp_path)
    for number in range(MAX_RECORDS + 1):
        attempt = Attempt(uuid.uuid4(), number)
        for _ in range(2):
            box.preparing(attempt, deferred=False)
            box.leaving(attempt)
        box.forget(attempt)
    last = {Attempt(uuid.uuid4(), 1) for _ in range(MAX_RECORDS)}
    for attempt in last:
        box.preparing(attempt, deferred=False)
    box.close()  # as a dying process does, with its records in it
    (found,) = find_boxes(tmp_path)
    assert {outcome.attempt for outcome in found.outcomes} == last


def test_a_full_box_lets_emails_go_unrecorded(tmp_path: Path) -> None:
    box = BlackBox(tmp_path)
    attempts = [Attempt(uuid.uuid4(), 1) for _ in range(MAX_RECORDS + 1)]
    for attempt in attempts:
        box.preparing(attempt, deferred=False)
        box.leaving(attempt)
    late = Outcome(
        attempt=attempts[-1],
        state=JobState.DEFERRED,
        evidence="rejected",
        retry_in=timedelta(minutes=5),
    )
    box.ended(late)
    box.forget(attempts[-1])
    box.close()


def test_the_room_for_a_box_is_taken_at_once(tmp_path: Path) -> None:
    """A store into memory for which a full disk has no page would end the process: SIGBUS."""
    box = BlackBox(tmp_path)
    (file,) = tmp_path.iterdir()
    status = file.stat()
    assert status.st_blocks * 512 >= status.st_size == RECORD_BYTES * MAX_RECORDS
    box.close()


def test_where_there_is_no_room_for_a_box_that_is_said_and_nothing_is_left_behind(
    tmp_path: Path,
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (RECORD_BYTES * MAX_RECORDS - 1, before[1]))
    try:
        with pytest.raises(HomeIsFull, match=r"cannot be written: file too large; make room"):
            BlackBox(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
