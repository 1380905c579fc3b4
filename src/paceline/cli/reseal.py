"""`paceline reseal`: after a change of the secret key, seal what is stored with the new one."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from paceline.cli.access import HomeOption
from paceline.cli.console import note, say
from paceline.cli.environment import settings_of
from paceline.cli.loops import run_quickly
from paceline.errors import Conflict, DomainError
from paceline.observability import configure_logging

if TYPE_CHECKING:
    from paceline.services.resealing import Unreadable


_KINDS = {"smtp_password": "password", "smtp_grant": "grant", "dkim_key": "DKIM key"}


def reseal(
    forget_unreadable: Annotated[
        bool,
        typer.Option(
            "--forget-unreadable", help="The old key is lost: empty what no key opens (asks first)"
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Forget it without asking")] = False,
    home: HomeOption = None,
) -> None:
    """Seal all stored passwords, grants, DKIM keys and web hooks with PACELINE_SECRET_KEY.

    The key they are sealed with now stands in PACELINE_SECRET_KEY_RETIRED. First restart every
    process with both. It may run beside everything else, be broken off and run again.
    """
    configure_logging("cli", {"PACELINE_LOG_LEVEL": "warning", **os.environ})
    settings = settings_of(home)
    from paceline.bootstrap.resealing import forget
    from paceline.bootstrap.resealing import reseal as run

    done = run_quickly(run(settings))
    say(f"{done.secrets} secrets sealed anew")
    if not done.settled:
        raise Conflict(
            "secrets are still being sealed with a retired key: restart the processes that have it "
            "as PACELINE_SECRET_KEY, and run this again"
        )
    say("nothing is left that a retired key opens")
    if not done.unreadable:
        return
    if not forget_unreadable:
        raise Conflict(_told(done.unreadable))
    _ask(done.unreadable, yes=yes)
    forgotten = run_quickly(forget(settings, done.unreadable))
    say(f"secrets of {forgotten} senders forgotten; enter them again on the senders' pages")


def _told(lost: Sequence[Unreadable]) -> str:
    named = ", ".join(sender.from_address for sender in lost[:5])
    more = ", …" if len(lost) > 5 else ""
    return (
        f"secrets of {len(lost)} senders open with none of the keys ({named}{more}): name the key "
        "in PACELINE_SECRET_KEY_RETIRED; if it is lost, `paceline reseal --forget-unreadable` "
        "empties them, to be entered again"
    )


def _ask(lost: Sequence[Unreadable], *, yes: bool) -> None:
    """Say what will be forgotten. Raises `DomainError` unless that is wanted."""
    note(f"secrets of {len(lost)} senders open with none of the keys and will be forgotten:")
    for sender in lost:
        kinds = ", ".join(_KINDS[name] for name in sender.secrets)
        note(f"  {sender.from_address} ({sender.id}): {kinds}")
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise DomainError("nothing was forgotten; --yes does it without asking")
    if not typer.confirm("forget them for good?", default=False, err=True):
        raise DomainError("nothing was forgotten")
