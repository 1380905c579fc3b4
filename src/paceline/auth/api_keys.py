"""Keys for the HTTP API. A key is shown once, when it is made; only its hash is kept."""

from __future__ import annotations

import uuid
from datetime import datetime

from paceline import clock
from paceline.auth.admission import Admission
from paceline.auth.auditing import note
from paceline.auth.principal import Principal
from paceline.auth.tokens import hash_of, new_secret
from paceline.auth.users import Users
from paceline.domain.acts import Act
from paceline.domain.identifiers import new_id
from paceline.domain.scopes import Scope
from paceline.domain.when import LONGEST
from paceline.errors import FieldProblem, InvalidInput
from paceline.persistence.database import Database
from paceline.persistence.stores import identity
from paceline.persistence.stores.room import Room, take_turns

KEY_PREFIX = "pl_"  # what secret scanners and people recognise
SHOWN_CHARACTERS = 11  # of a key, in lists: enough to tell keys apart, too little to use one
MAX_NAME_CHARACTERS = 100
MAX_KEY_CHARACTERS = 200
MAX_KEYS = 100  # of one user; revoked ones do not count


class ApiKeys:
    """Makes, checks and revokes keys."""

    def __init__(self, database: Database, admission: Admission = Admission()) -> None:  # noqa: B008 - frozen
        self._database = database
        self._admission = admission
        self._users = Users(database)

    async def create(
        self,
        email: str | None,
        name: str,
        *,
        scope: Scope = Scope.ADMIN,
        expires_at: datetime | None = None,
    ) -> str:
        """A new key for the user with this address (None: the local owner). It is not kept."""
        name = _checked(name, expires_at)
        users = self._users
        user = await (users.local_owner() if email is None else users.with_email(email))
        return await self.create_for(user.user_id, name, scope=scope, expires_at=expires_at)

    async def create_for(
        self, user_id: uuid.UUID, name: str, *, scope: Scope, expires_at: datetime | None
    ) -> str:
        """A new key for this user, good until `expires_at` (None: until it is revoked).

        Raises `InvalidInput` for `name` and `expires_at`, and where it would open nothing.
        """
        name = _checked(name, expires_at)
        key = KEY_PREFIX + new_secret()
        async with self._database.transaction() as session:
            user = await identity.user_by_id(session, user_id)
            if user is not None and not self._admission.permits(user):
                raise InvalidInput.of("email", "may not be here: see ALLOWED_DOMAINS and ADMINS")
            await take_turns(session, user_id, Room.KEYS)
            if await identity.count_api_keys(session, user_id) >= MAX_KEYS:
                raise InvalidInput.of("name", f"there are {MAX_KEYS} keys already: revoke some")
            new = identity.NewApiKey(
                id=new_id(),
                user_id=user_id,
                name=name,
                prefix=key[:SHOWN_CHARACTERS],
                key_hash=hash_of(key),
                scope=scope,
                expires_at=expires_at,
            )
            await identity.insert_api_key(session, new)
            told = {"begins": new.prefix, "scope": scope, "ends": expires_at}
            await note(session, user_id, Act.KEY_MADE, name, told)
        return key

    async def authenticate(self, token: str) -> Principal | None:
        """Whose key this is; None when it is unknown or over, or its user may not be here."""
        if not token.startswith(KEY_PREFIX) or len(token) > MAX_KEY_CHARACTERS:
            return None
        async with self._database.transaction() as session:
            found = await identity.user_by_api_key(session, hash_of(token))
        if found is None or not self._admission.permits(found[0]):
            return None
        user, scope, name = found
        return Principal.of(user, self._admission, scope=scope, key_name=name)

    async def list(self, user_id: uuid.UUID) -> list[identity.ApiKeyRecord]:
        """The user's keys that are not revoked, the newest first."""
        async with self._database.transaction() as session:
            return await identity.api_keys_of(session, user_id)

    async def revoke(self, user_id: uuid.UUID, key_id: uuid.UUID) -> bool:
        """End a key of this user's. False when they have no such key."""
        async with self._database.transaction() as session:
            gone = await identity.revoke_api_key(session, user_id, key_id)
            if gone is not None:
                name, prefix = gone
                await note(session, user_id, Act.KEY_REVOKED, name, {"begins": prefix})
            return gone is not None


def _checked(name: str, expires_at: datetime | None) -> str:
    name = name.strip()
    problems = []
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
        told = f"must have 1 to {MAX_NAME_CHARACTERS} characters, on one line"
        problems.append(FieldProblem("name", told))
    if expires_at is not None and expires_at <= clock.now():
        problems.append(FieldProblem("expires_at", "has passed"))
    elif expires_at is not None and expires_at - clock.now() > LONGEST:
        problems.append(FieldProblem("expires_at", "is too far ahead"))
    if problems:
        raise InvalidInput(problems)
    return name
