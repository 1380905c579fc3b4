"""Keeps what a person prefers. Who they are comes with it, at each request (`principal.py`)."""

from __future__ import annotations

import uuid
from zoneinfo import available_timezones

from paceline.domain.preferences import Preferences
from paceline.errors import InvalidInput
from paceline.persistence.database import Database
from paceline.persistence.stores import identity


class Preferring:
    """Changes preferences."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, user_id: uuid.UUID, preferences: Preferences) -> None:
        """Keep these, in place of what was. Raises `InvalidInput` for `time_zone`."""
        zone = preferences.time_zone
        if zone is not None and zone not in available_timezones():
            raise InvalidInput.of(
                "time_zone", "names no zone that is known; an example is Europe/Berlin"
            )
        async with self._database.transaction() as session:
            await identity.prefer(session, user_id, preferences)
