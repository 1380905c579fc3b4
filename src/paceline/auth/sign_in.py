"""One-time links: to sign in by, minted by a command on this machine, and to invite somebody by.

A link works once, and for fifteen minutes; an invitation, for seven days. Opening it only shows a
button; pressing that consumes it, so that link previews and prefetching browsers cannot burn it.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from paceline.auth.admission import Admission
from paceline.auth.auditing import note
from paceline.auth.refusals import Refusal, SignInRefused
from paceline.auth.tokens import hash_of, new_secret
from paceline.auth.users import Users
from paceline.domain.acts import Act
from paceline.domain.identifiers import new_id
from paceline.persistence.database import Database
from paceline.persistence.stores import identity
from paceline.persistence.stores.session import Session
from paceline.persistence.stores.sessions import BY_LINK

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
        token = new_secret()
        async with self._database.transaction() as session:
            await _insert(session, token, user_id, LIFETIME)
            user = await identity.user_by_id(session, user_id)
            whose = (user.email or user.name) if user is not None else str(user_id)
            await note(session, user_id, Act.LINK_MADE, whose)
        return token

    async def invite(self, email: str) -> str:
        """The token of an invitation for this address, whose user is made when there is none.

        Raises `InvalidInput` when it is no address, or one that may not be here.
        """
        guest = await self._users.invited(email, self._admission)
        token = new_secret()
        async with self._database.transaction() as session:
            await _insert(session, token, guest.user_id, INVITATION_LIFETIME, handle=new_id())
            await note(session, guest.user_id, Act.INVITED, guest.actor)
        return token

    async def consume(self, token: str) -> uuid.UUID | None:
        """Use the link up: whom it signs in, or None when it is unknown, used or too old.

        Raises `SignInRefused`, and leaves the link as it is, when they may not be here any more.
        """
        if len(token) > MAX_TOKEN_CHARACTERS:
            return None
        try:
            async with self._database.transaction() as session:
                user = await identity.consume_link(session, hash_of(token))
                if user is not None:
                    self._admit(user)
        except SignInRefused as refused:
            await note_refusal(self._database, refused, by=BY_LINK)
            raise
        return None if user is None else user.id

    def _admit(self, user: identity.UserRecord) -> None:
        if user.is_disabled:
            raise SignInRefused(Refusal.DISABLED, "its user is deactivated", email=user.email)
        if not self._admission.permits(user):
            reason = Refusal.DOMAIN if self._admission.allowed_domains else Refusal.NOT_LISTED
            raise SignInRefused(reason, "the settings keep its user out", email=user.email)


async def note_refusal(database: Database, refused: SignInRefused, *, by: str) -> None:
    """Write down that somebody whose address is known was not let in.

    Who has proven nothing is only in the process log: they could fill this one.
    """
    if refused.email is None:
        return
    async with database.transaction() as session:
        told = {"why": refused.reason, "by": by}
        await note(session, None, Act.SIGN_IN_REFUSED, refused.email, told, actor=refused.email)


async def _insert(
    session: Session,
    token: str,
    user_id: uuid.UUID,
    lifetime: timedelta,
    *,
    handle: uuid.UUID | None = None,
) -> None:
    await identity.delete_dead_links(session)
    await identity.insert_link(
        session, token_hash=hash_of(token), user_id=user_id, lifetime=lifetime, handle=handle
    )


def link_path(token: str) -> str:
    """The path of the link, to be put after the base URL."""
    return f"/auth/link?token={token}"


def invitation_path(token: str) -> str:
    """The same of an invitation."""
    return f"/auth/invitation?token={token}"
