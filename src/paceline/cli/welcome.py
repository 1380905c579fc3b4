"""The last step of `up`, in a process of its own: the sample campaign, and a link to sign in by.

A process of its own, so that the one that supervises stays small: it never loads the database.
"""

from __future__ import annotations

import logging
import os
from typing import Annotated

import typer

from paceline.cli.console import say
from paceline.cli.loops import run_quickly
from paceline.errors import PacelineError
from paceline.home import Home
from paceline.observability import configure_logging
from paceline.settings import Settings

_log = logging.getLogger(__name__)


def welcome(
    sample: Annotated[bool, typer.Option("--sample/--no-sample")] = True,
) -> None:
    """Create the sample once per home, then print a sign-in link, alone."""
    configure_logging("welcome", os.environ)
    settings = Settings.from_environment(os.environ)
    home = Home.at(None, os.environ)
    run_quickly(_welcome(settings, home, sample=sample))


async def _welcome(settings: Settings, home: Home, *, sample: bool) -> None:
    from paceline.bootstrap.local import create_sample, mint_sign_in_link

    made = home.path / "sample.made"
    if sample and not made.exists():
        try:
            await create_sample(settings)
            made.touch()
        except PacelineError as error:  # a nicety, no reason not to start
            _log.warning("no sample campaign: %s", error)
    say(await mint_sign_in_link(settings))
