"""`paceline person`: all that is kept about one recipient, given out or wiped."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from paceline.cli.access import HomeOption
from paceline.cli.console import note, say
from paceline.cli.environment import settings_of
from paceline.cli.loops import run_quickly
from paceline.errors import Conflict, DomainError, InvalidInput
from paceline.observability import configure_logging
from paceline.settings import Settings

if TYPE_CHECKING:
    from paceline.services.persons import Suppressed, Wiped

app = typer.Typer(
    help="All that is kept about one recipient, over all accounts.", no_args_is_help=True
)
AddressArgument = Annotated[str, typer.Argument(help="The recipient's address", metavar="ADDRESS")]
_FATES = {
    "hash": "it stays suppressed, as a hash",
    "keep": "it stays on the suppression list",
    "drop": "it is off the suppression list",
}


@app.command()
def export(address: AddressArgument, home: HomeOption = None) -> None:
    """Print it as JSON: emails, attempts, decisions, suppressions, imports, drafts, caught mail."""
    _quiet()
    told = run_quickly(_export(settings_of(home), address))
    say(json.dumps(told, indent=2, ensure_ascii=False))


@app.command()
def wipe(
    address: AddressArgument,
    suppression: Annotated[
        str,
        typer.Option(
            "--suppression",
            help="Of a suppressed address: keep a hash, keep it, or drop it",
            metavar="hash|keep|drop",
        ),
    ] = "hash",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Without asking")] = False,
    home: HomeOption = None,
) -> None:
    """Take the address out of everything, for good. Emails stay counted; what waits is cancelled.

    Backups from before, logs and mail servers still know it.
    """
    _quiet()
    if suppression not in _FATES:
        raise InvalidInput.of("--suppression", f"must be one of {', '.join(_FATES)}")
    _ask(address, needed=not yes)
    done = run_quickly(_wipe(settings_of(home), address, suppression))
    say(f"{done.emails:,} emails wiped, {done.cancelled:,} of them cancelled")
    if done.settled:
        say(f"{done.settled:,} were in doubt, and count as sent")
    if done.suppression is not None:
        say(_FATES[done.suppression])
    elif done.emails:
        note("it is not suppressed: a list that has it, uploaded once more, mails it again")
    if done.lists:
        say(f"the lists of {done.lists:,} drafts were removed: upload them without it")
    for table, rows in sorted(done.rows.items()):
        say(f"taken out of {rows:,} rows of {table}")
    for table, rows in sorted(done.left.items()):
        note(f"{rows:,} rows of {table} still have it: change them, or leave them")
    if done.under_way:
        raise Conflict(f"{done.under_way:,} emails to it are still leaving: run this again")


def _quiet() -> None:
    configure_logging("cli", {"PACELINE_LOG_LEVEL": "warning", **os.environ})


def _ask(address: str, *, needed: bool) -> None:
    if not needed:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise DomainError("nothing was wiped; --yes does it without asking")
    if not typer.confirm(f"wipe {address} for good?", default=False, err=True):
        raise DomainError("nothing was wiped")


async def _export(settings: Settings, address: str) -> dict[str, Any]:
    from paceline.bootstrap.person import persons

    async with persons(settings) as opened:
        return await opened.export(None, address)


async def _wipe(settings: Settings, address: str, suppression: str) -> Wiped:
    from paceline.bootstrap.person import persons
    from paceline.services.persons import Suppressed

    fate: Suppressed = Suppressed(suppression)
    async with persons(settings) as opened:
        return await opened.wipe(None, address, suppressed=fate)
