"""`paceline backup` and `paceline restore`: of the database that is set, or of a home."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from paceline.cli.console import say
from paceline.cli.environment import settings_of
from paceline.cli.loops import run_quickly
from paceline.embedded import Postgres, running
from paceline.errors import Conflict
from paceline.home import Home
from paceline.observability import configure_logging

PlaceOption = Annotated[
    Path | None, typer.Option(help="Home of `paceline up` [PACELINE_HOME]", metavar="DIR")
]


def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it; must not be there yet")],
    home: PlaceOption = None,
) -> None:
    """Write the database to a file, beside everything that runs, and read it back.

    Redis is not needed: it is filled from the database. Not in it: the secret key, without which
    the senders' passwords cannot be opened; keep that, too, somewhere else.
    """
    configure_logging("cli", {"PACELINE_LOG_LEVEL": "warning", **os.environ})
    from paceline.bootstrap.backup.making import back_up

    place = Home.at(home, os.environ)
    with _database(home, os.environ) as url:
        made = run_quickly(back_up(url, file.absolute(), home=place.path))
    say(
        f"{file}: {made.counts['emails']:,} emails, {made.counts['campaigns']:,} campaigns, "
        f"{made.octets:,} octets, schema {made.schema}, {made.taken_at}"
    )


def restore(
    file: Annotated[Path, typer.Argument(help="What `paceline backup` wrote")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of what is there")
    ] = False,
    home: PlaceOption = None,
) -> None:
    """Put a backup in the place of the database. Stop workers and API first.

    Nothing that was due since the backup is sent: it may have been. It is in doubt, and
    `paceline held` says what can be done.
    """
    configure_logging("cli", {"PACELINE_LOG_LEVEL": "warning", **os.environ})
    from paceline.bootstrap.backup.restoring import restore as run

    place = Home.at(home, os.environ)
    with _database(home, os.environ, makes=True) as url:
        done = run_quickly(run(url, file.absolute(), home=place.path, replace=replace))
    say(f"restored {done.manifest.counts['emails']:,} emails as of {done.manifest.taken_at}")
    if done.held and done.held.emails:
        say(
            f"{done.held.emails:,} of them may have been sent since and are held: "
            "`paceline held` says what can be done"
        )


@contextmanager
def _database(home: Path | None, env: Mapping[str, str], *, makes: bool = False) -> Iterator[str]:
    """Where it is: as set, as it runs on a home, or started on a home for as long as this takes."""
    place = Home.at(home, env)
    if (home is None and env.get("DATABASE_URL")) or place.running() is not None:
        yield settings_of(home, env).database.session_url
        return
    postgres = Postgres(place.postgres)
    if not makes and not (place.postgres / "PG_VERSION").exists():
        raise Conflict(f"there is no database on {place.path}: set DATABASE_URL, or give --home")
    place.create()
    with place.lock(), running(postgres, log=place.logs / "postgres.log"):
        yield postgres.url
