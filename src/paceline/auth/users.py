"""The people: the local owner of this installation, and those who are added by their address.

A user is identified by who vouched for them, (issuer, subject). `local` vouches for whoever has a
shell on this machine.
"""

from __future__ import annotations

import uuid

from paceline.auth.admission import LOCAL_ISSUER, OWNER_SUBJECT, Admission
from paceline.auth.principal import Principal
from paceline.domain.addresses import InvalidAddress, parse_address
from paceline.errors import Conflict, InvalidInput, NotFound
from paceline.persistence.database import Database
from paceline.persistence.stores import identity, vouching

OWNER_NAME = "Owner"
_DEACTIVATED = "is a deactivated user's: reactivate them first"


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
        """The user with this address; else a new one. Raises `InvalidInput` when it is none."""
        return await self._found(_checked(email)) or await self.added(email)

    async def name_owner(self, email: str) -> Principal:
        """The owner, whose address this is from now on. It lets in by a provider, so it is given
        once, and by name.

        Raises `InvalidInput`, and `Conflict` where the owner has another, or it is another's.
        """
        email = _checked(email)
        owner = await self.local_owner()
        async with self._database.transaction() as session:
            user = await identity.user_by_email(session, email)
            if user is None:
                user = await identity.give_first_email(session, owner.user_id, email)
        if user is None:
            raise Conflict(f"the owner has another address: {owner.email}")
        if user.id != owner.user_id:
            raise Conflict(f"{email} is another user's address")
        return Principal.of(user)

    async def known(self, email: str) -> Principal:
        """The user with this address. Raises `NotFound`, which says how to go on, and
        `InvalidInput` for a deactivated user's."""
        email = _checked(email)
        user = await self._found(email)
        if user is None:
            owner = await self.local_owner()
            has = owner.email or "none yet, and takes this one with --owner"
            raise NotFound(
                f"nobody here has the address {email} (the owner has {has}): leave --email "
                "out for the owner's key, or add --new-user to make a user with this address"
            )
        return user

    async def added(self, email: str, admission: Admission = Admission()) -> Principal:  # noqa: B008 - frozen
        """The user with this address, who is made when there is none.

        Raises `InvalidInput` for an address of nobody's that may not be here, and for a deactivated
        user's.
        """
        email = _checked(email)
        if (found := await self._found(email)) is not None:
            return found
        admission.refuse_address(email)
        return Principal.of(await self._invitee(email))

    async def invited(self, email: str, admission: Admission) -> Principal:
        """The user that an invitation of this address is for, made when there is none.

        Never somebody who came by another way and has the address, too: it may have changed hands.
        """
        email = _checked(email)
        admission.refuse_address(email)
        user = await self._invitee(email)
        if user.is_disabled:
            raise InvalidInput.of("email", _DEACTIVATED)
        return Principal.of(user)

    async def ways_in(self, user_id: uuid.UUID) -> list[str]:
        """The issuers by which a user can sign in, `local` for links."""
        async with self._database.transaction() as session:
            user = await identity.user_by_id(session, user_id)
            connected = await vouching.connected_to(session, user_id)
        return ([] if user is None else [user.issuer]) + connected

    async def _invitee(self, email: str) -> identity.UserRecord:
        """Whom a link to this address lets in, made when there is none."""
        async with self._database.transaction() as session:
            return await identity.ensure_user(
                session,
                issuer=LOCAL_ISSUER,
                subject=email.lower(),
                name=email.partition("@")[0],
                email=email,
            )

    async def _found(self, email: str) -> Principal | None:
        async with self._database.transaction() as session:
            user = await identity.user_by_email(session, email)
            if user is None and await identity.was_disabled(session, email):
                raise InvalidInput.of("email", _DEACTIVATED)
        return None if user is None else Principal.of(user)


def _checked(email: str) -> str:
    try:
        return parse_address(email).address
    except InvalidAddress as error:
        raise InvalidInput.of("email", str(error)) from None
