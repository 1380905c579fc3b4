"""The benchmarks run, so that they cannot rot; what they find is not judged here."""

from __future__ import annotations

import json
from pathlib import Path

from bench import report
from bench.parts import PARTS, Size

TINY = Size(
    runs=1,
    messages=10,
    client_mails=64,
    limit_mails=32,
    emails=40,
    soak_emails=200,
    late_senders=(2,),
    late_emails=4,
    late_seconds=1,
    import_rows=500,
    page_emails=2_000,
    page_requests=1,
    pages="dashboard",
    tabs=30,
    tab_seconds=2,
    with_peer=False,  # it would install Node.js packages
)


def test_every_part_measures_and_is_written_down(tmp_path: Path) -> None:
    facts = report.facts(TINY.runs)
    tables = [measure(TINY) for measure in PARTS.values()]
    report.write(tables, tmp_path / "BENCHMARKS.md", {**facts, "seconds": 1, "others_percent": 0})

    page = (tmp_path / "BENCHMARKS.md").read_text()
    figures = [figure for table in tables for figure in table.figures]
    assert all(figure.name in page for figure in figures)
    assert all(value > 0 for f in figures if f.unit != "MB" for value in f.values)
    written = json.loads((tmp_path / "benchmarks.json").read_text())
    assert [t["title"] for t in written["tables"]] == [table.title for table in tables]
    assert "BullMQ" in written["tables"][2]["left_out"][0]
