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

    from paceline.persistence.stores.held import HeldGroup, LaterGroup, Within
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
    settings = settings_of(home)
    groups = run_quickly(_groups(settings))
    if not groups:
        say("nothing is held")
    for group in groups:
        say(_told(group))
    later = run_quickly(_later(settings))
    if later:
        say(
            "not held, for it is due later. What was moved earlier since, and sent, goes out again "
            "then: look for it in the mail server's log, and cancel it"
        )
    for group in later:
        say(f"{_told(group)}, from {group.due_at.astimezone():%Y-%m-%d %H:%M} on")


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
    campaign: CampaignOption = None,
    sender: Annotated[
        str | None, typer.Option("--sender", help="Only what comes from it", metavar="ADDRESS")
    ] = None,
    yes: YesOption = False,
) -> None:
    """Mark as sent what a log or a list tells of, by its Message-ID; the rest stays held.

    An address may be in many campaigns: what a list of them is about is to be said.
    What a worker's black box knew has been settled by itself.
    """
    from paceline.persistence.stores.held import Within
    from paceline.services.held import Evidence

    within = Within(campaign_id=_id(campaign), sender=sender)
    if addresses and campaign is None and sender is None:
        raise InvalidInput.of("--addresses", "needs --campaign or --sender: which the list is of")

    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            evidence = Evidence.read(lines, addresses=addresses)
    except OSError as error:
        raise InvalidInput.of("--file", f"{file} cannot be read: {error.strerror}") from error
    settings = settings_of(context.obj)
    if addresses:
        meant = run_quickly(_told_of(settings, evidence, within))
        for group in meant:
            note(_told(group))
        _ask("mark them as sent, never to be sent again?", needed=bool(meant) and not yes)
    done = run_quickly(_settle(settings, evidence, within))
    left = sum(group.emails for group in run_quickly(_groups(settings)))
    say(f"{done:,} emails were sent, by what it tells; {left:,} are still held")


def _decide(
    context: typer.Context, fate: Fate, campaign: str | None, yes: bool, question: str
) -> None:
    campaign_id = _id(campaign)
    settings = settings_of(context.obj)
    groups = [
        group
        for group in run_quickly(_groups(settings))
        if campaign_id is None or group.campaign_id == campaign_id
    ]
    count = sum(group.emails for group in groups)
    note(f"{count:,} emails are held")
    _ask(question, needed=bool(count) and not yes)
    done = run_quickly(_carry_out(settings, fate, campaign_id))
    say(f"{done:,} emails {'go out now' if fate == 'release' else 'are dropped'}")


def _id(campaign: str | None) -> uuid.UUID | None:
    try:
        return None if campaign is None else uuid.UUID(campaign)
    except ValueError:
        raise InvalidInput.of("--campaign", "is no id") from None


def _ask(question: str, *, needed: bool) -> None:
    """Raises `DomainError` unless the answer is yes."""
    if not needed:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise DomainError("nothing was done; --yes does it without asking")
    if not typer.confirm(question, default=False, err=True):
        raise DomainError("nothing was done")


def _told(group: HeldGroup) -> str:
    what = "single emails" if group.campaign is None else f"{group.campaign_id} {group.campaign}"
    return f"{group.emails:>9,}  {what} ({group.sender})"


async def _groups(settings: Settings) -> Sequence[HeldGroup]:
    from paceline.bootstrap.held import held as opened

    async with opened(settings) as held:
        return await held.groups()


async def _carry_out(settings: Settings, fate: Fate, campaign_id: uuid.UUID | None) -> int:
    from paceline.bootstrap.held import held as opened

    async with opened(settings) as held:
        return await held.decide(fate, campaign_id=campaign_id)


async def _later(settings: Settings) -> Sequence[LaterGroup]:
    from paceline.bootstrap.held import held as opened

    async with opened(settings) as held:
        return await held.later()


async def _told_of(settings: Settings, evidence: Evidence, within: Within) -> Sequence[HeldGroup]:
    from paceline.bootstrap.held import held as opened

    async with opened(settings) as held:
        return await held.told_of(evidence, within)


async def _settle(settings: Settings, evidence: Evidence, within: Within) -> int:
    from paceline.bootstrap.held import held as opened

    async with opened(settings) as held:
        return await held.settle(evidence, within)
