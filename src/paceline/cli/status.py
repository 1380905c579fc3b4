"""`paceline status`: where the running system is, for a person, and one fact alone for a script."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from paceline.cli.console import say
from paceline.errors import NotFound
from paceline.home import Home


class Fact(StrEnum):
    """What can be asked for alone."""

    URL = "url"
    DEVINBOX_PORT = "devinbox-port"
    HOME = "home"
    PID = "pid"


def status(
    fact: Annotated[Fact | None, typer.Argument(help="Print this alone")] = None,
    home: Annotated[
        Path | None, typer.Option(help="Home of the running system [PACELINE_HOME]", metavar="DIR")
    ] = None,
) -> None:
    """Where the running system is: its address, the dev inbox, its home. Exit 1 if none runs."""
    place = Home.at(home, os.environ)
    running = place.running()
    if running is None:
        raise NotFound(f"nothing runs on {place.path}: start it with `paceline up`")
    facts = {
        Fact.URL: running.url,
        Fact.DEVINBOX_PORT: str(running.devinbox_port),
        Fact.HOME: str(place.path),
        Fact.PID: str(running.pid),
    }
    if fact is not None:
        say(facts[fact])
        return
    for name, value in facts.items():
        say(f"{name.value:<14} {value}")
