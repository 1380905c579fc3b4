"""`paceline schedule`: a list of recipients and a text become a running campaign, over the API."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import typer

from paceline import clock
from paceline.cli.client import ApiClient
from paceline.cli.connect import connect
from paceline.cli.console import INTERRUPTED, note, say
from paceline.cli.once import Scheduled, already, scheduled
from paceline.cli.order import Order, Start
from paceline.cli.reading import LeadList, choices_of, shape_lines
from paceline.cli.senders import settle_sender
from paceline.cli.standard_input import DASH, NAME, at_hand, there
from paceline.cli.watch import failure_lines, summarise, watch
from paceline.cli.zone import local_zone
from paceline.domain.numbers import NotANumber, parse_delay, parse_hourly_limit
from paceline.domain.when import HAS_PASSED, InvalidWhen, parse_start
from paceline.errors import InvalidInput

SHOWN_REFUSED_ROWS = 10
SHOWN_FAILURES = 10
EXAMPLES = """Examples:

paceline schedule leads.csv --subject 'Hello {{ name }}' --text 'How are you?' --watch

paceline schedule leads.csv --subject Hi --html-file page.html --start 'tomorrow 09:00'

export-leads | paceline schedule - --subject Hi --text-file hello.txt --from news@example.com
"""

T = TypeVar("T")


def schedule(
    *,
    leads: Annotated[
        Path,
        typer.Argument(
            help="CSV file with the recipients; - reads standard input",
            dir_okay=False,
            callback=there,
        ),
    ],
    subject: Annotated[str, typer.Option(help="May hold merge fields: Hello {{ name }}")],
    text: Annotated[str | None, typer.Option(help="The body")] = None,
    text_file: Annotated[
        Path | None, typer.Option(help="The body, from a file", exists=True, dir_okay=False)
    ] = None,
    html_file: Annotated[
        Path | None, typer.Option(help="The body in HTML", exists=True, dir_okay=False)
    ] = None,
    attach: Annotated[
        list[Path] | None,
        typer.Option(
            help="A file to send along; may be given several times. An image that the HTML shows"
            " as cid:NAME is put there",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    sender: Annotated[
        str | None, typer.Option("--from", help="Address or id of the sender", metavar="SENDER")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the campaign (default: the file's)")] = None,
    start: Annotated[
        str, typer.Option(help='now, "in 2 minutes", "tomorrow 09:00", or a time with its offset')
    ] = "now",
    min_delay: Annotated[str, typer.Option(help="Between two emails: 2s, 500ms, 1m")] = "0s",
    hourly_limit: Annotated[
        str | None, typer.Option(help="Emails per hour", metavar="INTEGER")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of the list, where it is read wrongly: cp1251, mac-roman")
    ] = None,
    header_line: Annotated[
        str | None,
        typer.Option(help="The line of the list that names its columns", metavar="LINE"),
    ] = None,
    no_header: Annotated[
        bool, typer.Option("--no-header", help="The list has none: its first line is a recipient")
    ] = False,
    address_column: Annotated[
        str | None,
        typer.Option(help="The column with the addresses, by title or number", metavar="COLUMN"),
    ] = None,
    opt_out_column: Annotated[
        str | None,
        typer.Option(help="The column in which a yes means: do not write", metavar="COLUMN"),
    ] = None,
    opt_in_column: Annotated[
        str | None,
        typer.Option(help="The column in which only a yes means: write", metavar="COLUMN"),
    ] = None,
    include_opted_out: Annotated[
        bool,
        typer.Option(
            "--include-opted-out",
            help="Mail those, too, whom the list calls unsubscribed, bounced or the like",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show how the list is read and the first email; no more"),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", "-y", help="Take guesses about the list and notes on the message as they are"
        ),
    ] = False,
    again: Annotated[
        bool,
        typer.Option("--again", help="Schedule it once more: the same was scheduled within a day"),
    ] = False,
    follow: Annotated[
        bool, typer.Option("--watch", help="Stay until it is done; exit 0 only if all was sent")
    ] = False,
    home: Annotated[
        Path | None, typer.Option(help="Home of the running system [PACELINE_HOME]", metavar="DIR")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Of a system elsewhere [PACELINE_URL]")] = None,
    api_key: Annotated[str | None, typer.Option(help="For it [PACELINE_API_KEY]")] = None,
) -> None:
    """Send one message to each recipient of a list, at its time and pace."""
    zone = local_zone()
    begins = _start(start, zone)
    delay_ms = _read("--min-delay", lambda: parse_delay(min_delay))
    limit = _read("--hourly-limit", lambda: parse_hourly_limit(hourly_limit or ""))
    campaign: dict[str, object] = {
        "name": name or (NAME if leads == DASH else leads.stem),
        "subject": subject,
        "text": _body(text, text_file),
        "html": None if html_file is None else _content(html_file),
        "time_zone": zone.key if isinstance(zone, ZoneInfo) else "UTC",
        "min_delay_ms": delay_ms,
        "hourly_limit": limit,
    }
    chosen_about_it = choices_of(
        encoding=encoding,
        header_line=header_line,
        no_header=no_header,
        address_column=address_column,
        include_opted_out=include_opted_out,
        opt_out_column=opt_out_column,
        opt_in_column=opt_in_column,
    )
    asks = leads != DASH and sys.stdin.isatty() and sys.stderr.isatty()
    given = {field: value for field, value in campaign.items() if value is not None}
    with connect(home=home, url=url, key=api_key) as client:
        chosen = settle_sender(client.senders(), sender, asks=asks)
        with at_hand(leads) as table:
            lead_list = LeadList(
                file=table,
                chosen=chosen_about_it,
                asks=asks,
                confirms=asks and not yes,
                accepts=yes,
            )
            if dry_run:
                begins.resolved()
                # Only this needs the engine: half a second that `--help` shall not wait for.
                from paceline.cli.dry_run import rehearse

                for line in rehearse(client, given, lead_list, chosen, files=attach or []):
                    say(line)
                note("nothing was scheduled: --dry-run")
                return
            order = Order(
                campaign={**given, "sender_id": chosen["id"]},
                start=begins,
                leads=lead_list,
                files=attach or [],
                chosen=dict(chosen_about_it),
            )
            tell = partial(_show, leads=lead_list)
            done = scheduled(client, order, tell=tell, again=again)
        campaign_id = str(done.campaign["id"])
        with _it_goes_on(client, campaign_id):
            _told(done)
            if follow and not _followed(client, campaign_id, resumes=not again):
                raise typer.Exit(1)


@contextmanager
def _it_goes_on(client: ApiClient, campaign_id: str) -> Iterator[None]:
    """Ctrl-C ends the watching alone, and says so."""
    try:
        yield
    except KeyboardInterrupt:
        note(f"The campaign goes on: {client.page(campaign_id)} shows it.")
        note(f"To stop it: paceline pause {campaign_id}, or cancel in the place of pause.")
        raise typer.Exit(INTERRUPTED) from None


def _followed(client: ApiClient, campaign_id: str, *, resumes: bool) -> bool:
    """Stay until it is over, and say what came of it; whether all of it was sent."""
    campaign = watch(client, campaign_id, resumes=resumes)
    all_sent = summarise(campaign)
    if failed := campaign["counts"]["failed"]:
        for line in failure_lines(client.failed(campaign_id, most=SHOWN_FAILURES), of=failed):
            note(line)
    return all_sent


def _told(done: Scheduled) -> None:
    """The campaign on a line of its own; beside it what its owner may not have in mind."""
    made = done.campaign
    if done.was_there:
        note(already(made))
    say(f"campaign {made['id']} from {made['sender_address']}, starting {_spoken(done)}")


def _read(option: str, parse: Callable[[], T]) -> T:
    try:
        return parse()
    except (InvalidWhen, NotANumber) as error:
        raise InvalidInput.of(option, str(error)) from error


def report_lines(report: Mapping[str, Any]) -> list[str]:
    """What became of the rows, and the first refused ones with their reasons."""
    refused = report["invalid"]
    counts = [f"{report['accepted']} accepted", f"{report['duplicates']} duplicates"]
    if report.get("suppressed"):
        counts.append(f"{report['suppressed']} suppressed")
    if report.get("left_out"):
        counts.append(f"{report['left_out']} left out")
    lines = [", ".join([*counts, f"{len(refused)} refused"])]
    lines += [f"  {remark}" for remark in report.get("notes", ())]
    for row in refused[:SHOWN_REFUSED_ROWS]:
        lines.append(f"  line {row['line']}: {row['value']!r}: {row['reason']}")
    if len(refused) > SHOWN_REFUSED_ROWS:
        lines.append(f"  … and {len(refused) - SHOWN_REFUSED_ROWS} more")
    return lines


def _body(text: str | None, file: Path | None) -> str | None:
    if text is not None and file is not None:
        raise InvalidInput.of("--text", "give it or --text-file, not both")
    return text if file is None else _content(file)


def _content(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput.of(str(file), "is not UTF-8: save it as UTF-8 first") from error


def _show(report: Mapping[str, Any], leads: LeadList) -> None:
    for line in (*report_lines(report), *shape_lines(report, leads.chosen)):
        note(line)


def _start(words: str, zone: tzinfo) -> Start:
    """What was asked for. That it has passed is no mistake if it was scheduled before."""
    try:
        return Start(words=words, at=parse_start(words, now=clock.now(), zone=zone))
    except InvalidWhen as error:
        problem = InvalidInput.of("--start", str(error))
        if HAS_PASSED not in str(error):
            raise problem from error
        return Start(words=words, problem=problem)


def _spoken(done: Scheduled) -> str:
    start_at, launched_at = (
        datetime.fromisoformat(done.campaign[name]) for name in ("start_at", "launched_at")
    )
    if start_at <= launched_at and not done.was_there:
        return "now"
    return f"{start_at.astimezone():%Y-%m-%d %H:%M:%S %Z}"
