"""All commands in one place, and the one place where errors become a line on standard error."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from paceline import __version__
from paceline.cli import access, parts
from paceline.cli.console import complain, say
from paceline.cli.dkim import dkim
from paceline.cli.environment import load_dotenv
from paceline.cli.leftovers import lifeline
from paceline.cli.schedule import schedule
from paceline.cli.up import up
from paceline.cli.welcome import welcome
from paceline.errors import PacelineError

FAILED = 1
INTERRUPTED = 130

app = typer.Typer(
    name="paceline",
    help="Schedules email and sends each one at its time, once, within every limit.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(up)
app.command()(schedule)
app.command("sign-in-link")(access.sign_in_link)
app.add_typer(access.api_key, name="api-key")
app.add_typer(dkim, name="dkim")
app.command()(parts.api)
app.command()(parts.worker)
app.command()(parts.migrate)
app.command()(parts.devinbox)
app.command(hidden=True)(welcome)
app.command(hidden=True)(lifeline)


def _print_version(asked: bool) -> None:
    if asked:
        say(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Options that come before a command."""


def run() -> None:
    """Run the command line and exit. Errors of both families are one line, never a traceback."""
    try:
        load_dotenv()
        app()
    except PacelineError as error:
        complain(str(error))
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
