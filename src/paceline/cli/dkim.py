"""`paceline dkim`: a sender's signing key, over the API, and its record ready for a zone file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from paceline.cli.client import ApiClient
from paceline.cli.connect import connect
from paceline.cli.console import note, say
from paceline.cli.senders import settle_sender

dkim = typer.Typer(help="Keys that sign a sender's emails.", no_args_is_help=True)

SenderOption = Annotated[
    str | None, typer.Option("--from", help="Address or id of the sender", metavar="SENDER")
]
HomeOption = Annotated[
    Path | None, typer.Option(help="Home of the running system [PACELINE_HOME]", metavar="DIR")
]
UrlOption = Annotated[str | None, typer.Option(help="Of a system elsewhere [PACELINE_URL]")]
KeyOption = Annotated[str | None, typer.Option(help="For it [PACELINE_API_KEY]")]


class Algorithm(StrEnum):
    """What the API takes. RSA is read by every receiver, Ed25519 by some."""

    RSA = "rsa"
    ED25519 = "ed25519"


@dkim.command("create")
def create(
    sender: SenderOption = None,
    algorithm: Annotated[Algorithm, typer.Option(help="rsa is read everywhere")] = Algorithm.RSA,
    selector: Annotated[
        str | None, typer.Option(help="Its name (default: one of the key's own)")
    ] = None,
    domain: Annotated[
        str | None, typer.Option(help="Of the signature (default: the sender's)")
    ] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """Make a key, sign with it from now on, and print the record to publish."""
    asked = {"algorithm": algorithm.value, "selector": selector, "domain": domain}
    with _sender(sender, home=home, url=url, key=api_key) as (client, chosen):
        record = client.make_dkim_key(chosen["id"], asked)
    note(f"emails from {chosen['from_address']} are signed from now on: publish this record")
    _print(record)


@dkim.command("show")
def show(
    sender: SenderOption = None,
    home: HomeOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """Print the record of the sender's key again."""
    with _sender(sender, home=home, url=url, key=api_key) as (client, chosen):
        record = client.dkim_record(chosen["id"])
    _print(record)


@dkim.command("drop")
def drop(
    sender: SenderOption = None,
    home: HomeOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """Forget the sender's key: its emails go unsigned."""
    with _sender(sender, home=home, url=url, key=api_key) as (client, chosen):
        client.drop_dkim_key(chosen["id"])
    note(f"emails from {chosen['from_address']} go unsigned; its record may be removed in a week")


@contextmanager
def _sender(
    wanted: str | None, *, home: Path | None, url: str | None, key: str | None
) -> Iterator[tuple[ApiClient, Mapping[str, Any]]]:
    with connect(home=home, url=url, key=key) as client:
        yield client, settle_sender(client.senders(), wanted)


def _print(record: Mapping[str, Any]) -> None:
    """A line of a zone file on standard output; the same for a form beside it."""
    say(zone_line(record))
    note(f"\nin a form: type TXT, name {record['name']}, content without quotes:\n{record['text']}")


def zone_line(record: Mapping[str, Any]) -> str:
    """The record as a zone file has it: absolute name, strings of at most 255 octets."""
    return f"{record['name']}. IN TXT ( {record['value']} )"
