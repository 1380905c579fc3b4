"""Writes `docs/RELIABILITY.md` and `docs/reliability.json` from one run, never by hand."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from paceline.observability.faultpoints import FaultPoint
from tests.faults.places import Tally
from tests.faults.sweep import Swept
from tests.faults.verdict import Verdict

DOCS = Path(__file__).parents[2] / "docs"


@dataclass(frozen=True)
class Run:
    """All that a report says."""

    commit: str
    seed: int
    messages: int
    minutes: float
    tally: Tally
    verdict: Verdict
    swept: Swept
    planted: Mapping[str, bool]  # bug → found?


def write(run: Run, folder: Path = DOCS) -> None:
    """Both files, the same figures."""
    figures = _figures(run)
    (folder / "reliability.json").write_text(json.dumps(figures, indent=2) + "\n")
    (folder / "RELIABILITY.md").write_text(_page(figures))


def _figures(run: Run) -> dict[str, Any]:
    tally, verdict = run.tally, run.verdict
    smtp = sum(n for kind, n in tally.faults.items() if kind.startswith("SMTP: "))
    by_crashes = verdict.in_doubt - verdict.in_doubt_by_silence
    per_kill = round(by_crashes / tally.kills, 2) if tally.kills else 0.0
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": run.commit,
        "machine": f"{platform.platform()}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores",
        "seed": run.seed,
        "asked_for": {"messages": run.messages, "minutes": run.minutes},
        "seconds": round(tally.seconds),
        "emails": verdict.emails,
        "states": dict(sorted(verdict.states.items())),
        "accepted_by_the_sink": verdict.accepted,
        "faults": sum(tally.faults.values()),
        "faults_of_the_smtp_server": smtp,
        "faults_by_kind": dict(sorted(tally.faults.items())),
        "hits_by_fault_point": {
            str(point): {"storm": tally.points[point], "sweep": run.swept.points[point]}
            for point in FaultPoint
        },
        "hits_by_system_call": dict(sorted(run.swept.calls.items())),
        "scenarios_of_the_sweep": run.swept.scenarios,
        "emails_of_the_sweep": run.swept.emails,
        "problems_of_the_sweep": run.swept.problems,
        "lost": verdict.lost,
        "mistaken": verdict.mistaken,
        "unfinished": verdict.unfinished,
        "duplicated_outside_the_window": verdict.duplicated,
        "duplicated_within_the_window": verdict.within_window,
        "kills": tally.kills,
        "doubts": verdict.doubts,
        "doubts_settled_by_late_evidence": verdict.doubts_resolved,
        "in_doubt_at_the_end": verdict.in_doubt,
        "in_doubt_since_the_smtp_server_fell_silent": verdict.in_doubt_by_silence,
        "in_doubt_per_kill": per_kill,
        "workers_that_gave_up_at_their_start": tally.gave_up,
        "emails_found_in_black_boxes": tally.boxes_told,
        "emails_settled_by_black_boxes": tally.boxes_settled,
        "seconds_to_the_next_email": tally.recovery(),
        "planted_bugs": len(run.planted),
        "planted_bugs_found": sum(run.planted.values()),
        "planted_bugs_missed": sorted(name for name, found in run.planted.items() if not found),
        "other_problems": sum(p[:2] not in {"L:", "M:", "D:", "X:"} for p in verdict.problems),
        "problems": verdict.problems,
    }


def commit() -> str:
    """What is about to be run, with a mark when it is not exactly what was committed."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude", "*"],
        cwd=DOCS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def _page(f: Mapping[str, Any]) -> str:
    lines = [
        "# Reliability",
        "",
        "<!-- Written by `make faults` from one run. Do not edit. -->",
        "",
        "Exactly-once is impossible over SMTP; this is at-most-once with named doubts (`hold`), or",
        "at-least-once with bounded duplicates (`resend`), as each campaign chooses.",
        "",
        f"Run of {f['date']}, commit {f['commit']}, seed {f['seed']}, {f['seconds']} seconds.",
        f"{f['machine']}.",
        "",
        "Two real workers, PostgreSQL, Redis and an SMTP server that knows nothing of Paceline and",
        "writes down what it takes *before* it answers. Half of the campaigns hold, half resend.",
        "The verdict joins that log with the database by Message-ID. The minutes and hours that a",
        "retry or a doubt would wait are moved, not waited for.",
        "",
        *_table(
            ("", "Required", "Found"),
            [
                ("emails", "", _n(f["emails"])),
                ("faults", "", _n(f["faults"])),
                ("of which by the SMTP server", "", _n(f["faults_of_the_smtp_server"])),
                ("**lost**: `sent`, and never accepted", "0", _n(f["lost"])),
                ("**mistaken**: final, not `sent`, and accepted", "0", _n(f["mistaken"])),
                ("**unfinished** when all was quiet", "0", _n(f["unfinished"])),
                (
                    "**duplicated** without a doubt in its history, or under `hold`",
                    "0",
                    _n(f["duplicated_outside_the_window"]),
                ),
                (
                    "duplicated after a doubt (`resend`)",
                    "",
                    _n(f["duplicated_within_the_window"]),
                ),
                (
                    "early, over a limit, too close, altered",
                    "0",
                    _n(f["other_problems"]),
                ),
                ("workers killed", "", _n(f["kills"])),
                ("doubts that arose", "", _n(f["doubts"])),
                ("of which settled by late evidence", "", _n(f["doubts_settled_by_late_evidence"])),
                ("in doubt at the end, under `hold`", "", _n(f["in_doubt_at_the_end"])),
                (
                    "of which since the SMTP server fell silent, or was killed",
                    "",
                    _n(f["in_doubt_since_the_smtp_server_fell_silent"]),
                ),
                ("the others, per kill", "≤ 2.0", f["in_doubt_per_kill"]),
                ("emails told of by black boxes", "", _n(f["emails_found_in_black_boxes"])),
                ("of which settled", "", _n(f["emails_settled_by_black_boxes"])),
                ("planted bugs found", _n(f["planted_bugs"]), _n(f["planted_bugs_found"])),
            ],
        ),
        "",
        "## Faults by kind",
        "",
        *_table(("Fault", "Times"), [(k, _n(n)) for k, n in f["faults_by_kind"].items()]),
        "",
        *_sweep(f),
        "",
        "## Until the next email",
        "",
        "Seconds from a fault to the next email at the SMTP server, from whichever worker. Other",
        "faults go on meanwhile.",
        "",
        *_table(
            ("After", "Median", "Worst", "Of"),
            [
                (kind, f"{r['median']:.2f}", f"{r['worst']:.2f}", _n(r["of"]))
                for kind, r in f["seconds_to_the_next_email"].items()
            ],
        ),
        "",
        "## Not exercised",
        "",
        "Loss of power, a failover to a lagging replica, a full disk of PostgreSQL, jumps of",
        "PostgreSQL's or Redis' own clock, real providers and real round trips. A server that",
        "hangs drops after two seconds here; the timeouts of minutes are tested elsewhere.",
    ]
    return "\n".join(lines) + "\n"


def _sweep(f: Mapping[str, Any]) -> list[str]:
    """Where workers were struck: by the storm at random, by the sweep one by one."""
    hits, calls = f["hits_by_fault_point"], f["hits_by_system_call"]
    return [
        "## Fault points",
        "",
        "How often a worker was killed or frozen at each of them",
        "(`src/paceline/observability/faultpoints.py`): in the storm, and one by one in a sweep of",
        f"{_n(f['scenarios_of_the_sweep'])} scenarios with {_n(f['emails_of_the_sweep'])} emails,"
        f" in which {_n(len(f['problems_of_the_sweep']))} problems were found. At least 20 are",
        "wanted of each.",
        "",
        *_table(
            ("Point", "Storm", "Sweep", "Together"),
            [
                (point, _n(n["storm"]), _n(n["sweep"]), _n(n["storm"] + n["sweep"]))
                for point, n in hits.items()
            ],
        ),
        "",
        f"Killed at a system call, by strace: {_n(sum(calls.values()))} times"
        + "".join(f", {_n(n)} at `{call}`" for call, n in calls.items())
        + ".",
    ]


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[str]:
    return [
        _row(head),
        _row(("---", *("---:" for _ in head[1:]))),
        *(_row(row) for row in rows),
    ]


def _row(cells: tuple[Any, ...]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _n(number: int) -> str:
    return f"{number:,}"
