"""`paceline campaigns` lists them; `pause`, `resume` and `cancel` act on one, over the API."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from paceline.cli.client import ApiRefused
from paceline.cli.connect import connect
from paceline.cli.console import note, say
from paceline.cli.lost import may_be_done
from paceline.errors import InvalidInput

MAX_LISTED = 200
_CONFLICT = 409
_STATES = {"pause": "paused", "resume": "active", "cancel": "cancelled"}
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

CampaignArgument = Annotated[
    str, typer.Argument(help="Its id, or the address of its page", metavar="CAMPAIGN")
]
HomeOption = Annotated[
    Path | None, typer.Option(help="Home of the running system [PACELINE_HOME]", metavar="DIR")
]
UrlOption = Annotated[str | None, typer.Option(help="Of a system elsewhere [PACELINE_URL]")]
KeyOption = Annotated[str | None, typer.Option(help="For it [PACELINE_API_KEY]")]


def campaigns(
    limit: Annotated[int, typer.Option(min=1, max=MAX_LISTED, help="At most so many")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="As the API gives them")] = False,
    home: HomeOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """List the newest campaigns, with what became of their emails."""
    with connect(home=home, url=url, key=api_key) as client:
        found = client.campaigns(most=limit)
    if as_json:
        say(json.dumps(found, ensure_ascii=False))
        return
    for campaign in found:
        say(line_of(campaign))
    if not found:
        note("there is no campaign yet: `paceline schedule` makes one")


def pause(
    campaign: CampaignArgument,
    home: HomeOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """Hold a campaign: within a second nothing more of it leaves."""
    _act("pause", campaign, home=home, url=url, key=api_key)


def resume(
    campaign: CampaignArgument,
    home: HomeOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """Let a paused campaign go on."""
    _act("resume", campaign, home=home, url=url, key=api_key)


def cancel(
    campaign: CampaignArgument,
    home: HomeOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """End a campaign: what has not left never will."""
    _act("cancel", campaign, home=home, url=url, key=api_key)


def _act(verb: str, campaign: str, *, home: Path | None, url: str | None, key: str | None) -> None:
    """What is so already is done: whoever lost the first answer runs it again."""
    campaign_id = id_in(campaign)
    with connect(home=home, url=url, key=key) as client:
        try:
            with may_be_done():
                there = client.change(campaign_id, verb)
        except ApiRefused as refused:
            if refused.status != _CONFLICT:
                raise
            there = client.campaign(campaign_id)
            if there["state"] != _STATES[verb]:
                raise
            note(f"it is {there['state']} already")
        say(line_of(there))


def id_in(campaign: str) -> str:
    """The id that was given, alone or in the address of a page. Raises `InvalidInput`."""
    found = _ID.findall(campaign)
    if not found:
        raise InvalidInput.of(
            "campaign", f"give its id, or the address of its page, not {campaign!r}"
        )
    return str(found[-1])


def line_of(campaign: Mapping[str, Any]) -> str:
    """One campaign: its id, its state, what became of its emails, its name."""
    counts = campaign["counts"]
    outcomes = ("sent", "failed", "in_doubt", "cancelled")
    told = [f"{counts[name]} {name.replace('_', ' ')}" for name in outcomes if counts[name]]
    waiting = campaign["total"] - sum(counts[name] for name in outcomes)
    told += [f"{waiting} to go"] if waiting else []
    state = campaign["state"]
    return f"{campaign['id']}  {state:<10} {', '.join(told) or 'empty'}  {campaign['name']}"
