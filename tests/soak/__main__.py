"""`make soak`: hours in minutes, under faults; writes `docs/soak.json` and `docs/soak.svg`.

Exits 1 where something was lost or sent twice, a series is not flat, or a worker did not drain.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.faults.processes import stage
from tests.faults.report import DOCS, commit
from tests.faults.slots import Slots, open_case
from tests.soak.count import BAD
from tests.soak.plot import svg
from tests.soak.run import Soak, Soaked
from tests.soak.samples import SERIES
from tests.soak.steady import trend

LEAST_MINUTES, MOST_MINUTES = 0.2, 24 * 60


def main() -> int:
    given = _arguments()
    begun_at = commit()
    found = asyncio.run(soaked(given.minutes))
    report = {"commit": begun_at, **judged(found)}
    write(report, found, given.docs)
    for name, verdict in report["series"].items():
        word = "flat" if verdict["is_flat"] else "NOT FLAT"
        print(f"{name:28} {verdict['median']:12,.1f} {verdict['growth']:+12,.2f}  {word}")
    print(", ".join(f"{name} {number:,}" for name, number in report["counts"].items()))
    for problem in report["problems"]:
        print(problem)
    print(f"{'not ' if report['problems'] else ''}flat; written to {given.docs}/soak.json")
    return 1 if report["problems"] else 0


async def soaked(minutes: float) -> Soaked:
    with stage() as private:
        async with open_case(private, Slots(), "soak") as case:
            return await Soak(case, minutes=minutes).run()


def judged(found: Soaked) -> dict[str, Any]:
    """The report, its problems in words."""
    problems = [f"{found.counts[name]} emails {name}" for name in BAD if found.counts[name]]
    if not found.is_quiet:
        problems.append("not all emails came to their end")
    problems += [f"a worker told to end exited by {code}" for _, code in found.drains if code]
    series: dict[str, Any] = {}
    for name, allowance in SERIES.items():
        seen = trend(points(found, name), allowance)
        series[name] = {**asdict(seen), "is_flat": seen.is_flat}
        if not seen.is_flat:
            problems.append(
                f"not flat: {name} grew by {seen.growth:.2f} in the second half;"
                f" {seen.allowed:.2f} are allowed"
            )
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.platform()}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores",
        "minutes": round(found.seconds / 60, 1),
        "load_average": os.getloadavg(),
        "top_emails_per_second": round(found.top_rate),
        "emails_per_second": round(found.rate),
        "counts": found.counts,
        "faults": dict(Counter(name for _, name in found.faults)),
        "longest_drain_seconds": round(max((s for s, _ in found.drains), default=0.0), 1),
        "series": series,
        "problems": problems,
    }


def points(found: Soaked, name: str) -> list[tuple[float, float]]:
    """One series, without the moments when nobody could tell."""
    return [(at, taken[name]) for at, taken in found.samples if name in taken]


def write(report: dict[str, Any], found: Soaked, folder: Path) -> None:
    (folder / "soak.json").write_text(json.dumps(report, indent=2) + "\n")
    title = (
        f"{report['minutes']} minutes at {report['emails_per_second']:,} emails a second,"
        f" {len(found.faults)} faults (vertical lines)"
    )
    plotted = {name: points(found, name) for name in SERIES}
    struck = [at for at, _ in found.faults]
    (folder / "soak.svg").write_text(svg(title, plotted, struck, found.seconds))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=_minutes, default=30.0)
    parser.add_argument("--docs", type=Path, default=DOCS, help="the folder to write to")
    return parser.parse_args()


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not LEAST_MINUTES <= minutes <= MOST_MINUTES:
        raise argparse.ArgumentTypeError(
            f"{text!r}: give a number from {LEAST_MINUTES} to {MOST_MINUTES}"
        )
    return minutes


if __name__ == "__main__":
    sys.exit(main())
