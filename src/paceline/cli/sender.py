"""`paceline sender`: adds, lists, verifies and deletes senders, over the API."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from paceline.cli.client import ApiClient
from paceline.cli.connect import connect
from paceline.cli.console import FAILED, note, say
from paceline.cli.lost import may_be_done
from paceline.cli.senders import settle_sender
from paceline.errors import InvalidInput

sender = typer.Typer(
    help="Addresses that emails come from, and their accounts.", no_args_is_help=True
)

_LOOK_FIRST = "See `paceline sender list` before you run it again."

SenderArgument = Annotated[
    str | None, typer.Argument(help="Its address, name or id", metavar="SENDER")
]
HomeOption = Annotated[
    Path | None, typer.Option(help="Home of the running system [PACELINE_HOME]", metavar="DIR")
]
UrlOption = Annotated[str | None, typer.Option(help="Of a system elsewhere [PACELINE_URL]")]
KeyOption = Annotated[str | None, typer.Option(help="For it [PACELINE_API_KEY]")]

_ANOTHER = "custom"


@sender.command("list")
def list_all(home: HomeOption = None, url: UrlOption = None, api_key: KeyOption = None) -> None:
    """List the senders, and whether each can log in."""
    with connect(home=home, url=url, key=api_key) as client:
        found = client.senders()
    for one in found:
        say(line_of(one))
    if not found:
        note("there is no sender yet: `paceline sender add`")


@sender.command("presets")
def presets(
    address: Annotated[
        str | None, typer.Argument(help="Of a sender to be: which provider it needs")
    ] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """List the providers that `add --preset` knows."""
    with connect(home=home, url=url, key=api_key) as client:
        answer = client.presets(address)
    for preset in answer["items"]:
        mark = "*" if preset["key"] == answer["guessed"] else " "
        say(f"{mark} {preset['key']:<17} {preset['name']}  {preset['limits']}".rstrip())


@sender.command("add")
def add(
    *,
    address: Annotated[str, typer.Argument(help="What its emails come from", metavar="ADDRESS")],
    preset: Annotated[
        str | None, typer.Option(help="A provider (default: guessed by the address)")
    ] = None,
    region: Annotated[str | None, typer.Option(help="Of the provider, where it has some")] = None,
    name: Annotated[str | None, typer.Option(help="What it is called here")] = None,
    from_name: Annotated[str | None, typer.Option(help="What recipients see")] = None,
    smtp_host: Annotated[str | None, typer.Option(help="Its server (over the preset's)")] = None,
    smtp_port: Annotated[int | None, typer.Option(help="(over the preset's)")] = None,
    smtp_security: Annotated[
        str | None, typer.Option(help="none, starttls or tls (over the preset's)")
    ] = None,
    smtp_user: Annotated[
        str | None, typer.Option(help="User name (default: the address, where that is usual)")
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input")
    ] = False,
    hourly_limit: Annotated[int | None, typer.Option(min=1, help="(over the preset's)")] = None,
    home: HomeOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """Add a sender and verify it. The password is asked for, and never an option."""
    with connect(home=home, url=url, key=api_key) as client:
        chosen = _chosen(client, address, preset, smtp_host)
        user = smtp_user or (address if chosen["user_name_is_address"] else None)
        asked = {
            "name": name or address,
            "from_address": address,
            "from_name": from_name,
            "smtp_host": smtp_host or _host(chosen, region),
            "smtp_port": smtp_port or chosen["port"],
            "smtp_security": smtp_security or chosen["security"],
            "smtp_username": user,
            "smtp_password": _password(chosen, from_stdin=password_stdin) if user else None,
            "hourly_limit": hourly_limit or chosen["hourly_limit"],
            "min_delay_ms": chosen["min_delay_ms"],
        }
        with may_be_done(then=_LOOK_FIRST):
            made = client.add_sender(asked)
        say(made["id"])
        if chosen["limits"]:
            note(chosen["limits"])
        _verify(client, made)


@sender.command("verify")
def verify(
    sender: SenderArgument = None,
    home: HomeOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """Connect and log in, and show what was said. Exits with 1 when it does not work."""
    with _settled(sender, home=home, url=url, key=api_key) as (client, chosen):
        _verify(client, chosen)


@sender.command("dns")
def dns(
    sender: SenderArgument = None,
    home: HomeOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """Look up SPF, DKIM and DMARC of its domain. Exits with 1 when one is bad."""
    with _settled(sender, home=home, url=url, key=api_key) as (client, chosen):
        records = client.sender_dns(chosen["id"])["records"]
    for record in records:
        say(f"{record['kind'].upper():<6} {record['grade']:<8} {record['words']}")
        if record["publish"] and record["grade"] in {"bad", "warn"}:
            say(f"       publish: {record['name']} TXT {record['publish']}")
    if any(record["grade"] == "bad" for record in records):
        raise typer.Exit(FAILED)


@sender.command("delete")
def delete(
    sender: SenderArgument = None,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Cancel its campaigns and emails first")
    ] = False,
    home: HomeOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """Delete a sender. Refused, with the reasons, while it has work."""
    asked = _settled(sender, home=home, url=url, key=api_key)
    with asked as (client, chosen), may_be_done(then=_LOOK_FIRST):
        client.delete_sender(chosen["id"], cancel=cancel)
    note(f"{chosen['from_address']} is deleted; what it has sent stays on record")


def line_of(sender: Mapping[str, Any]) -> str:
    """One sender: its id, how it stands, its address, its server."""
    state = sender["state"]
    if state == "active":
        state = "verified" if sender["verified_at"] else "not verified"
    server = f"{sender['smtp_host']}:{sender['smtp_port']}"
    why = f"  {sender['state_reason']}" if sender["state_reason"] else ""
    return f"{sender['id']}  {state:<12} {sender['from_address']}  {server}{why}"


@contextmanager
def _settled(
    wanted: str | None, *, home: Path | None, url: str | None, key: str | None
) -> Iterator[tuple[ApiClient, Mapping[str, Any]]]:
    with connect(home=home, url=url, key=key) as client:
        yield client, settle_sender(client.senders(), wanted)


def _chosen(
    client: ApiClient, address: str, wanted: str | None, host: str | None
) -> Mapping[str, Any]:
    answer = client.presets(address)
    by_key: dict[str, Mapping[str, Any]] = {preset["key"]: preset for preset in answer["items"]}
    key = wanted or answer["guessed"] or (_ANOTHER if host else None)
    if key is None:
        raise InvalidInput.of("--preset", f"is needed, or --smtp-host: one of {', '.join(by_key)}")
    if key not in by_key:
        raise InvalidInput.of("--preset", f"is none of {', '.join(by_key)}")
    if not by_key[key]["host"] and host is None:
        raise InvalidInput.of("--smtp-host", f"is needed with the preset {key}")
    if wanted is None and key != _ANOTHER:
        note(f"{by_key[key]['name']}, by the address (--preset chooses otherwise)")
    return by_key[key]


def _host(preset: Mapping[str, Any], region: str | None) -> str:
    if region is None:
        return str(preset["host"])
    if region not in preset["regions"]:
        raise InvalidInput.of("--region", f"is none of {', '.join(preset['regions']) or 'its'}")
    return str(preset["regions"][region])


def _password(preset: Mapping[str, Any], *, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    note(preset["credential"])
    if preset["credential_url"]:
        note(preset["credential_url"])
    return str(typer.prompt("password", hide_input=True, err=True))


def _verify(client: ApiClient, sender: Mapping[str, Any]) -> None:
    """Show how it went. Exits with 1 when it did not work."""
    report = client.verify_sender(sender["id"])
    if report["ok"]:
        note(f"{sender['from_address']} is verified")
        return
    for line in report["dialogue"]:
        note(f"  {line}")
    note(f"{sender['from_address']} cannot log in: {report['detail']}")
    note(f"{report['next_step'] or ''} {report['next_step_url'] or ''}".strip())
    raise typer.Exit(FAILED)
