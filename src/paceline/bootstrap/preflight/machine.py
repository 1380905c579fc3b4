"""What is said about this machine: the home, its disk, the port, the clocks, the name in EHLO."""

from __future__ import annotations

import asyncio
import errno
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

from paceline import clock
from paceline.bootstrap.preflight.findings import Finding, Weight
from paceline.domain.host_names import public_name
from paceline.settings import ApiSettings, is_loopback, is_this_machine

FEW_OCTETS = 1024**3
HARDLY_ANY_OCTETS = 64 * 1024**2
CLOCKS_APART_SECONDS = 5
RESOLVE_SECONDS = 3


def home_findings(home: Path) -> Iterator[Finding]:
    """Whether what a worker keeps there can be written, and how much room is left."""
    settings = ("PACELINE_HOME",)
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        is_file = isinstance(error, FileExistsError)  # in the place where it would be made
        why = "not a directory" if is_file else (error.strerror or str(error)).lower()
        told = f"{home} cannot be written: {why}"
        remedy = "give it to this user, or choose another"
        yield Finding(
            about="Home", weight=Weight.WRONG, says=told, remedy=remedy, settings=settings
        )
        return
    yield disk_finding(home, free=shutil.disk_usage(home).free)


def disk_finding(home: Path, *, free: int) -> Finding:
    """How much room is left, in octets."""
    weight, remedy = Weight.FINE, ""
    says = f"{home} can be written, {free / 1024**3:.1f} GiB are free"
    if free < FEW_OCTETS:
        weight = Weight.AWAY if free < HARDLY_ANY_OCTETS else Weight.REMARK
        says, remedy = f"the disk of {home} is nearly full, {free >> 20} MiB are free", "make room"
    return Finding(
        about="Home", weight=weight, says=says, remedy=remedy, settings=("PACELINE_HOME",)
    )


def port_findings(
    host: str, port: int, *, settings: tuple[str, str] = ("PACELINE_HOST", "PORT")
) -> Iterator[Finding]:
    """Whether a part could listen where it is to; `settings` say where that is."""
    where = f"{host}, port {port}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, address in found:
            with closing(socket.socket(family)) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except OSError as error:
        # A port that is taken may be free in a moment: the last process is just ending.
        taken = error.errno == errno.EADDRINUSE
        yield Finding(
            about="Address",
            weight=Weight.AWAY if taken else Weight.WRONG,
            says=f"cannot listen on {where}: {(error.strerror or str(error)).lower()}",
            remedy="stop what listens there, or choose another" if taken else "choose another",
            settings=settings,
        )
        return
    yield Finding(about="Address", weight=Weight.FINE, says=f"{where} is free")


def clock_finding(whose: str, theirs: datetime) -> Finding:
    """How far the clocks are apart; theirs was read just now."""
    apart = abs((clock.now() - theirs).total_seconds())
    if apart <= CLOCKS_APART_SECONDS:
        return Finding(about="Clock", weight=Weight.FINE, says=f"{whose}'s fits")
    return Finding(
        about="Clock",
        weight=Weight.REMARK,
        says=f"{whose}'s is {apart:.0f} s apart from this machine's",
        remedy="let both follow NTP: times in the log, hours of the limits and due times do not "
        "fit",
    )


async def introduction_findings(api: ApiSettings) -> list[Finding]:
    """What SMTP servers are told that we are called, and whether DNS knows it."""
    name = api.helo_name or public_name(await asyncio.to_thread(socket.getfqdn))
    about, settings = "EHLO", ("HELO_NAME",)
    if name is None:
        private = api.only_this_machine
        told = "this machine has no public name: servers are told its address"
        remedy = "" if private else "set HELO_NAME to a name that points here"
        weight = Weight.FINE if private else Weight.REMARK
        return [Finding(about=about, weight=weight, says=told, remedy=remedy, settings=settings)]
    if name.startswith("["):
        return [Finding(about=about, weight=Weight.FINE, says=name)]
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            await asyncio.get_running_loop().getaddrinfo(name, None)
    except (OSError, TimeoutError, UnicodeError):
        told = f"DNS does not know {name}, by which servers are greeted: some will refuse us"
        remedy = "set HELO_NAME to a name that points here"
        return [
            Finding(about=about, weight=Weight.REMARK, says=told, remedy=remedy, settings=settings)
        ]
    return [Finding(about=about, weight=Weight.FINE, says=name)]


def reach_findings(api: ApiSettings) -> Iterator[Finding]:
    """Whether those who can reach it are answered: others than `localhost` only by BASE_URL."""
    if not is_loopback(api.host) and is_this_machine(api.base_url):
        yield Finding(
            about="Address",
            weight=Weight.REMARK,
            says=f"it listens on {api.host}, but pages are answered only at {api.base_url}",
            remedy="set BASE_URL to the address by which others reach it",
            settings=("BASE_URL", "PACELINE_HOST"),
        )


def environment_findings(lookalikes: list[tuple[str, str]]) -> Iterator[Finding]:
    """Names in the environment that may be meant for us."""
    for name, ours in lookalikes:
        yield Finding(
            about="Settings",
            weight=Weight.REMARK,
            says=f"{name} is set in the environment, and no setting of ours",
            remedy=f"call it {ours}, if that is meant",
        )
