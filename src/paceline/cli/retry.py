"""`paceline retry`: try a campaign's failed emails again, all of them or by their reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from paceline.cli.campaigns import CampaignArgument, HomeOption, KeyOption, UrlOption, id_in
from paceline.cli.connect import connect
from paceline.cli.console import note, say

MAX_EXAMPLE = 60  # characters


def retry(
    *,
    campaign: CampaignArgument,
    reason: Annotated[
        str | None,
        typer.Option(help="Only these: rejected, attempts_exhausted, expired, hard_bounce, …"),
    ] = None,
    reply: Annotated[
        str | None,
        typer.Option(help='Only those that failed with it: 550, "550 5.7.1", or none'),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be")] = False,
    home: HomeOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """Try again what has failed of a campaign, as if it never had been."""
    campaign_id = id_in(campaign)
    asked = {"reason": reason and reason.replace("-", "_"), "reply": reply, "dry_run": dry_run}
    with connect(home=home, url=url, key=api_key) as client:
        if dry_run:
            for line in group_lines(client.failures(campaign_id)):
                note(line)
        report = client.retry_failed(campaign_id, asked)
    for line in report_lines(report):
        say(line)


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
            "(`paceline suppressions remove ADDRESS` takes an address off)"
        )
    if report["doubtful"]:
        yield f"{report['doubtful']:,} stay failed: they may have arrived"
