"""Who is here: listed, invited, deactivated and let in again, by administrators.

Whoever is deactivated is signed out at once and their keys open nothing; their campaigns and their
senders are paused, so that nothing more of theirs goes out and nothing is lost. All that stays
paused until they resume it. The installation's owner, and whoever asks, cannot be deactivated: so
one administrator always stays.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from paceline.auth.admission import LOCAL_ISSUER, Admission, is_owner
from paceline.auth.auditing import complete, note
from paceline.auth.principal import Principal
from paceline.auth.sessions import IDLE_LIFETIME, Sessions
from paceline.domain.acts import Act
from paceline.domain.bounds import DEFAULT_PAGE, MAX_PAGE, MAX_QUERY
from paceline.errors import Conflict, InvalidInput, NotFound
from paceline.persistence.database import Database
from paceline.persistence.stores import people as store
from paceline.persistence.stores import sessions
from paceline.persistence.stores.people import InvitationRecord, PersonRecord
from paceline.persistence.stores.session import Session
from paceline.services.campaigns import Campaigns
from paceline.services.cursors import pack_id, unpack_id
from paceline.services.pausing import Paused, pause_all
from paceline.services.ports import Bell
from paceline.services.views import Page

MAX_INVITATIONS = 100  # that are listed


class Standing(StrEnum):
    """Whether somebody is let in."""

    ACTIVE = "active"
    INVITED = "invited"  # and was never here
    KEPT_OUT = "kept_out"  # by ADMINS and ALLOWED_DOMAINS, as they are now
    DEACTIVATED = "deactivated"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """A user, as an administrator sees them: with `sign_ins` and `keys` that are good, and the
    campaigns that are going out."""

    id: uuid.UUID
    email: str | None
    name: str
    issuers: tuple[str, ...]  # who vouches for them
    is_admin: bool
    is_owner: bool
    standing: Standing
    created_at: datetime
    seen_at: datetime | None
    sign_ins: int
    keys: int
    campaigns: int

    @property
    def label(self) -> str:
        """How they are named in a sentence."""
        return self.email or self.name


class Administration:
    """What administrators do about people. Every method refuses others as if nothing were there."""

    def __init__(
        self, database: Database, bell: Bell, campaigns: Campaigns, admission: Admission
    ) -> None:
        self._database = database
        self._bell = bell
        self._campaigns = campaigns
        self._admission = admission
        self._sessions = Sessions(database, admission)

    async def people(
        self,
        reader: Principal,
        *,
        q: str | None = None,
        cursor: str | None = None,
        limit: int = DEFAULT_PAGE,
    ) -> tuple[Page[PersonView], int]:
        """(some of the users, how many there are). Raises `InvalidInput`."""
        _check_admin(reader)
        q, before, limit = _searched(q), unpack_id(cursor), min(limit, MAX_PAGE)
        async with self._database.transaction() as session:
            found = await store.people(
                session, q=q, before=before, limit=limit + 1, idle_after=IDLE_LIFETIME
            )
            total = await store.count(session, q=q)
        shown = found[:limit]
        more = len(found) > limit
        page = Page(
            items=[self._view(record) for record in shown],
            next_cursor=pack_id(shown[-1].user.id) if more else None,
        )
        return page, total

    async def invitations(self, reader: Principal) -> list[InvitationRecord]:
        """Those that wait to be used, the newest first."""
        _check_admin(reader)
        async with self._database.transaction() as session:
            return await store.invitations(session, limit=MAX_INVITATIONS)

    async def revoke_invitation(self, by: Principal, handle: uuid.UUID) -> str:
        """End one; whose it was. Raises `NotFound` once it was used, or is over."""
        _check_admin(by)
        async with self._database.transaction() as session:
            gone = await store.revoke_invitation(session, handle)
            if gone is None:
                raise NotFound("there is no such invitation: it was used, revoked, or is over")
            user_id, email = gone
            await note(session, user_id, Act.INVITATION_REVOKED, email)
        return email

    async def deactivate(self, by: Principal, user_id: uuid.UUID) -> tuple[PersonView, Paused]:
        """Keep somebody out, and pause what is theirs. Asked again, it finishes what was cut short.

        Raises `NotFound`, and `Conflict` for oneself and for the installation's owner.
        """
        _check_admin(by)
        async with self._database.transaction() as session:
            await store.take_turns(session)
            person = await self._person(session, user_id)
            if user_id == by.user_id:
                raise Conflict("you cannot deactivate yourself: another administrator can")
            if person.is_owner:
                raise Conflict(
                    "the owner of this installation cannot be deactivated: whoever has its shell is"
                )
            if not await store.is_enabled(session, by.user_id):
                raise Conflict("you were deactivated yourself a moment ago")
            await store.set_disabled(session, user_id, disabled=True)
            ended = await sessions.delete_sessions_of(session, user_id)
            await store.drop_links(session, user_id)
            told = {"sign_ins": ended}
            entry = await note(session, user_id, Act.DEACTIVATED, person.label, told)
        paused = await pause_all(self._database, self._bell, self._campaigns, user_id)
        told = {"campaigns": paused.campaigns, "senders": paused.senders}
        if paused.busy:
            told["busy_campaigns"] = paused.busy
        async with self._database.transaction() as session:
            await complete(session, entry, told)
        return person, paused

    async def reactivate(self, by: Principal, user_id: uuid.UUID) -> PersonView:
        """Let somebody in again; their keys are good again, too. Raises `NotFound`."""
        _check_admin(by)
        async with self._database.transaction() as session:
            await store.take_turns(session)
            person = await self._person(session, user_id)
            if await store.set_disabled(session, user_id, disabled=False):
                await note(session, user_id, Act.REACTIVATED, person.label)
        return person

    async def sign_out(self, by: Principal, user_id: uuid.UUID) -> PersonView:
        """End all sign-ins of somebody. Raises `NotFound`."""
        _check_admin(by)
        async with self._database.transaction() as session:
            person = await self._person(session, user_id)
        await self._sessions.end_all(user_id)
        return person

    async def _person(self, session: Session, user_id: uuid.UUID) -> PersonView:
        record = await store.person(session, user_id, idle_after=IDLE_LIFETIME)
        if record is None:
            raise NotFound("there is no such user")
        return self._view(record)

    def _view(self, record: PersonRecord) -> PersonView:
        user = record.user
        return PersonView(
            id=user.id,
            email=user.email,
            name=user.name,
            issuers=(user.issuer, *record.connected),
            is_admin=user.is_admin or self._admission.administers(user.email),
            is_owner=is_owner(user),
            standing=self._standing(record),
            created_at=record.created_at,
            seen_at=record.seen_at,
            sign_ins=record.sign_ins,
            keys=record.keys,
            campaigns=record.campaigns,
        )

    def _standing(self, record: PersonRecord) -> Standing:
        if record.disabled_at is not None:
            return Standing.DEACTIVATED
        if not self._admission.permits(record.user):
            return Standing.KEPT_OUT
        never_here = record.user.issuer == LOCAL_ISSUER and record.seen_at is None
        return Standing.INVITED if never_here and record.invited_until else Standing.ACTIVE


def _check_admin(person: Principal) -> None:
    if not person.is_admin:
        raise NotFound("there is nothing here")


def _searched(q: str | None) -> str | None:
    q = (q or "").strip()
    if len(q) > MAX_QUERY or "\x00" in q:
        raise InvalidInput.of("q", f"must be at most {MAX_QUERY} characters of plain text")
    return q or None
