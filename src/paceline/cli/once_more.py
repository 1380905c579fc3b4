"""People got it already, or will: is it meant to reach them once more?

At a terminal that is asked, and no is the answer of whoever just presses Enter; a script is told
the option that means yes. What differs is said, for that is what its owner decides by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import typer

from paceline import clock
from paceline.cli.client import ApiClient
from paceline.cli.console import note
from paceline.domain.repeats import these_recipients_get
from paceline.errors import DomainError

# Of a campaign, as the API names it: what it is called, and whether it is short enough to show.
_NAMES = {
    "name": ("name", True),
    "text": ("text", False),
    "html": ("HTML", False),
    "time_zone": ("time zone", True),
    "min_delay_ms": ("delay between two emails", False),
    "hourly_limit": ("hourly limit", False),
}
_UNSET: Mapping[str, object] = {"min_delay_ms": 0}
_SHOWN_CHARACTERS = 60

Campaign = Mapping[str, Any]


def ask_about_other(
    client: ApiClient,
    asked: Mapping[str, object],
    files: Sequence[Path],
    there: Campaign,
    *,
    asks: bool,
) -> None:
    """This list, subject and start were scheduled within a day, as something else than is asked.

    Raises `DomainError` unless it is meant.
    """
    ended = ", and was cancelled since" if there["state"] == "cancelled" else ""
    differs = " and ".join(differences(client, asked, files, there))
    _ask(
        f"the same list, subject and start were scheduled at {clock_time(there['launched_at'])} "
        f"as campaign {there['id']}{ended}. What differs: {differs}",
        asks=asks,
    )


def ask_about_repeats(client: ApiClient, campaign_id: str, *, subject: str, asks: bool) -> None:
    """Recipients of a draft get its subject by another campaign within a day.

    Raises `DomainError` unless that is meant.
    """
    if not (found := client.repeats(campaign_id)):
        return
    first, *others = found
    more = f" (and by {len(others)} more)" if others else ""
    _ask(
        f"{these_recipients_get(first['recipients'])} “{subject}” from the same "
        f"sender by campaign {first['campaign_id']} already, scheduled at "
        f"{clock_time(first['launched_at'])}{more}",
        asks=asks,
    )


def differences(
    client: ApiClient, asked: Mapping[str, object], files: Sequence[Path], there: Campaign
) -> list[str]:
    """In what a campaign differs from what is asked for, in words."""
    found = list(_of_message(asked, there))
    if _attached(client, there) != sorted((file.name, file.stat().st_size) for file in files):
        found.append("the attachments")
    # All that is asked for is compared by the server; what is left cannot be looked up.
    rest = "how the list is read" + (", or what is in an attachment" if files else "")
    return found or [rest]


def clock_time(instant: str) -> str:
    """A time of today, or with its date."""
    at = datetime.fromisoformat(instant).astimezone()
    is_today = at.date() == clock.now().astimezone().date()
    return f"{at:%H:%M}" if is_today else f"{at:%Y-%m-%d %H:%M}"


def _of_message(asked: Mapping[str, object], there: Campaign) -> Iterator[str]:
    for name, (words, is_shown) in _NAMES.items():
        given = asked.get(name, _UNSET.get(name))
        if _lines(given) == _lines(there.get(name)):
            continue
        then = str(there.get(name))[:_SHOWN_CHARACTERS]
        yield f"the {words} (“{then}” then)" if is_shown else f"the {words}"


def _lines(value: object) -> object:
    return value.splitlines() if isinstance(value, str) else value


def _attached(client: ApiClient, there: Campaign) -> list[tuple[str, int]]:
    files = client.attachments(str(there["id"]))
    return sorted((str(file["file_name"]), int(file["octets"])) for file in files)


def _ask(said: str, *, asks: bool) -> None:
    if not asks:
        raise DomainError(f"{said}.\nNothing was sent; --again schedules this as a new campaign")
    note(said)
    if not typer.confirm("schedule this as a new campaign all the same?", default=False, err=True):
        raise DomainError("nothing was scheduled")
