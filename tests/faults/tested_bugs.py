"""Planted bugs that a test of its own must find, where no storm or scenario would.

Each was a fault once, and broke a promise: about limits, a pause, second copies, or who waits for
whom. The test is run from a copy of the package that has the bug again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.faults.mutations import Edit, planted

ROOT = Path(__file__).parents[2]
TESTS = "tests/integration"
AT_ONCE = 3  # most of them wait, some for the minute in which what never comes is waited for
PATIENCE_SECONDS = 300  # then a test hangs, and is asked to end: it has not found its bug
_ONE_FAILED = 1  # pytest's exit code; others say that it found no test, or could not run it


@dataclass(frozen=True)
class TestedBug:
    """`test` fails on it, and says what it `finds`."""

    __test__ = False

    name: str
    test: str
    finds: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Run:
    """What pytest said of one test, and whether that failed."""

    has_failed: bool
    said: str


def _bug(name: str, test: str, finds: str, *edits: Edit) -> TestedBug:
    return TestedBug(name, f"{TESTS}/{test}", finds, edits)


_SLOW = "engine/test_slow_servers.py"
_NEVER = "TimeoutError"

TESTED_BUGS = (
    _bug(
        "a_doubt_is_settled_by_whatever_server_there_is",
        "ledger/test_doubt.py"
        "::test_a_doubt_about_one_account_is_not_settled_by_the_server_of_another",
        "AssertionError",
        ("persistence/sql/resend_doubtful.sql", "AND a.account_version = s.account_version", ""),
    ),
    _bug(
        "a_slot_is_freed_by_who_had_one_before",
        "limits/test_counters.py"
        "::test_a_slot_of_a_rebuilt_counter_is_not_freed_by_who_had_one_before",
        "AssertionError",
        ("limits/settle.lua", "known[3] == ARGV[1]", "true"),
    ),
    _bug(
        "old_evidence_rebuilds_a_counter",
        "limits/test_counters.py::test_evidence_from_before_another_loss_rebuilds_nothing",
        "assert [10] == [0]",
        ("limits/restore.lua", "if known[1] == nonce then", "if true then"),
    ),
    _bug(
        "an_email_belongs_to_the_hour_of_postgresqls_clock",
        "ledger/test_standing.py::test_an_email_is_counted_in_the_hour_that_it_was_booked_in",
        "AssertionError",
        (
            "persistence/sql/spent.sql",
            "coalesce(a.booked_hour = $3, a.dot_at >= $3)",
            "a.dot_at >= $3",
        ),
    ),
    _bug(
        "what_waits_with_a_line_has_left_the_queue",
        f"{_SLOW}::test_what_waits_for_a_place_in_the_process_does_not_go_after_a_pause",
        _NEVER,
        (
            "sending/lines.py",
            "in chain(self._waiting, self._queue) if not (",
            "in self._queue if not (",
        ),
    ),
    _bug(
        "a_minimum_delay_waits_for_every_line",
        f"{_SLOW}::test_an_email_without_an_answer_holds_up_no_other_beside_a_minimum_delay",
        _NEVER,
        (
            "sending/dispatch.py",
            "if not self._lines.room:",
            "if self._lines.busy and any(d.min_delay_ms for d in demands):",
        ),
    ),
    _bug(
        "a_transaction_may_lie_idle_for_ever",
        "persistence/test_sessions.py::test_every_transaction_may_lie_idle_for_seconds_only",
        "AssertionError",
        (
            "persistence/session_settings.py",
            'OF_TRANSACTIONS = _OF_ALL | {_IDLE: f"{IDLE_SECONDS}s"}',
            'OF_TRANSACTIONS = _OF_ALL | {_IDLE: "0"}',
        ),
    ),
    _bug(
        "what_a_slow_claim_brings_goes_by_an_old_look",
        f"{_SLOW}"
        "::test_a_limit_that_is_set_while_a_claim_is_long_in_coming_holds_for_what_it_brings",
        "AssertionError",
        (
            "sending/dispatch.py",
            "if clock.boottime() - self._seen_at > LOOK_SECONDS:",
            "if False:",
        ),
    ),
    _bug(
        "a_worker_among_others_keeps_its_idle_connections",
        "../unit/sending/test_neighbours.py::test_what_all_workers_keep_fits_under_the_cap",
        "AssertionError",
        ("sending/neighbours.py", "return 1 if one_at_a_time and fits else 0", "return None"),
    ),
    _bug(
        "a_move_takes_one_turn_for_all_its_pieces",
        "services/test_large_at_once.py"
        "::test_a_pause_waits_for_one_piece_and_not_for_all_that_is_moved[_moved]",
        _NEVER,
        (
            "services/in_pieces.py",
            "    while moved:\n        async with database.transaction() as session:\n"
            "            await campaigns.take_turns(session, campaign_id)\n",
            "    async with database.transaction() as session:\n"
            "        await campaigns.take_turns(session, campaign_id)\n"
            "        while moved:\n",
        ),
    ),
    _bug(
        "a_commit_waits_for_no_disk_where_a_role_says_so",
        "persistence/test_sessions.py"
        "::test_a_commit_waits_for_the_disk_whatever_was_set_after_the_start",
        "AssertionError",
        ("persistence/session_settings.py", "WHEN 'off' THEN 'on'", "WHEN 'off' THEN 'off'"),
    ),
    _bug(
        "now_is_what_the_hosts_clock_says",
        "services/test_clocks.py::test_an_email_that_is_moved_to_now_goes_now",
        "assert",
        (
            "persistence/moments.py",
            "return (await session.execute(select(NOW))).scalar_one()",
            "from paceline import clock; return clock.now()",
        ),
    ),
    _bug(
        "evidence_locks_no_job",
        "ledger/test_deleted.py::test_of_an_email_that_is_being_deleted_no_evidence_stays_behind",
        "assert 1 == 0",
        (
            "persistence/sql/record.sql",
            "ORDER BY j.email_id FOR NO KEY UPDATE)",
            "ORDER BY j.email_id)",
        ),
    ),
)


async def run_tests(folder: Path) -> dict[str, Run]:
    """The test of each bug, from a copy in `folder` that has it; a few at a time."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(bug: TestedBug) -> Run:
        async with places:
            return await _test_of(bug, await asyncio.to_thread(_copy, folder / bug.name, bug))

    runs = await asyncio.gather(*(one(bug) for bug in TESTED_BUGS))
    return {bug.name: run for bug, run in zip(TESTED_BUGS, runs, strict=True)}


def _copy(folder: Path, bug: TestedBug) -> Path:
    folder.mkdir()
    return planted(folder, bug.edits, is_whole=True)


async def _test_of(bug: TestedBug, source: Path) -> Run:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"),
        bug.test,
        cwd=ROOT,
        env={**_without_pytests_own(os.environ), "PYTHONPATH": f"{source}{os.pathsep}{ROOT}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    asked_to_end = asyncio.get_running_loop().call_later(
        PATIENCE_SECONDS, process.send_signal, signal.SIGINT
    )
    said, _ = await process.communicate()
    asked_to_end.cancel()
    return Run(process.returncode == _ONE_FAILED, said.decode(errors="replace"))


def _without_pytests_own(environment: Mapping[str, str]) -> dict[str, str]:
    """This run may be one of several; the one that is begun is not."""
    return {name: value for name, value in environment.items() if not name.startswith("PYTEST_")}
