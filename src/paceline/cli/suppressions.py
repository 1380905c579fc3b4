"""`paceline suppressions`: who is not mailed, and why; add, import, take off, export."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from paceline.cli.campaigns import HomeOption, KeyOption, UrlOption
from paceline.cli.connect import connect
from paceline.cli.console import note as remark
from paceline.cli.console import say
from paceline.cli.lost import may_be_done
from paceline.cli.reading import choices_of, settled, shape_lines
from paceline.cli.standard_input import at_hand, there

SHOWN_REFUSED = 10
EVERY = 10_000_000

app = typer.Typer(
    help="Addresses that are not mailed: bounced, or asked not to be.", no_args_is_help=True
)

NoteOption = Annotated[
    str | None, typer.Option("--note", help="Why, for whoever asks later", metavar="TEXT")
]
SearchOption = Annotated[
    str | None, typer.Option("--search", help="Words of the address", metavar="WORDS")
]
ReasonOption = Annotated[
    str | None, typer.Option("--reason", help="Only these: hard_bounce, manual, import")
]


@app.command("list")
def list_them(
    *,
    search: SearchOption = None,
    reason: ReasonOption = None,
    limit: Annotated[int, typer.Option(min=1, max=EVERY, help="At most so many")] = 50,
    home: HomeOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """List suppressed addresses, with why each is on the list."""
    with connect(home=home, url=url, key=api_key) as client:
        found = client.suppressions(most=limit, given=_given(search, reason))
    for one in found:
        say(line_of(one))
    if not found:
        remark("no address is suppressed" if search is None else f"none has {search!r} in it")


@app.command()
def add(
    addresses: Annotated[list[str], typer.Argument(help="One or more", metavar="ADDRESS")],
    note: NoteOption = None,
    home: HomeOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """Suppress addresses, at once, also in campaigns under way."""
    with connect(home=home, url=url, key=api_key) as client, may_be_done():
        added = client.suppress(addresses, note=note)
    say(f"{_addresses(added)} added, {len(addresses) - added:,} were on the list")


@app.command("import")
def import_file(
    *,
    file: Annotated[
        Path, typer.Argument(help="A list of any usual shape; - is standard input", callback=there)
    ],
    note: NoteOption = None,
    address_column: Annotated[
        str | None, typer.Option(help="Its title, or its number counted from 1")
    ] = None,
    header_line: Annotated[str | None, typer.Option(help="Line of the header")] = None,
    no_header: Annotated[bool, typer.Option("--no-header", help="There is none")] = False,
    encoding: Annotated[str | None, typer.Option(help="Such as cp1251")] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """Suppress all addresses of a file, whatever else it says of them."""
    chosen = choices_of(
        encoding=encoding,
        header_line=header_line,
        no_header=no_header,
        address_column=address_column,
        include_opted_out=False,
    )
    beside = {} if note is None else {"note": note}
    asks = sys.stdin.isatty() and sys.stderr.isatty()
    with (
        at_hand(file) as at,
        connect(home=home, url=url, key=api_key) as client,
        may_be_done(),
    ):
        report = settled(lambda c: client.suppress_file(at, {**c, **beside}), chosen, asks=asks)
    for line in (*shape_lines(report, chosen), *refused_lines(report)):
        remark(line)
    say(f"{_addresses(report['added'])} added, {report['known']:,} were on the list")


@app.command()
def remove(
    address: Annotated[str, typer.Argument(metavar="ADDRESS")],
    note: NoteOption = None,
    home: HomeOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """Let an address be mailed again; the audit log keeps who said so, and why."""
    with connect(home=home, url=url, key=api_key) as client:
        client.release(address, note=note)
    say(f"{address} may be mailed again")


@app.command()
def export(
    *,
    search: SearchOption = None,
    reason: ReasonOption = None,
    home: HomeOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """Print the list as CSV."""
    with connect(home=home, url=url, key=api_key) as client:
        for line in client.suppressions_csv(_given(search, reason)):
            sys.stdout.write(line)


def line_of(one: Mapping[str, Any]) -> str:
    """One address: since when, why, and what was said."""
    why = [one["reason"], one["reply"], one["note"], one["added_by"] and f"by {one['added_by']}"]
    return f"{one['address']}  {one['created_at'][:10]}  {', '.join(filter(None, why))}"


def refused_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """The rows that hold no address, the first of them one by one."""
    refused = report["invalid"]
    for row in refused[:SHOWN_REFUSED]:
        yield f"  line {row['line']}: {row['value']}: {row['reason']}"
    if len(refused) > SHOWN_REFUSED:
        yield f"  … and {len(refused) - SHOWN_REFUSED:,} more rows that hold no address"


def _given(search: str | None, reason: str | None) -> dict[str, str]:
    given = {"q": search, "reason": reason and reason.replace("-", "_")}
    return {name: value for name, value in given.items() if value is not None}


def _addresses(count: int) -> str:
    return "1 address" if count == 1 else f"{count:,} addresses"
