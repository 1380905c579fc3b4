"""Whose things a command is about: each is of one kind, a new one of none until it is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from paceline.cli.app import app

# By `--email`, on the machine that has the database: each is walked as somebody else in
# tests/integration/cli/test_api_key_command.py.
OF_AN_OWNER = {"api-key create", "api-key list", "api-key revoke"}
# For whoever has the shell of the machine, or the database: of everybody.
OF_THE_INSTALLATION = {
    *("up", "api", "worker", "devinbox", "migrate", "doctor", "reseal", "backup", "restore"),
    *("held drop", "held release", "held settle", "sign-in-link", "invite", "welcome"),
    *("person export", "person wipe", "lifeline"),
}
OF_NOBODY = {"help", "version"}


def commands(group: Any, before: str = "") -> Iterator[tuple[str, set[str]]]:
    """Each with all its options."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{before}{name} ")
        else:
            options = {option for parameter in command.params for option in parameter.opts}
            yield before + name, options


def test_a_command_is_about_what_a_key_opens_or_says_here_whose_things_it_is_about() -> None:
    of_a_key, others = set(), set()
    for name, options in commands(typer.main.get_command(app)):
        (of_a_key if "--api-key" in options else others).add(name)
    # Those go by the API, whose every route is walked as nobody and as somebody else.
    assert len(of_a_key) > 20
    assert others == OF_AN_OWNER | OF_THE_INSTALLATION | OF_NOBODY


def test_whose_things_it_is_about_is_said_by_the_same_option_everywhere() -> None:
    of_an_owner = {
        name for name, options in commands(typer.main.get_command(app)) if "--email" in options
    }
    assert of_an_owner == OF_AN_OWNER
