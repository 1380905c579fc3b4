"""Ways in: an API key for a program, a one-time link for a person. Shell access is the proof."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from paceline.cli.console import say
from paceline.cli.environment import settings_of
from paceline.cli.loops import run_quickly
from paceline.observability import configure_logging

HomeOption = Annotated[
    Path | None, typer.Option(help="Home of the running system [PACELINE_HOME]", metavar="DIR")
]

api_key = typer.Typer(help="Keys for the HTTP API.", no_args_is_help=True)


@api_key.command("create")
def create_key(
    email: Annotated[
        str | None, typer.Option(help="Whose key it will be (default: this installation's owner)")
    ] = None,
    new_user: Annotated[
        bool, typer.Option("--new-user", help="Make a user for an address that nobody has")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Make an API key and print it, alone. It is shown only this once.

    The first address that is ever named becomes the owner's.
    """
    configure_logging("cli", {"PACELINE_LOG_LEVEL": "warning", **os.environ})
    settings = settings_of(home)
    from paceline.bootstrap.local import create_api_key

    say(run_quickly(create_api_key(settings, email, new_user=new_user)))


def sign_in_link(home: HomeOption = None) -> None:
    """Make a sign-in link, good once and for 15 minutes, and print it, alone."""
    configure_logging("cli", {"PACELINE_LOG_LEVEL": "warning", **os.environ})
    settings = settings_of(home)
    from paceline.bootstrap.local import mint_sign_in_link

    say(run_quickly(mint_sign_in_link(settings)))
