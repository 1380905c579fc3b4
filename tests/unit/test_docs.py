"""The docs say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from paceline.domain.lifecycle import JobState, job_transitions

ROOT = Path(__file__).parents[2]


def test_the_state_diagram_is_the_table_of_transitions() -> None:
    text = (ROOT / "docs/ARCHITECTURE.md").read_text()
    match = re.search(r"```mermaid\nstateDiagram-v2\n(.*?)```", text, re.DOTALL)
    assert match is not None
    drawn = [line.strip() for line in match[1].strip().splitlines()]
    expected = [f"[*] --> {JobState.SCHEDULED}"] + [
        f"{before} --> {then}: {event.replace('_', ' ')}"
        for before, event, then in job_transitions()
    ]
    assert drawn == expected


def test_every_link_between_the_docs_leads_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        if page.exists()
        for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert dead == []
