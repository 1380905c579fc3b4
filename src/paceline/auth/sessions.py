"""Web sessions: an opaque random id in a cookie, its hash in the database, so that each can end.

A session ends by signing out, after a week without use, or after thirty days in any case.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from paceline.auth.principal import Principal
from paceline.auth.tokens import hash_of, new_secret
from paceline.persistence.database import Database
from paceline.persistence.stores import identity

LIFETIME = timedelta(days=30)
IDLE_LIFETIME = timedelta(days=7)
MAX_COOKIE_CHARACTERS = 200


class Sessions:
    """Starts, resolves and ends sign-ins."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def start(self, user_id: uuid.UUID, *, replaces: str | None = None) -> tuple[str, str]:
        """Sign the user in: (cookie value, CSRF token), both new.

        `replaces` is the cookie that the browser came with. Its session ends, so that an id planted
        before the sign-in is worth nothing after it.
        """
        cookie, csrf_token = new_secret(), new_secret()
        async with self._database.transaction() as session:
            if replaces is not None:
                await identity.delete_session(session, hash_of(replaces))
            await identity.delete_stale_sessions(session, user_id, idle_after=IDLE_LIFETIME)
            await identity.insert_session(
                session,
                id_hash=hash_of(cookie),
                user_id=user_id,
                csrf_token=csrf_token,
                lifetime=LIFETIME,
            )
        return cookie, csrf_token

    async def resolve(self, cookie: str) -> tuple[Principal, str] | None:
        """(who it is, their CSRF token), or None when the session is unknown or over."""
        if not cookie or len(cookie) > MAX_COOKIE_CHARACTERS:
            return None
        async with self._database.transaction() as session:
            found = await identity.user_by_session(
                session, hash_of(cookie), idle_after=IDLE_LIFETIME
            )
        return None if found is None else (Principal.of(found[0]), found[1])

    async def end(self, cookie: str) -> None:
        """Sign out. Ending a session that is over already is fine."""
        async with self._database.transaction() as session:
            await identity.delete_session(session, hash_of(cookie))
