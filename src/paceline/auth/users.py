"""The people: the local owner of this installation, and those who are added by their address.

A user is identified by who vouched for them, (issuer, subject). `local` vouches for whoever has a
shell on this machine.
"""

from __future__ import annotations

from paceline.auth.principal import Principal
from paceline.domain.addresses import InvalidAddress, parse_address
from paceline.errors import InvalidInput
from paceline.persistence.database import Database
from paceline.persistence.stores import identity

LOCAL_ISSUER = "local"
OWNER_SUBJECT = "owner"
OWNER_NAME = "Owner"


class Users:
    """Finds people, and makes those who are not there yet. Safe to call from several processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def local_owner(self) -> Principal:
        """The administrator of this installation."""
        async with self._database.transaction() as session:
            owner = await identity.ensure_user(
                session,
                issuer=LOCAL_ISSUER,
                subject=OWNER_SUBJECT,
                name=OWNER_NAME,
                is_admin=True,
            )
        return Principal.of(owner)

    async def with_email(self, email: str) -> Principal:
        """The user with this address; else the owner, who takes it as theirs; else a new user.

        Raises `InvalidInput` when it is no address.
        """
        email = _checked(email)
        owner = await self.local_owner()
        async with self._database.transaction() as session:
            user = await identity.user_by_email(session, email)
            if user is None:
                user = await identity.give_first_email(session, owner.user_id, email)
            if user is None:
                user = await identity.ensure_user(
                    session,
                    issuer=LOCAL_ISSUER,
                    subject=email.lower(),
                    name=email.partition("@")[0],
                    email=email,
                )
        return Principal.of(user)


def _checked(email: str) -> str:
    try:
        return parse_address(email).address
    except InvalidAddress as error:
        raise InvalidInput.of("email", str(error)) from None
