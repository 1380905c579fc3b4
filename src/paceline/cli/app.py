"""All commands in one place, and the one place where errors become a line on standard error."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from paceline import __version__
from paceline.bootstrap.preflight.findings import Finding, Unfit, Weight
from paceline.cli import access, campaigns, holding, parts, person, suppressions
from paceline.cli.backup import backup, restore
from paceline.cli.console import FAILED, INTERRUPTED, MISUSED, UNUSABLE, complain, say, speak_in_log
from paceline.cli.dkim import dkim
from paceline.cli.doctor import doctor
from paceline.cli.environment import database_of_environment, origins, with_origin
from paceline.cli.explain import (
    EXIT_CODES,
    Explains,
    PartCommand,
    explain,
    version,
    with_settings,
)
from paceline.cli.leftovers import lifeline
from paceline.cli.migrating import migrate
from paceline.cli.reseal import reseal
from paceline.cli.retry import retry
from paceline.cli.schedule import EXAMPLES, schedule
from paceline.cli.sender import sender
from paceline.cli.status import status
from paceline.cli.supervise import StartFailed, UnfitPart
from paceline.cli.up import up
from paceline.cli.welcome import welcome
from paceline.errors import InvalidInput, PacelineError, SettingsError

DAILY = "Every day"
KEYS = "Ways in, and signing"
SERVERS = "On real servers, one process each"

app = typer.Typer(
    name="paceline",
    help="Schedules email and sends each one at its time, once, within every limit.",
    epilog=EXIT_CODES,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(rich_help_panel=DAILY)(up)
app.command(rich_help_panel=DAILY, epilog=EXAMPLES)(schedule)
app.command(rich_help_panel=DAILY)(campaigns.campaigns)
app.command(rich_help_panel=DAILY)(campaigns.pause)
app.command(rich_help_panel=DAILY)(campaigns.resume)
app.command(rich_help_panel=DAILY)(campaigns.cancel)
app.command(rich_help_panel=DAILY)(retry)
app.add_typer(suppressions.app, name="suppressions", rich_help_panel=DAILY)
app.command(rich_help_panel=DAILY)(status)
app.command("help", rich_help_panel=DAILY, cls=Explains)(explain)
app.command("version", hidden=True, cls=Explains)(version)
app.command("sign-in-link", rich_help_panel=KEYS)(access.sign_in_link)
app.command(rich_help_panel=KEYS)(access.invite)
app.add_typer(access.api_key, name="api-key", rich_help_panel=KEYS)
app.add_typer(sender, name="sender", rich_help_panel=KEYS)
app.add_typer(dkim, name="dkim", rich_help_panel=KEYS)
for part in (parts.api, parts.worker, migrate, parts.devinbox):
    app.command(rich_help_panel=SERVERS, cls=PartCommand)(part)
app.command(rich_help_panel=SERVERS)(doctor)
app.command(rich_help_panel=SERVERS)(reseal)
app.command(rich_help_panel=SERVERS)(backup)
app.command(rich_help_panel=SERVERS)(restore)
app.add_typer(holding.app, name="held", rich_help_panel=SERVERS)
app.add_typer(person.app, name="person", rich_help_panel=SERVERS)
app.command(hidden=True)(welcome)
app.command(hidden=True)(lifeline)
with_settings(app)


def _print_version(asked: bool) -> None:
    if asked:
        say(__version__)
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Options that come before a command."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def exit_code(error: PacelineError) -> int:
    """An option that makes no sense is not understood, whoever found that out."""
    if isinstance(error, SettingsError | UnfitPart):
        return UNUSABLE
    misused = isinstance(error, InvalidInput) and error.problems[0].field.startswith("--")
    return MISUSED if misused else FAILED


def run() -> None:
    """Run the command line and exit. Errors of both families are one line, never a traceback."""
    speak_in_log(False)  # a part will say otherwise
    try:
        app()
    except Unfit as error:
        for finding in error.findings:
            complain(finding.line(origins()))
        sys.exit(UNUSABLE)
    except (SettingsError, StartFailed) as error:
        complain(with_origin(str(error)))
        sys.exit(exit_code(error))
    except PacelineError as error:
        unreached = _unreached(error)
        complain(unreached.line(origins()) if unreached else str(error))
        is_wrong = unreached is not None and unreached.weight is Weight.WRONG
        sys.exit(UNUSABLE if is_wrong else exit_code(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _unreached(error: PacelineError) -> Finding | None:
    """Of a database that is not to be had: which one, and where that was set.

    A folder's `.env` may be another program's. None for all other errors.
    """
    if (url := database_of_environment()) is None:
        return None
    from paceline.bootstrap.preflight.database import out_of_reach
    from paceline.persistence.database import DatabaseUnavailable

    return out_of_reach(url, error) if isinstance(error, DatabaseUnavailable) else None
