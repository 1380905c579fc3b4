"""`paceline doctor`: looks at all that a start would look at, and starts nothing."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from paceline.bootstrap.preflight.findings import Weight, heaviest
from paceline.cli.access import HomeOption
from paceline.cli.console import FAILED, UNUSABLE, out
from paceline.cli.environment import origins, settings_of
from paceline.cli.loops import run_quickly
from paceline.home import Home
from paceline.observability import configure_logging

_MARKS = {
    Weight.FINE: ("ok", "green"),
    Weight.REMARK: ("note", "yellow"),
    Weight.AWAY: ("away", "red"),
    Weight.WRONG: ("wrong", "red"),
}


def doctor(
    home: HomeOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only what is not ok")] = False,
) -> None:
    """Check settings, PostgreSQL, Redis, schema, home, clocks and names, and say what to do.

    Exit 0: it can start; 1: something does not answer now; 78: a setting has to be changed.
    """
    configure_logging("doctor", {"PACELINE_LOG_LEVEL": "error", **os.environ})
    settings = settings_of(home)
    place = Home.at(home, os.environ)
    from paceline.bootstrap.preflight.looking import Part, preflight

    part = Part.WORKER if place.running() else Part.DOCTOR  # then the port is our own
    findings = run_quickly(preflight(settings, part, home=place.path, env=os.environ))
    for finding in findings:
        if quiet and finding.weight is Weight.FINE:
            continue
        mark, colour = _MARKS[finding.weight]
        out.print(f"[{colour}]{mark:<6}[/{colour}]", end="")
        out.print(finding.line(origins()), markup=False)
    worst = heaviest(findings)
    if worst is Weight.WRONG:
        raise typer.Exit(UNUSABLE)
    if worst is Weight.AWAY:
        raise typer.Exit(FAILED)
