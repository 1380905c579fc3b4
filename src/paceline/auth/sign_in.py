"""One-time sign-in links. Running a command on this machine mints one: that is the proof.

A link works once and for fifteen minutes. Opening it only shows a button; pressing that consumes
it, so that link previews and prefetching browsers cannot burn it.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from paceline.auth.tokens import hash_of, new_secret
from paceline.auth.users import Users
from paceline.persistence.database import Database
from paceline.persistence.stores import identity

LIFETIME = timedelta(minutes=15)
MAX_TOKEN_CHARACTERS = 200


class SignInLinks:
    """Mints and consumes the tokens of sign-in links."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._users = Users(database)

    async def mint(self, user_id: uuid.UUID | None = None) -> str:
        """The token of a new link, for this user or else for the local owner."""
        if user_id is None:
            user_id = (await self._users.local_owner()).user_id
        token = new_secret()
        async with self._database.transaction() as session:
            await identity.delete_dead_links(session)
            await identity.insert_link(
                session, token_hash=hash_of(token), user_id=user_id, lifetime=LIFETIME
            )
        return token

    async def consume(self, token: str) -> uuid.UUID | None:
        """Use the link up: whom it signs in, or None when it is unknown, used or too old."""
        if len(token) > MAX_TOKEN_CHARACTERS:
            return None
        async with self._database.transaction() as session:
            return await identity.consume_link(session, hash_of(token))


def link_path(token: str) -> str:
    """The path of the link, to be put after the base URL."""
    return f"/auth/link?token={token}"
