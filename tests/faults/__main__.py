"""`make faults`: a storm, a sweep, every planted bug, the report. Exits 1 if one finds fault."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.faults.hunt import hunt
from tests.faults.mutations import MUTATIONS, planted
from tests.faults.places import Tally
from tests.faults.processes import Stage
from tests.faults.report import DOCS, Run, commit, write
from tests.faults.run import Stages, stages
from tests.faults.slots import Slots, open_case
from tests.faults.storm import Storm
from tests.faults.story import stories
from tests.faults.sweep import Swept, sweep
from tests.faults.verdict import Verdict


def main() -> int:
    given = _arguments()
    begun_at = commit()
    with tempfile.TemporaryDirectory() as folder, stages() as private:
        # Planted before the storm: a bug that no longer fits is to be known at once.
        sources = {m.name: planted(Path(folder) / m.name, m.edits) for m in MUTATIONS}
        tally, verdict = asyncio.run(_storm(private.shared, given))
        print(
            f"storm over after {tally.seconds:.0f} s: {sum(tally.faults.values())} faults",
            flush=True,
        )
        swept = Swept() if given.no_sweep else asyncio.run(sweep(private))
        print(f"{swept.scenarios} scenarios over", flush=True)
        found = {} if given.no_bugs else asyncio.run(_planted_bugs(private, sources))
    run = Run(begun_at, given.seed, given.messages, given.minutes, tally, verdict, swept, found)
    write(run, given.docs)
    missed = [name for name, is_found in found.items() if not is_found]
    problems = (*verdict.problems, *swept.problems)
    for line in (*problems, *(f"not found: {name}" for name in missed)):
        print(line)
    print(f"{verdict.emails} emails; the report is in {given.docs}")
    return 1 if problems or missed else 0


async def _storm(private: Stage, given: argparse.Namespace) -> tuple[Tally, Verdict]:
    async with open_case(private, Slots(), "storm") as case:
        case.environment = {"PACELINE_LANES": "4"}  # a kill holds up no more than so many lanes
        storm = Storm(case, messages=given.messages, minutes=given.minutes, seed=given.seed)
        verdict = await storm.run()
        if given.logs is not None:
            told = await stories(case.world, case.stage.sink.entries(), verdict.about)
            given.logs.write_text(f"{told}\n\n{case.logs}")
        return storm.tally, verdict


async def _planted_bugs(on: Stages, sources: Mapping[str, Path]) -> dict[str, bool]:
    ran = await hunt(on, sources)
    return {m.name: m.is_found(ran[m.name].verdict) for m in MUTATIONS}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--minutes", type=float, default=40.0, help="of faults, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--docs", type=Path, default=DOCS, help="where the report goes")
    parser.add_argument(
        "--logs",
        type=Path,
        help="tell here what befell the emails complained of, and what the workers said",
    )
    parser.add_argument("--no-sweep", action="store_true", help="leave the single kills out")
    parser.add_argument("--no-bugs", action="store_true", help="leave the planted bugs out")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
