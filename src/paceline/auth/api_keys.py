"""Keys for the HTTP API. A key is shown once, when it is made; only its hash is kept."""

from __future__ import annotations

import uuid

from paceline.auth.principal import Principal
from paceline.auth.tokens import hash_of, new_secret
from paceline.auth.users import Users
from paceline.domain.identifiers import new_id
from paceline.errors import InvalidInput
from paceline.persistence.database import Database
from paceline.persistence.stores import identity

KEY_PREFIX = "pl_"  # what secret scanners and people recognise
SHOWN_CHARACTERS = 11  # of a key, in lists: enough to tell keys apart, too little to use one
MAX_NAME_CHARACTERS = 100
MAX_KEY_CHARACTERS = 200


class ApiKeys:
    """Makes, checks and revokes keys."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._users = Users(database)

    async def create(self, email: str | None, name: str) -> str:
        """A new key for the user with this address (None: the local owner). It is not kept."""
        name = name.strip()
        if not 1 <= len(name) <= MAX_NAME_CHARACTERS:
            raise InvalidInput.of("name", f"must have 1 to {MAX_NAME_CHARACTERS} characters")
        users = self._users
        user = await (users.local_owner() if email is None else users.with_email(email))
        key = KEY_PREFIX + new_secret()
        async with self._database.transaction() as session:
            await identity.insert_api_key(
                session,
                key_id=new_id(),
                user_id=user.user_id,
                name=name,
                prefix=key[:SHOWN_CHARACTERS],
                key_hash=hash_of(key),
            )
        return key

    async def authenticate(self, token: str) -> Principal | None:
        """Whose key this is; None when it is unknown or revoked, or its user is disabled."""
        if not token.startswith(KEY_PREFIX) or len(token) > MAX_KEY_CHARACTERS:
            return None
        async with self._database.transaction() as session:
            user = await identity.user_by_api_key(session, hash_of(token))
        return None if user is None else Principal.of(user)

    async def list(self, user_id: uuid.UUID) -> list[identity.ApiKeyRecord]:
        """The user's keys that still work, the newest first."""
        async with self._database.transaction() as session:
            return await identity.api_keys_of(session, user_id)

    async def revoke(self, user_id: uuid.UUID, key_id: uuid.UUID) -> bool:
        """End a key of this user's. False when they have no such key."""
        async with self._database.transaction() as session:
            return await identity.revoke_api_key(session, user_id, key_id)
