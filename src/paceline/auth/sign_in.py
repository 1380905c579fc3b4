"""One-time links: to sign in by, minted by a command on this machine, and to invite somebody by.

A link works once, and for fifteen minutes; an invitation, for seven days. Opening it only shows a
button; pressing that consumes it, so that link previews and prefetching browsers cannot burn it.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from paceline.auth.admission import Admission
from paceline.auth.refusals import Refusal, SignInRefused
from paceline.auth.tokens import hash_of, new_secret
from paceline.auth.users import Users
from paceline.errors import InvalidInput
from paceline.persistence.database import Database
from paceline.persistence.stores import identity

LIFETIME = timedelta(minutes=15)
INVITATION_LIFETIME = timedelta(days=7)
MAX_TOKEN_CHARACTERS = 200


class SignInLinks:
    """Mints and consumes the tokens of sign-in links."""

    def __init__(self, database: Database, admission: Admission = Admission()) -> None:  # noqa: B008 - frozen
        self._database = database
        self._admission = admission
        self._users = Users(database)

    async def mint(self, user_id: uuid.UUID | None = None) -> str:
        """The token of a new link, for this user or else for the local owner."""
        if user_id is None:
            user_id = (await self._users.local_owner()).user_id
        return await self._insert(user_id, LIFETIME)

    async def invite(self, email: str) -> str:
        """The token of an invitation for this address, whose user is made when there is none.

        Raises `InvalidInput` when it is no address, or one that may not be here.
        """
        if not self._admission.admits_address(email):
            domains = ", ".join(sorted(self._admission.allowed_domains))
            raise InvalidInput.of("email", f"is outside ALLOWED_DOMAINS ({domains}), nor in ADMINS")
        return await self._insert((await self._users.invited(email)).user_id, INVITATION_LIFETIME)

    async def consume(self, token: str) -> uuid.UUID | None:
        """Use the link up: whom it signs in, or None when it is unknown, used or too old.

        Raises `SignInRefused`, and leaves the link as it is, when they may not be here any more.
        """
        if len(token) > MAX_TOKEN_CHARACTERS:
            return None
        async with self._database.transaction() as session:
            user = await identity.consume_link(session, hash_of(token))
            if user is not None and not self._admission.permits(user):
                reason = Refusal.DOMAIN if self._admission.allowed_domains else Refusal.NOT_LISTED
                raise SignInRefused(reason, "the settings keep its user out", email=user.email)
        return None if user is None else user.id

    async def _insert(self, user_id: uuid.UUID, lifetime: timedelta) -> str:
        token = new_secret()
        async with self._database.transaction() as session:
            await identity.delete_dead_links(session)
            await identity.insert_link(
                session, token_hash=hash_of(token), user_id=user_id, lifetime=lifetime
            )
        return token


def link_path(token: str) -> str:
    """The path of the link, to be put after the base URL."""
    return f"/auth/link?token={token}"


def invitation_path(token: str) -> str:
    """The same of an invitation."""
    return f"/auth/invitation?token={token}"
