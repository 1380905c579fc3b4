"""`python crashing.py PLACE PART`: a part of Paceline that meets what nobody expected there."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading

import paceline.__main__

SECRET = "hunter2"
SAID = f"no way to postgresql://ada:{SECRET}@db/mail\nDETAIL:  Key (email)=({SECRET}) is there."


class Crash(Exception):
    """None of ours expects it."""


def crash() -> None:
    raise Crash(SAID)


class Unraisable:
    def __del__(self) -> None:
        crash()


def aside() -> None:
    """Where nobody waits for it."""
    thread = threading.Thread(target=crash)
    thread.start()
    thread.join()
    Unraisable()
    logging.getLogger("paceline").info("%d", SECRET)


async def running(*_: object, **__: object) -> None:
    aside()

    async def fails() -> None:
        crash()

    task = asyncio.create_task(fails())
    await asyncio.wait([task])
    del task
    gc.collect()
    crash()


def migrating(*_: object) -> None:
    aside()
    crash()


def plant(place: str) -> None:
    match place:
        case "import":
            sys.modules["paceline.settings"] = None  # type: ignore[assignment]
        case "settings":
            from paceline.settings import Settings

            Settings.from_environment = lambda *_: crash()  # type: ignore[assignment]
        case "running":
            from paceline.bootstrap import schema, server, worker

            server.run_api = worker.run_worker = running  # type: ignore[assignment]
            schema.migrate = migrating  # type: ignore[assignment]
        case "request":
            from paceline.web import access

            access.check_origin = lambda *_, **__: crash()


if __name__ == "__main__":
    plant(sys.argv.pop(1))
    paceline.__main__.main()
