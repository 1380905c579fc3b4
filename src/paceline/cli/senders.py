"""Which sender a command is about: the one that is named, the only one, or the one that is picked.

A campaign in the wrong name cannot be called back, so there is no default among several: a person
at a terminal is asked, a script is told what it can add.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import typer

from paceline.cli.console import note
from paceline.errors import NotFound

MAX_QUESTIONS = 5


def choose_sender(senders: Sequence[Mapping[str, Any]], wanted: str | None) -> Mapping[str, Any]:
    """The one asked for by address, name or id, or the only one there is. Raises `NotFound`."""
    if not senders:
        raise NotFound("there is no sender yet: `paceline sender add`, or add one on the dashboard")
    fits = [sender for sender in senders if wanted is None or _is(sender, wanted)]
    if len(fits) == 1:
        return fits[0]
    why = "which sender? Choose with --from" if wanted is None else f"--from {wanted}: which one?"
    if not fits:
        why = f"there is no sender {wanted}"
    options = [f"  {option}" for option in _options(fits or senders)]
    raise NotFound("\n".join([f"{why}; there are:", *options]))


def ask_for_sender(senders: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Let the person at the terminal pick one. Raises `NotFound` when they do not."""
    note("which sender? (--from answers beforehand)")
    for number, sender in enumerate(senders, start=1):
        note(f"  {number}  {sender['from_address']}  {sender['name']}")
    for _ in range(MAX_QUESTIONS):
        answer = str(typer.prompt("number, or address", err=True)).strip()
        if answer.isdecimal() and 1 <= int(answer) <= len(senders):
            return senders[int(answer) - 1]
        fits = [sender for sender in senders if _is(sender, answer)]
        if len(fits) == 1:
            return fits[0]
        note(f"{answer}: none of them" if not fits else f"{answer}: which one? Give its number")
    return choose_sender(senders, None)


def settle_sender(
    senders: Sequence[Mapping[str, Any]], wanted: str | None, *, asks: bool = True
) -> Mapping[str, Any]:
    """As `choose_sender`, but where several are there and a person is too, the person is asked.

    `asks` False: standard input is spoken for.
    """
    is_person = asks and sys.stdin.isatty() and sys.stderr.isatty()
    if wanted is None and len(senders) > 1 and is_person:
        return ask_for_sender(senders)
    return choose_sender(senders, wanted)


def _is(sender: Mapping[str, Any], wanted: str) -> bool:
    names = (str(sender[name]).lower() for name in ("id", "from_address", "name"))
    return wanted.lower() in names


def _options(senders: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each sender's `--from`, by its address where that is its own, else by its id."""
    addresses = [str(sender["from_address"]).lower() for sender in senders]
    shown = [
        s["from_address"] if addresses.count(str(s["from_address"]).lower()) == 1 else s["id"]
        for s in senders
    ]
    return [f"--from {option}   {s['name']}" for option, s in zip(shown, senders, strict=True)]
