"""The parts for production, each a process of its own: `api`, `worker`, `devinbox`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from paceline.cli.environment import given_by
from paceline.cli.loops import run_quickly, run_until_stopped, stop_event
from paceline.cli.supervise import Component, Supervised, start_all, stop_all
from paceline.embedded import Command
from paceline.home import Home
from paceline.settings import Settings

MAX_PROCESSES = 64
SECONDS_MORE = 2.0  # than PACELINE_STOP_SECONDS, before a process of ours is stopped by force


def api(
    host: Annotated[str | None, typer.Option(help="Address to listen on [PACELINE_HOST]")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="[PORT]")] = None,
) -> None:
    """Serve the HTTP API and the dashboard."""
    settings = Settings.from_environment(os.environ)
    chosen = replace(settings.api, host=host or settings.api.host, port=port or settings.api.port)
    for option, name, value in (("--host", "PACELINE_HOST", host), ("--port", "PORT", port)):
        if value is not None:
            given_by(option, name)
    from paceline.bootstrap.server import run_api

    settings = replace(settings, api=chosen)
    _run(settings, "API", lambda stop: run_api(settings, stop))


def worker(
    processes: Annotated[int, typer.Option(min=1, max=MAX_PROCESSES, help="How many")] = 1,
) -> None:
    """Send what is due."""
    settings = Settings.from_environment(os.environ)
    from paceline.bootstrap.preflight.looking import Part
    from paceline.cli.starting import check_once, start_when_fit

    if processes > 1:
        run_quickly(check_once(settings, Part.WORKER))
        asyncio.run(_run_several(processes, settings))
        return
    from paceline.bootstrap.worker import run_worker
    from paceline.bootstrap.worker_health import health_check
    from paceline.observability.figures import Figures

    figures = Figures()
    black_boxes = Home.at(None, os.environ).black_boxes
    name = os.environ.get("PACELINE_COMPONENT") or "worker"

    async def work(stop: asyncio.Event) -> None:
        await run_worker(settings, stop, black_boxes=black_boxes, name=name, figures=figures)

    async def answering(stop: asyncio.Event) -> None:
        # Also while it waits for its database: alive, and not ready.
        async with health_check(settings, figures):
            await start_when_fit(settings, Part.WORKER, stop, work)

    run_until_stopped(answering)


def devinbox() -> None:
    """Catch the mail that is sent to this machine's dev inbox, and relay none of it."""
    settings = Settings.from_environment(os.environ)
    from paceline.bootstrap.inbox import run_devinbox

    _run(settings, "DEVINBOX", lambda stop: run_devinbox(settings, stop))


def _run(settings: Settings, part: str, work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Until a signal comes, once what it stands on is there."""
    from paceline.bootstrap.preflight.looking import Part
    from paceline.cli.starting import start_when_fit

    run_until_stopped(lambda stop: start_when_fit(settings, Part[part], stop, work))


async def _run_several(count: int, settings: Settings) -> None:
    seconds = settings.stop_seconds + SECONDS_MORE
    port = settings.worker.health_port
    workers = [
        Supervised(_numbered_worker(n, seconds, health_port=port and port + n - 1))
        for n in range(1, count + 1)
    ]
    async with stop_event() as stop:
        try:
            await start_all(workers)
            await _stopped_or_given_up(stop, workers)
        finally:
            await stop_all(workers)


async def _stopped_or_given_up(stop: asyncio.Event, workers: list[Supervised]) -> None:
    """Raises `UnfitPart` when one of them cannot work, for then none can."""
    waits = {asyncio.ensure_future(w) for w in (stop.wait(), *(w.given_up() for w in workers))}
    done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in pending:
        wait.cancel()
    for wait in done:
        wait.result()


def _numbered_worker(number: int, stop_seconds: float, *, health_port: int | None) -> Component:
    name = f"worker-{number}"
    env = {"PACELINE_COMPONENT": name, "PACELINE_HEALTH_PORT": str(health_port or "")}
    command = own_command("worker", cwd=Path.cwd(), env=env)
    return Component(name=name, command=lambda: command, stop_seconds=stop_seconds)


def own_command(*arguments: str, cwd: Path, env: dict[str, str]) -> Command:
    """One of our own commands as a process. `-P`: where it works is no place for modules."""
    return Command(
        argv=(sys.executable, "-P", "-m", "paceline", *arguments),
        cwd=cwd,
        stop_signal=signal.SIGTERM,
        env=env,
    )
