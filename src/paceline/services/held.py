"""What was held because the database went back: released, dropped, or settled by what a log says.

Each is what a person decides about emails that are in doubt, for all of an installation at once.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from paceline.domain.decisions import Decision
from paceline.persistence.database import Database
from paceline.persistence.lanes import signal
from paceline.persistence.stores import bulk, held
from paceline.persistence.stores.held import HeldEmail, HeldGroup, LaterGroup, Within
from paceline.persistence.stores.session import Session
from paceline.services.deciding import decided

_MESSAGE_ID = re.compile(r"<[^<>\s@]+@[^<>\s]+>")
_ADDRESS = re.compile(r"[^\s,;:<>()\"']+@[^\s,;:<>()\"']+")
_FIRST = uuid.UUID(int=0)

Changed = Sequence[tuple[uuid.UUID, uuid.UUID]]
ALL = Within()
Carry = Callable[[Session, Sequence[uuid.UUID]], Awaitable[Changed]]


class Fate(StrEnum):
    """What becomes of what is held."""

    RELEASE = "release"  # it goes out: nobody was sent it
    DROP = "drop"  # it never goes out


@dataclass(frozen=True, slots=True)
class Evidence:
    """What left, as a log or a list tells it: Message-IDs, and addresses where those may count."""

    message_ids: frozenset[str]
    address_keys: frozenset[str] = frozenset()

    @classmethod
    def read(cls, lines: Iterable[str], *, addresses: bool) -> Evidence:
        """From any text. A log names addresses of other emails, too: a list is asked for them."""
        ids: set[str] = set()
        keys: set[str] = set()
        for line in lines:
            ids.update(_MESSAGE_ID.findall(line))
            if addresses:
                keys.update(found.lower() for found in _ADDRESS.findall(line))
        return cls(frozenset(ids), frozenset(keys))

    def tells_of(self, email: HeldEmail) -> bool:
        """Whether this one left."""
        return email.message_id in self.message_ids or email.address_key in self.address_keys


class Held:
    """Of the installation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def groups(self) -> list[HeldGroup]:
        """What is held, by campaign and sender."""
        async with self._database.transaction() as session:
            return await held.groups(session)

    async def later(self) -> list[LaterGroup]:
        """What goes out at its time, and was moved from an earlier one if it was sent since."""
        async with self._database.transaction() as session:
            return await held.later(session)

    async def told_of(self, evidence: Evidence, within: Within = ALL) -> list[HeldGroup]:
        """What `settle` would mark as sent, by campaign and sender."""
        counts: Counter[tuple[uuid.UUID | None, str]] = Counter()
        after = _FIRST
        while True:
            async with self._database.transaction() as session:
                piece = await held.piece(session, after, within)
            if not piece:
                break
            counts.update((e.campaign_id, e.sender) for e in piece if evidence.tells_of(e))
            after = piece[-1].id
        return [
            replace(group, emails=count)
            for group in await self.groups()
            if (count := counts[group.campaign_id, group.sender])
        ]

    async def decide(self, fate: Fate, *, campaign_id: uuid.UUID | None = None) -> int:
        """Release or drop all of it, or a campaign's; how many."""
        carry, what = {
            Fate.RELEASE: (held.release, Decision.SENT_AGAIN),
            Fate.DROP: (held.drop, Decision.CANCELLED),
        }[fate]
        return await self._each(carry, what, lambda _: True, Within(campaign_id=campaign_id))

    async def settle(self, evidence: Evidence, within: Within = ALL) -> int:
        """Mark as sent what the evidence tells of; how many. The rest stays held."""
        return await self._each(_mark_sent, Decision.MARKED_SENT, evidence.tells_of, within)

    async def _each(
        self,
        carry: Carry,
        what: Decision,
        is_meant: Callable[[HeldEmail], bool],
        within: Within,
    ) -> int:
        after, done = _FIRST, 0
        while True:
            async with self._database.transaction() as session:
                piece = await held.piece(session, after, within)
                if not piece:
                    return done
                meant = [email.id for email in piece if is_meant(email)]
                changed = await carry(session, meant) if meant else []
                await decided(session, [email_id for email_id, _ in changed], what)
                for sender_id in sorted({sender_id for _, sender_id in changed}):
                    await signal(session, sender_id)
            after, done = piece[-1].id, done + len(changed)


async def _mark_sent(session: Session, ids: Sequence[uuid.UUID]) -> Changed:
    places = await bulk.senders_of(session, ids)
    await bulk.settle_as_sent(session, ids)
    return places
