"""Watching a campaign from the terminal until nothing of it waits any more, and its summary."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from paceline import clock
from paceline.cli.client import ApiClient, ApiUnreachable
from paceline.cli.console import err, say
from paceline.cli.held import HELD_BY, local
from paceline.errors import OperationalError

POLL_SECONDS = 0.5
PATIENCE_SECONDS = 120.0  # with a server that does not answer: it may be starting again
GOES_ON = "It is not known how far the campaign is; it goes on without this command: see "
RESUMES = "Run the same command again to go on watching it: nothing is sent twice."

_WAITING = ("scheduled", "claimed", "sending", "deferred")
_OVER = frozenset({"completed", "cancelled"})
_PACE = frozenset({"campaign_draft", "min_delay"})  # worth no remark


def watch(client: ApiClient, campaign_id: str, *, resumes: bool) -> dict[str, Any]:
    """Show a bar until it is over; the campaign as it is then.

    `resumes`: the same command, run again, finds this campaign.
    """
    with _bar() as show:
        patience_ends = clock.boottime() + PATIENCE_SECONDS
        while True:
            try:
                campaign = client.campaign(campaign_id, patiently=False)
            except ApiUnreachable as lost:
                if clock.boottime() > patience_ends:
                    raise OperationalError(
                        "\n".join(_goes_on(client, campaign_id, lost, resumes))
                    ) from lost
            else:
                patience_ends = clock.boottime() + PATIENCE_SECONDS
                show(campaign)
                if is_over(campaign):
                    return campaign
            time.sleep(POLL_SECONDS)


def _goes_on(
    client: ApiClient, campaign_id: str, lost: ApiUnreachable, resumes: bool
) -> Iterator[str]:
    yield str(lost)
    yield GOES_ON + client.page(campaign_id)
    if resumes:
        yield RESUMES


def is_over(campaign: Mapping[str, Any]) -> bool:
    """Nothing of it will go out any more by itself. What is in doubt waits for a person."""
    waiting = sum(campaign["counts"][state] for state in _WAITING)
    return campaign["state"] in _OVER or waiting == 0


def summarise(campaign: Mapping[str, Any]) -> bool:
    """Print the closing lines; whether all of it was sent."""
    counts = campaign["counts"]
    outcomes = ["sent", "failed", "in_doubt", *(["cancelled"] if counts["cancelled"] else [])]
    parts = [f"{counts[outcome]} {outcome.replace('_', ' ')}" for outcome in outcomes]
    say(f"{', '.join(parts)}, in {_duration(campaign)}")
    return not (counts["failed"] or counts["in_doubt"] or counts["cancelled"])


def failure_lines(failed: Sequence[Mapping[str, Any]], *, of: int) -> list[str]:
    """Who did not get it, and why, in the server's words where it had any."""
    lines = []
    for email in failed:
        said = (email["reply_code"], email["reply_enhanced"], email["reply_text"])
        why = " ".join(str(part) for part in said if part) or email["failure_reason"]
        lines.append(f"  {email['to']}: {why}")
    if of > len(failed):
        lines.append(f"  … and {of - len(failed)} more")
    return lines


def _duration(campaign: Mapping[str, Any]) -> str:
    start = max(_instants(campaign, "launched_at", "start_at"), default=clock.now())
    end = next(_instants(campaign, "finished_at"), clock.now())
    return str(timedelta(seconds=max(0, round((end - start).total_seconds()))))


def _instants(campaign: Mapping[str, Any], *names: str) -> Iterator[datetime]:
    yield from (datetime.fromisoformat(campaign[name]) for name in names if campaign.get(name))


@contextmanager
def _bar() -> Iterator[Callable[[Mapping[str, Any]], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[remark]}"),
    )
    with Progress(*columns, console=err) as progress:
        task = progress.add_task("sending", total=None, remark="")

        def show(campaign: Mapping[str, Any]) -> None:
            counts = campaign["counts"]
            total = sum(counts.values())
            done = total - sum(counts[state] for state in _WAITING)
            progress.update(task, total=total, completed=done, remark=remark_on(campaign))

        yield show


def remark_on(campaign: Mapping[str, Any]) -> str:
    """What it waits for, when it is worth a remark; else how many have failed."""
    held_by, release_at = campaign.get("held_by"), campaign.get("release_at")
    if held_by in HELD_BY and held_by not in _PACE:
        until = f" until {local(release_at)}" if release_at else ""
        said = f": {reason}" if (reason := campaign.get("held_reason")) else ""
        return HELD_BY[held_by] + until + said
    if held_by == "schedule" and release_at:
        return f"starts at {local(release_at)}"
    failed = campaign["counts"]["failed"]
    return f"{failed} failed" if failed else ""
