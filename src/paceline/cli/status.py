"""`paceline status`: where the running system is and what is so; one fact alone for a script."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from paceline.cli.campaigns import KeyOption, UrlOption
from paceline.cli.client import ApiClient
from paceline.cli.connect import connect, is_elsewhere
from paceline.cli.console import note, say
from paceline.cli.held import lines
from paceline.errors import NotFound, PacelineError
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
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """Where the running system is, what goes out and what needs you. Exit 1 if none runs.

    With --url (or PACELINE_URL) and a key: of a system elsewhere.
    """
    if fact is None and is_elsewhere(home, url):
        with connect(home=home, url=url, key=api_key) as client:
            _say_what_is_so(client)
        return
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
    try:
        with connect(home=place.path, url=None, key=api_key) as client:
            _say_what_is_so(client)
    except PacelineError as error:
        note(f"what is so cannot be told: {error}")


def _say_what_is_so(client: ApiClient) -> None:
    for line in lines(client.status(), client.url):
        say(line)
