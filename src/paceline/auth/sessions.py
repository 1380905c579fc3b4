"""Web sessions: an opaque random id in a cookie, its hash in the database, so that each can end.

A session ends by signing out, after a week without use, or after thirty days in any case.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

from paceline.auth.admission import Admission
from paceline.auth.auditing import note
from paceline.auth.principal import Principal
from paceline.auth.tokens import hash_of, new_secret
from paceline.domain.acts import Act
from paceline.persistence.database import Database
from paceline.persistence.stores import identity, sessions
from paceline.persistence.stores.session import Session
from paceline.persistence.stores.sessions import BY_LINK, Origin, SessionRecord

__all__ = ["BY_LINK", "Origin", "SessionRecord", "Sessions"]

LIFETIME = timedelta(days=30)
IDLE_LIFETIME = timedelta(days=7)
MAX_COOKIE_CHARACTERS = 200
MAX_LISTED = 100  # sign-ins of one user
MAX_USER_AGENT_CHARACTERS = 400
MAX_PEER_CHARACTERS = 60


class Sessions:
    """Starts, resolves, lists and ends sign-ins."""

    def __init__(self, database: Database, admission: Admission = Admission()) -> None:  # noqa: B008 - frozen
        self._database = database
        self._admission = admission

    async def start(
        self, user_id: uuid.UUID, *, replaces: str | None = None, origin: Origin | None = None
    ) -> tuple[str, str]:
        """Sign the user in: (cookie value, CSRF token), both new.

        `replaces` is the cookie that the browser came with. Its session ends, so that an id planted
        before the sign-in is worth nothing after it.
        """
        origin = _bounded(origin or Origin())
        cookie, csrf_token = new_secret(), new_secret()
        async with self._database.transaction() as session:
            if replaces is not None:
                await sessions.delete_session(session, hash_of(replaces))
            await sessions.delete_stale_sessions(session, user_id, idle_after=IDLE_LIFETIME)
            await sessions.insert_session(
                session,
                id_hash=hash_of(cookie),
                user_id=user_id,
                csrf_token=csrf_token,
                lifetime=LIFETIME,
                origin=origin,
            )
            user = await identity.user_by_id(session, user_id)
            if user is not None:
                me = Principal.of(user, self._admission)
                await note(
                    session,
                    user_id,
                    Act.SIGNED_IN,
                    me.actor,
                    {"by": origin.method, "browser": origin.user_agent},
                    actor=me.actor,
                    actor_id=user_id,
                )
        return cookie, csrf_token

    async def resolve(self, cookie: str) -> tuple[Principal, str] | None:
        """(who it is, their CSRF token), or None when the session is unknown or over.

        It is over, too, for somebody whom the settings do not admit any more.
        """
        if not cookie or len(cookie) > MAX_COOKIE_CHARACTERS:
            return None
        async with self._database.transaction() as session:
            found = await sessions.user_by_session(
                session, hash_of(cookie), idle_after=IDLE_LIFETIME
            )
        if found is None or not self._admission.permits(found[0]):
            return None
        return Principal.of(found[0], self._admission), found[1]

    async def list(self, user_id: uuid.UUID, *, cookie: str) -> list[SessionRecord]:
        """The user's sign-ins, that of `cookie` first, then the last seen."""
        async with self._database.transaction() as session:
            return await sessions.sessions_of(
                session,
                user_id,
                current=hash_of(cookie),
                idle_after=IDLE_LIFETIME,
                limit=MAX_LISTED,
            )

    async def end(self, cookie: str) -> None:
        """Sign out. Ending a session that is over already is fine."""
        async with self._database.transaction() as session:
            ended = await sessions.delete_session(session, hash_of(cookie))
            if ended is not None:
                user_id, browser = ended
                told = {"browser": browser or None}
                await note(session, user_id, Act.SIGNED_OUT, await _whose(session, user_id), told)

    async def end_one(self, user_id: uuid.UUID, handle: uuid.UUID) -> bool:
        """End one of the user's sign-ins. False when they have no such one."""
        async with self._database.transaction() as session:
            ended = await sessions.delete_session_of(session, user_id, handle)
            if ended is not None:
                await note(session, user_id, Act.SESSION_ENDED, ended or "a browser")
            return ended is not None

    async def end_all(self, user_id: uuid.UUID) -> None:
        """Sign the user out everywhere."""
        async with self._database.transaction() as session:
            count = await sessions.delete_sessions_of(session, user_id)
            whose = await _whose(session, user_id)
            await note(session, user_id, Act.SIGNED_OUT_EVERYWHERE, whose, {"sign_ins": count})


async def _whose(session: Session, user_id: uuid.UUID) -> str:
    user = await identity.user_by_id(session, user_id)
    return (user.email or user.name) if user is not None else str(user_id)


def _bounded(origin: Origin) -> Origin:
    return replace(
        origin,
        address=_printable(origin.address, MAX_PEER_CHARACTERS),
        user_agent=_printable(origin.user_agent, MAX_USER_AGENT_CHARACTERS),
    )


def _printable(text: str | None, most: int) -> str | None:
    """As PostgreSQL can keep it and a page can show it."""
    if text is None:
        return None
    return "".join(character for character in text[:most] if character.isprintable())
