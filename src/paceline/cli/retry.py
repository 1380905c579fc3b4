"""`paceline retry`: try a campaign's failed emails again, all of them, by their reason, or one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from paceline.cli.campaigns import HomeOption, KeyOption, UrlOption, id_in
from paceline.cli.client import ApiClient, ApiRefused
from paceline.cli.connect import connect
from paceline.cli.console import note, say
from paceline.cli.lost import may_be_done
from paceline.errors import InvalidInput, NotFound

MAX_EXAMPLE = 60  # characters
_NOT_FOUND = 404
_EMAIL_PAGE = "/emails/"
_TRIED = "{emails} will be tried again"


def retry(
    *,
    what: Annotated[
        str,
        typer.Argument(
            help="A campaign's id or the address of its page, or an email's", metavar="CAMPAIGN"
        ),
    ],
    to: Annotated[
        str | None, typer.Option("--to", help="Only the email to this address", metavar="ADDRESS")
    ] = None,
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
    """Try again what has failed of a campaign, or one email, as if it never had been."""
    given_id = id_in(what)
    of_many = {"--reason": reason, "--reply": reply, "--dry-run": dry_run or None}
    chosen = [option for option, value in of_many.items() if value is not None]
    asked = {"reason": reason and reason.replace("-", "_"), "reply": reply, "dry_run": dry_run}
    with connect(home=home, url=url, key=api_key) as client:
        if to is not None or _EMAIL_PAGE in what:
            if chosen:
                raise InvalidInput.of(chosen[0], "is of a whole campaign, and one email was given")
            _retry_one(client, given_id if to is None else _email_to(client, given_id, to))
            return
        if dry_run:
            for line in group_lines(client.failures(given_id)):
                note(line)
        try:
            with may_be_done():
                report = client.retry_failed(given_id, asked)
        except ApiRefused as refused:
            if refused.status != _NOT_FOUND or chosen:
                raise
            _retry_one(client, given_id)  # an id does not tell whose it is
            return
    for line in report_lines(report):
        say(line)


def _email_to(client: ApiClient, campaign_id: str, address: str) -> str:
    address = address.strip()
    for email in client.recipients_named(campaign_id, address):
        if email["to"].casefold() == address.casefold():
            return str(email["id"])
    raise NotFound(f"{address} is not among the recipients of this campaign")


def _retry_one(client: ApiClient, email_id: str) -> None:
    try:
        with may_be_done():
            client.retry_email(email_id)
    except ApiRefused as refused:
        if refused.status != _NOT_FOUND:
            raise
        raise NotFound("there is no such campaign or email") from refused
    say(_TRIED.format(emails="1 email"))


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
    told = f"{emails} would be tried again" if report["dry_run"] else _TRIED.format(emails=emails)
    yield told if count else "nothing to try again"
    if report["suppressed"]:
        yield (
            f"{report['suppressed']:,} stay failed: on the suppression list "
            "(`paceline suppressions remove ADDRESS` takes an address off)"
        )
    if report["doubtful"]:
        yield f"{report['doubtful']:,} stay failed: they may have arrived"
