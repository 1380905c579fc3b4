"""Ways in: an API key for a program, a one-time link for a person. Shell access is the proof."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from paceline import clock
from paceline.cli.console import say
from paceline.cli.environment import settings_of
from paceline.cli.loops import run_quickly
from paceline.cli.zone import local_zone
from paceline.domain.scopes import Scope
from paceline.domain.when import InvalidWhen, parse_end
from paceline.errors import InvalidInput
from paceline.observability import configure_logging

HomeOption = Annotated[
    Path | None, typer.Option(help="Home of the running system [PACELINE_HOME]", metavar="DIR")
]

OwnerOption = Annotated[
    str | None, typer.Option("--email", help="Whose (default: this installation's owner)")
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
    owner: Annotated[
        bool, typer.Option("--owner", help="Make it the address of the owner, who has none yet")
    ] = False,
    name: Annotated[str, typer.Option(help="What it is for")] = "command line",
    scope: Annotated[
        Scope,
        typer.Option(
            help="read: look only; send: and write and stop mail; admin: and senders and keys"
        ),
    ] = Scope.ADMIN,
    expires: Annotated[
        str, typer.Option(help="90d, 2027-03-01 (that day included), or never")
    ] = "never",
    home: HomeOption = None,
) -> None:
    """Make an API key and print it, alone. It is shown only this once."""
    if owner and (email is None or new_user):
        raise InvalidInput.of("--owner", "goes with --email, and not with --new-user")
    until = _end(expires)
    configure_logging("cli", {"PACELINE_LOG_LEVEL": "warning", **os.environ})
    settings = settings_of(home)
    from paceline.bootstrap.local import NewKey, create_api_key

    key = NewKey(name=name, scope=scope, expires_at=until)
    say(run_quickly(create_api_key(settings, email, key, new_user=new_user, owner=owner)))


@api_key.command("list")
def list_keys(email: OwnerOption = None, home: HomeOption = None) -> None:
    """List the keys that are not revoked: id, beginning, scope, end, last use, name."""
    configure_logging("cli", {"PACELINE_LOG_LEVEL": "warning", **os.environ})
    settings = settings_of(home)
    from paceline.bootstrap.local import api_keys_of

    for key in run_quickly(api_keys_of(settings, email)):
        verb = "expired" if key.has_expired else "expires"
        end = f"{verb} {key.expires_at:%Y-%m-%d}" if key.expires_at else "never expires"
        used = f"used {key.last_used_at:%Y-%m-%d}" if key.last_used_at else "never used"
        say(f"{key.id}  {key.prefix}…  {key.scope:<5}  {end}  {used}  {key.name}")


@api_key.command("revoke")
def revoke_key(
    key: Annotated[str, typer.Argument(help="Its id, or how it begins", metavar="KEY")],
    email: OwnerOption = None,
    home: HomeOption = None,
) -> None:
    """End a key, at once."""
    configure_logging("cli", {"PACELINE_LOG_LEVEL": "warning", **os.environ})
    settings = settings_of(home)
    from paceline.bootstrap.local import revoke_api_key

    ended = run_quickly(revoke_api_key(settings, email, key.strip()))
    say(f"revoked {ended.prefix}…  {ended.name}")


def _end(text: str) -> datetime | None:
    try:
        return parse_end(text, now=clock.now(), zone=local_zone())
    except InvalidWhen as error:
        raise InvalidInput.of("--expires", str(error)) from error


def invite(
    email: Annotated[str, typer.Argument(help="Whom the link is for", metavar="EMAIL")],
    home: HomeOption = None,
) -> None:
    """Make a link that lets somebody in, good once and for seven days, and print it, alone.

    They become a user of their own, or an administrator where ADMINS names their address.
    """
    configure_logging("cli", {"PACELINE_LOG_LEVEL": "warning", **os.environ})
    settings = settings_of(home)
    from paceline.bootstrap.local import mint_invitation

    say(run_quickly(mint_invitation(settings, email)))


def sign_in_link(home: HomeOption = None) -> None:
    """Make a sign-in link, good once and for 15 minutes, and print it, alone."""
    configure_logging("cli", {"PACELINE_LOG_LEVEL": "warning", **os.environ})
    settings = settings_of(home)
    from paceline.bootstrap.local import mint_sign_in_link

    say(run_quickly(mint_sign_in_link(settings)))
