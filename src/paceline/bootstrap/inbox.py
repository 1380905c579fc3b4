"""The dev inbox and its store."""

from __future__ import annotations

import asyncio

from paceline.devinbox import DevInbox, StoredInbox
from paceline.persistence.database import Database
from paceline.settings import Settings


async def run_devinbox(settings: Settings, stop: asyncio.Event) -> None:
    """Catch mail until `stop` is set."""
    database = Database.of(settings.database)
    try:
        address = settings.devinbox
        store = StoredInbox(database, octets=settings.shares.inbox_octets)
        async with DevInbox(store, host=address.host, port=address.port):
            await stop.wait()
    finally:
        await database.close()
