"""The parts for production, each a process of its own: `api`, `worker`, `devinbox`, `migrate`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from paceline.cli.loops import run_until_stopped, stop_event
from paceline.cli.supervise import Component, Supervised, start_all, stop_all
from paceline.embedded import Command
from paceline.home import Home
from paceline.observability import configure_logging
from paceline.settings import Settings

MAX_PROCESSES = 64


def api(
    host: Annotated[str | None, typer.Option(help="Address to listen on [PACELINE_HOST]")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="[PORT]")] = None,
) -> None:
    """Serve the HTTP API and the dashboard."""
    configure_logging("api", os.environ)
    settings = Settings.from_environment(os.environ)
    chosen = replace(settings.api, host=host or settings.api.host, port=port or settings.api.port)
    from paceline.bootstrap.server import run_api

    run_until_stopped(lambda stop: run_api(replace(settings, api=chosen), stop))


def worker(
    processes: Annotated[int, typer.Option(min=1, max=MAX_PROCESSES, help="How many")] = 1,
) -> None:
    """Send what is due."""
    configure_logging("worker", os.environ)
    settings = Settings.from_environment(os.environ)
    if processes > 1:
        asyncio.run(_run_several(processes))
        return
    from paceline.bootstrap.worker import run_worker

    black_boxes = Home.at(None, os.environ).black_boxes
    name = os.environ.get("PACELINE_COMPONENT") or "worker"
    run_until_stopped(lambda stop: run_worker(settings, stop, black_boxes=black_boxes, name=name))


def devinbox() -> None:
    """Catch the mail that is sent to this machine's dev inbox, and relay none of it."""
    configure_logging("devinbox", os.environ)
    settings = Settings.from_environment(os.environ)
    from paceline.bootstrap.inbox import run_devinbox

    run_until_stopped(lambda stop: run_devinbox(settings, stop))


def migrate() -> None:
    """Bring the database to the newest schema."""
    configure_logging("migrate", os.environ)
    settings = Settings.from_environment(os.environ)
    from paceline.bootstrap.schema import migrate as bring_up_to_date

    bring_up_to_date(settings)


async def _run_several(count: int) -> None:
    workers = [Supervised(_numbered_worker(number)) for number in range(1, count + 1)]
    async with stop_event() as stop:
        try:
            await start_all(workers)
            await stop.wait()
        finally:
            await stop_all(workers)


def _numbered_worker(number: int) -> Component:
    name = f"worker-{number}"
    command = own_command("worker", cwd=Path.cwd(), env={"PACELINE_COMPONENT": name})
    return Component(name=name, command=lambda: command)


def own_command(*arguments: str, cwd: Path, env: dict[str, str]) -> Command:
    """One of our own commands as a process. `-P`: where it works is no place for modules."""
    return Command(
        argv=(sys.executable, "-P", "-m", "paceline", *arguments),
        cwd=cwd,
        stop_signal=signal.SIGTERM,
        env=env,
    )
