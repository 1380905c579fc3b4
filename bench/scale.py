"""The parts of `make bench` at the size of a million emails: imports, pages, searches."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench import imports, pages, seed, tabs
from bench.figures import Table
from bench.servers import servers

AIM_MS = 100
AIM_PERCENT = 5


def of_imports(*, rows: int, runs: int) -> Table:
    table = Table(
        "Imports",
        f"{rows:,} rows with three columns. Paceline reads the file, checks each address, each "
        "subject and each consent, and keeps emails and their jobs under eight indexes, words "
        "included, in one transaction.",
    )
    ours: list[Mapping[str, float]] = []
    plain: list[Mapping[str, float]] = []
    with servers() as private, tempfile.TemporaryDirectory(prefix="plb-") as folder:
        file = Path(folder) / "list.csv"
        imports.write_rows(file, rows)
        for _ in range(runs):
            ours.append(imports.ours(private.database_url, private.postgres, file, rows))
            plain.append(imports.plain_copy(private.database_url, private.postgres, file, rows))
    table.add_runs("Paceline, an import", "rows/s", ours, aim="1,000,000 in < 30 s, < 150 MB")
    table.add_runs("COPY into one table with to_tsvector('simple') under GIN", "rows/s", plain)
    ratios = [a["rows/s"] / b["rows/s"] for a, b in zip(ours, plain, strict=True)]
    table.add("an import ÷ COPY", "×", ratios)
    return table


def of_pages(*, emails: int, requests: int, only: str = "") -> Table:
    table = Table(
        "Pages",
        f"An owner with {emails:,} emails, through the real server as a signed-in person; "
        f"{requests} requests each, one after the other.",
    )
    with servers() as private:
        owner = asyncio.run(seed.filled(private.database_url, emails=emails))
        for timing in asyncio.run(pages.measured(private, owner, requests=requests, only=only)):
            beside = {
                "p95 ms": [timing.p95],
                "API CPU ms": [timing.api_cpu],
                "PostgreSQL CPU ms": [timing.postgres_cpu],
            }
            table.add(timing.name, "ms", [timing.median], aim=f"p95 < {AIM_MS}", beside=beside)
    return table


def of_tabs(*, emails: int, count: int, seconds: float) -> Table:
    table = Table(
        "Open tabs",
        f"{count} visible dashboards of an owner with {emails:,} emails, each asking as a browser "
        f"does, for {seconds:g} s; PostgreSQL without what sending itself takes.",
    )
    with servers() as private:
        owner = asyncio.run(seed.filled(private.database_url, emails=emails))
        costs = asyncio.run(tabs.measured(private, owner, tabs=count, seconds=seconds))
    for cost in costs:
        beside = {
            "PostgreSQL %": [cost.postgres_percent],
            "questions/s": [cost.asked_a_second],
            "unchanged %": [cost.not_modified * 100],
        }
        aim = f"< {AIM_PERCENT} %"
        table.add(cost.name, "% of a core", [cost.api_percent], aim=aim, beside=beside)
    return table
