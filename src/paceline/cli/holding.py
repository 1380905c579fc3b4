"""`paceline held`: what may have been sent since the database went back, and what becomes of it."""

from __future__ import annotations

import os
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paceline.cli.access import HomeOption
from paceline.cli.console import note, say
from paceline.cli.environment import settings_of
from paceline.cli.loops import run_quickly
from paceline.errors import DomainError, InvalidInput
from paceline.observability import configure_logging
from paceline.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paceline.persistence.stores.held import HeldGroup
    from paceline.services.held import Evidence, Fate

app = typer.Typer(
    help="What may have been sent since the database went back, and is held.",
    invoke_without_command=True,
)
CampaignOption = Annotated[
    str | None, typer.Option("--campaign", help="Only this campaign's", metavar="ID")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Without asking")]


@app.callback()
def held(context: typer.Context, home: HomeOption = None) -> None:
    """What is held, by campaign. Each of these emails is in doubt: see the page Emails, too."""
    configure_logging("cli", {"PACELINE_LOG_LEVEL": "warning", **os.environ})
    context.obj = home
    if context.invoked_subcommand is not None:
        return
    groups = run_quickly(_groups(settings_of(home)))
    if not groups:
        say("nothing is held")
    for group in groups:
        what = (
            "single emails" if group.campaign is None else f"{group.campaign_id} {group.campaign}"
        )
        say(f"{group.emails:>9,}  {what} ({group.sender})")


@app.command()
def release(
    context: typer.Context, campaign: CampaignOption = None, yes: YesOption = False
) -> None:
    """Let it go out: it was not sent since."""
    from paceline.services.held import Fate

    _decide(context, Fate.RELEASE, campaign, yes, "send all of it, to some perhaps twice?")


@app.command()
def drop(context: typer.Context, campaign: CampaignOption = None, yes: YesOption = False) -> None:
    """Never send it: it was sent, or is of no use any more."""
    from paceline.services.held import Fate

    _decide(context, Fate.DROP, campaign, yes, "never send any of it?")


@app.command()
def settle(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A mail server's log, or a list")],
    addresses: Annotated[
        bool,
        typer.Option(
            "--addresses", help="It is a list: its addresses count, not Message-IDs alone"
        ),
    ] = False,
) -> None:
    """Mark as sent what a log or a list tells of, by its Message-ID; the rest stays held.

    What a worker's black box knew has been settled by itself.
    """
    from paceline.services.held import Evidence

    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            evidence = Evidence.read(lines, addresses=addresses)
    except OSError as error:
        raise InvalidInput.of("--file", f"{file} cannot be read: {error.strerror}") from error
    done = run_quickly(_settle(settings_of(context.obj), evidence))
    left = sum(group.emails for group in run_quickly(_groups(settings_of(context.obj))))
    say(f"{done:,} emails were sent, by what it tells; {left:,} are still held")


def _decide(
    context: typer.Context, fate: Fate, campaign: str | None, yes: bool, question: str
) -> None:
    try:
        campaign_id = None if campaign is None else uuid.UUID(campaign)
    except ValueError:
        raise InvalidInput.of("--campaign", "is no id") from None
    settings = settings_of(context.obj)
    groups = [
        group
        for group in run_quickly(_groups(settings))
        if campaign_id is None or group.campaign_id == campaign_id
    ]
    count = sum(group.emails for group in groups)
    note(f"{count:,} emails are held")
    if count and not yes:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise DomainError("nothing was done; --yes does it without asking")
        if not typer.confirm(question, default=False, err=True):
            raise DomainError("nothing was done")
    done = run_quickly(_carry_out(settings, fate, campaign_id))
    say(f"{done:,} emails {'go out now' if fate == 'release' else 'are dropped'}")


async def _groups(settings: Settings) -> Sequence[HeldGroup]:
    from paceline.bootstrap.held import held as opened

    async with opened(settings) as held:
        return await held.groups()


async def _carry_out(settings: Settings, fate: Fate, campaign_id: uuid.UUID | None) -> int:
    from paceline.bootstrap.held import held as opened

    async with opened(settings) as held:
        return await held.decide(fate, campaign_id=campaign_id)


async def _settle(settings: Settings, evidence: Evidence) -> int:
    from paceline.bootstrap.held import held as opened

    async with opened(settings) as held:
        return await held.settle(evidence)
