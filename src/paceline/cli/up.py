"""`paceline up`: everything on this machine, from nothing to a link to click, until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from paceline.bootstrap.preflight.findings import Unfit, Weight
from paceline.bootstrap.preflight.machine import home_findings
from paceline.cli import ports
from paceline.cli.console import UNUSABLE, note, out
from paceline.cli.environment import go_by_home, names_from_file, origins
from paceline.cli.follow import LogFollower
from paceline.cli.last_words import last_words
from paceline.cli.leftovers import children_die_with_us, stop_parts
from paceline.cli.loops import stop_event
from paceline.cli.plan import Plan
from paceline.cli.supervise import StartFailed, Supervised, UnfitPart, start_all, stop_all
from paceline.errors import Conflict
from paceline.home import Home, Running
from paceline.observability import configure_logging
from paceline.settings import Settings, is_loopback, is_this_machine

MAX_WORKERS = 64
ONE_OFF_TIMEOUT_SECONDS = 300

T = TypeVar("T")
_OWN = "up"


def up(
    home: Annotated[
        Path | None, typer.Option(help="Where everything is kept [PACELINE_HOME]", metavar="DIR")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Of the dashboard and API [PORT]")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on [PACELINE_HOST]")] = None,
    sample: Annotated[
        bool, typer.Option("--sample/--no-sample", help="A sample campaign, once per home")
    ] = True,
    workers: Annotated[int, typer.Option(min=1, max=MAX_WORKERS, help="Worker processes")] = 1,
) -> None:
    """Run everything on this machine: PostgreSQL, Redis, the dashboard, workers, the dev inbox."""
    go_by_home(home)
    chosen = {"PORT": str(port) if port else "", "PACELINE_HOST": host or ""}
    env = {**os.environ, **{name: value for name, value in chosen.items() if value}}
    settings = Settings.from_environment(env)
    place = Home.at(home, env)
    place.create()
    _refuse_a_full_disk(place)
    log = (place.logs / f"{_OWN}.log").open("a", buffering=1)
    configure_logging(_OWN, {**env, "PACELINE_LOG": "json", "PACELINE_COMPONENT": ""}, stream=log)
    with log, place.lock(), children_die_with_us(place):
        stop_parts(place)
        ports.claim_check(settings.api.host, settings.api.port, option="--port")
        plan = Plan.made(settings, place, env, workers=workers, sample=sample)
        if plan.devinbox_port != settings.devinbox.port:
            asked = settings.devinbox.port
            note(f"the dev inbox is on port {plan.devinbox_port}: {asked} is taken, or was")
        if names := names_from_file():
            note(f"settings from .env: {', '.join(names)}")
        asyncio.run(_System(plan).run())


def _refuse_a_full_disk(place: Home) -> None:
    """Before its servers fail at it, each in its own words."""
    for finding in home_findings(place.path):
        if finding.weight is Weight.WRONG:
            raise Unfit([finding])
        if finding.weight is Weight.AWAY:
            raise Conflict(finding.line(origins()))


class _System:
    """One run of everything."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._servers = [Supervised(component) for component in plan.servers()]
        self._inbox = Supervised(plan.inbox())
        self._parts = [Supervised(component) for component in plan.parts()]

    async def run(self) -> None:
        """Until a signal comes. Raises `StartFailed` when a part cannot be started at all."""
        ours = [self._inbox, *self._parts]
        names = [_OWN, *(part.component.name for part in ours)]
        logs = {name: self._plan.home.logs / f"{name}.log" for name in names}
        follower = LogFollower(logs, _show)
        async with stop_event() as stop:
            following = asyncio.create_task(follower.run())
            try:
                link = await _unless(stop, self._bring_up())
                if link is not None:
                    self._greet(link)
                    await stop.wait()
                note("stopping …")
            finally:
                stop.clear()
                await self._take_down(stop)
                following.cancel()
                follower.look()

    async def _bring_up(self) -> str:
        """Start everything in its order; the sign-in link."""
        if self._servers:
            names = " and ".join(server.component.name for server in self._servers)
            note(f"starting {names} …")
        await start_all(self._servers)
        note("preparing the database and the dev inbox …")
        await asyncio.gather(self._run_once("migrate"), self._inbox.start())
        note(f"starting the dashboard and {self._plan.workers} worker(s) …")
        _, link = await asyncio.gather(
            start_all(self._parts),
            self._run_once("welcome", "--sample" if self._plan.sample else "--no-sample"),
        )
        self._plan.home.announce(self._running())
        return link

    async def _run_once(self, *arguments: str) -> str:
        """One of our commands from start to end; what it printed."""
        command = self._plan.command(*arguments, component=arguments[0])
        with (self._plan.home.logs / f"{arguments[0]}.log").open("ab") as log:
            start = log.tell()
            options = {**command.options(log), "stdout": PIPE}
            process = await asyncio.create_subprocess_exec(*command.argv, **options)
        try:
            async with asyncio.timeout(ONE_OFF_TIMEOUT_SECONDS):
                printed, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode:
            said = last_words(self._plan.home.logs / f"{arguments[0]}.log", since=start)
            failure = UnfitPart if process.returncode == UNUSABLE else StartFailed
            raise failure(f"{arguments[0]}: {said or 'it failed and did not say why'}")
        return printed.decode().strip()

    async def _take_down(self, stop: asyncio.Event) -> None:
        """Users before what they use. A second signal cuts short the time for the first of them.

        The dev inbox outlives the workers: a connection that it dropped could leave mail in doubt.
        """
        self._plan.home.forget()
        if await _unless(stop, _done(stop_all(self._parts))) is None:
            await asyncio.gather(*(part.kill() for part in self._parts))
        await self._inbox.stop()
        await stop_all(self._servers)

    def _running(self) -> Running:
        return Running(
            pid=os.getpid(),
            url=self._plan.base_url,
            database_url=self._plan.used_database_url,
            redis_url=self._plan.used_redis_url,
            devinbox_port=self._plan.devinbox_port,
        )

    def _greet(self, link: str) -> None:
        lines = [
            ("Paceline is running", self._plan.base_url),
            ("Sign in (once, 15 min)", link),
            ("Dev inbox (SMTP)", f"{self._plan.devinbox_host}:{self._plan.devinbox_port}"),
            ("Home", str(self._plan.home.path)),
        ]
        out.print()
        for label, value in lines:
            out.print(f"  [bold]{label:<24}[/bold]", end="")
            out.print(value, markup=False)
        if not is_loopback(self._plan.host):
            out.print(f"  Listening on {self._plan.host}: other machines can reach it.")
            if is_this_machine(self._plan.base_url):
                out.print("  They are answered once BASE_URL is the address that they use.")
        out.print("\n  Ctrl-C stops everything; starting again goes on where it was.\n")


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """The result of `work`, or None when `stop` came first and the work was given up."""
    task, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
    finally:
        stopped.cancel()
        task.cancel()
        with suppress(asyncio.CancelledError, StartFailed):
            await task
    return None


async def _done(work: Awaitable[None]) -> bool:
    await work
    return True


def _show(component: str, message: str) -> None:
    note(message if component == _OWN else f"{component}: {message}")
