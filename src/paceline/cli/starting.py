"""The preflight before a part starts: what is wrong ends it, what is away is said or waited for."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from paceline import __version__, clock
from paceline.bootstrap.preflight.findings import Finding, Unfit, Weight, heaviest
from paceline.bootstrap.preflight.looking import Part, hold, preflight
from paceline.cli.environment import origins
from paceline.errors import Conflict, OperationalError
from paceline.home import Home
from paceline.settings import Settings

AGAIN_SECONDS = 2.0
SAY_AGAIN_SECONDS = 60.0
# Without these a part has nothing to do; all else is waited for by whoever needs it.
_GROUND = frozenset({"PostgreSQL", "Schema"})

log = logging.getLogger(__name__)

Work = Callable[[asyncio.Event], Awaitable[None]]


async def start_when_fit(settings: Settings, part: Part, stop: asyncio.Event, work: Work) -> None:
    """Run `work` once there is a database with a schema. Raises `Unfit`, before it or meanwhile.

    The API runs at once, and says by itself what is not there: a page with words is better than no
    page.
    """
    findings = await _look(settings, part)
    fine = [finding.line() for finding in findings if finding.weight is Weight.FINE]
    log.info("Paceline %s starts as %s: %s", __version__, part.name.lower(), "; ".join(fine))
    for finding in findings:
        if finding.weight in (Weight.REMARK, Weight.AWAY):
            log.warning("%s", finding.line(origins()))
    if part is not Part.API:
        await _until_there(settings, part, findings, stop)
        if not stop.is_set():
            await work(stop)
        return
    watch = asyncio.create_task(_until_there(settings, part, findings, stop))
    watch.add_done_callback(lambda ended: stop.set() if _failed(ended) else None)
    try:
        await work(stop)
    finally:
        stop.set()
        await watch


async def check_once(settings: Settings, part: Part) -> None:
    """For what does not wait by itself. Raises `Unfit`."""
    for finding in await _look(settings, part):
        if finding.weight is Weight.REMARK:
            log.warning("%s", finding.line(origins()))
        if finding.weight is Weight.AWAY and part is Part.MIGRATE:
            raise OperationalError(finding.line(origins()))


async def _look(settings: Settings, part: Part, *, again: bool = False) -> Sequence[Finding]:
    home = Home.at(None, os.environ).path
    findings = await preflight(settings, part, home=home, env=os.environ, again=again)
    if heaviest(findings) is Weight.WRONG:
        raise Unfit(findings)
    for finding in findings:
        if finding.about == "Address" and finding.weight is Weight.AWAY:
            raise Conflict(finding.line(origins()))
    return findings


async def _until_there(
    settings: Settings, part: Part, findings: Sequence[Finding], stop: asyncio.Event
) -> None:
    began = said = clock.boottime()
    while not stop.is_set():
        missing = _missing(findings)
        if not missing and await _held(settings, part):
            break
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), AGAIN_SECONDS)
        if missing and clock.boottime() - said >= SAY_AGAIN_SECONDS:
            said = clock.boottime()
            log.warning("still waiting: %s", missing[0].line(origins()))
        findings = await _look(settings, part, again=True)
    if clock.boottime() - began >= AGAIN_SECONDS and not stop.is_set():
        log.info("the database is there after %.0f s", clock.boottime() - began)


async def _held(settings: Settings, part: Part) -> bool:
    """Whether it is held to the key by now; False: the database went away again."""
    if "secret" not in part.value:
        return True
    try:
        await hold(settings)
    except OperationalError:
        return False
    return True


def _missing(findings: Sequence[Finding]) -> list[Finding]:
    return [f for f in findings if f.weight is Weight.AWAY and f.about in _GROUND]


def _failed(task: asyncio.Task[None]) -> bool:
    return not task.cancelled() and task.exception() is not None
