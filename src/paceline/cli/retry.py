"""`paceline retry`: try a campaign's failed emails again, all of them or by their reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from paceline.cli.connect import connect
from paceline.cli.console import note, say
from paceline.errors import InvalidInput

_ID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
MAX_EXAMPLE = 60  # characters


def retry(
    *,
    campaign: Annotated[
        str, typer.Argument(help="Its id, or the address of its page", metavar="CAMPAIGN")
    ],
    reason: Annotated[
        str | None,
        typer.Option(help="Only these: rejected, attempts_exhausted, expired, hard_bounce, …"),
    ] = None,
    reply: Annotated[
        str | None,
        typer.Option(help='Only those that failed with it: 550, "550 5.7.1", or none'),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be")] = False,
    home: Annotated[
        Path | None, typer.Option(help="Home of the running system [PACELINE_HOME]", metavar="DIR")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Of a system elsewhere [PACELINE_URL]")] = None,
    api_key: Annotated[str | None, typer.Option(help="For it [PACELINE_API_KEY]")] = None,
) -> None:
    """Try again what has failed of a campaign, as if it never had been."""
    campaign_id = _id_in(campaign)
    asked = {"reason": reason and reason.replace("-", "_"), "reply": reply, "dry_run": dry_run}
    with connect(home=home, url=url, key=api_key) as client:
        if dry_run:
            for line in group_lines(client.failures(campaign_id)):
                note(line)
        report = client.retry_failed(campaign_id, asked)
    for line in report_lines(report):
        say(line)


def _id_in(text: str) -> str:
    found = _ID.findall(text)
    if not found:
        raise InvalidInput.of("campaign", f"give its id, or the address of its page, not {text!r}")
    return str(found[-1])


def group_lines(groups: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Why they failed, a line for each reason and reply; in the words that the options take."""
    if groups:
        yield "failed, by --reason and --reply:"
    for group in groups:
        said = (group["example"] or "")[:MAX_EXAMPLE]
        yield f"{group['count']:>8,}  {group['reason']}  {group['reply']}  {said}".rstrip()


def report_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """What became of them, or would."""
    count = report["retried"]
    emails = "1 email" if count == 1 else f"{count:,} emails"
    verb = "would be tried again" if report["dry_run"] else "will be tried again"
    yield f"{emails} {verb}" if count else "nothing to try again"
    if report["suppressed"]:
        yield (
            f"{report['suppressed']:,} stay failed: on the suppression list "
            "(DELETE /api/v1/suppressions/ADDRESS takes an address off)"
        )
    if report["doubtful"]:
        yield f"{report['doubtful']:,} stay failed: they may have arrived"
