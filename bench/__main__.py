"""`make bench`: every figure in one run, as medians, what belongs together side by side.

Machines differ and are shared: read ratios first, absolute figures last.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

from bench import report
from bench.parts import PARTS, Size
from bench.processes import Others


def main() -> None:
    given = _arguments()
    size = replace(Size(), runs=given.runs, with_peer=not given.no_peer)
    facts = report.facts(size.runs)
    print(facts["machine"])
    print(f"medians of {size.runs} runs, minimum and maximum beside them")
    begun, others = time.monotonic(), Others()
    tables = [PARTS[name](size) for name in PARTS if not given.only or name in given.only]
    facts["seconds"] = round(time.monotonic() - begun)
    facts["others_percent"] = round(others.percent(), 1)
    print(f"\n{facts['seconds']} seconds; others used {facts['others_percent']} % of the machine")
    if given.write:
        report.write(tables, given.write, facts)
        print(f"written to {given.write}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), metavar="PART", default=[])
    parser.add_argument("--soak", dest="only", action="store_const", const=["soak"])
    parser.add_argument("--runs", type=int, default=Size().runs)
    parser.add_argument("--no-peer", action="store_true", help="without the Node.js stack")
    parser.add_argument("--write", type=Path, help="a page, such as docs/BENCHMARKS.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
