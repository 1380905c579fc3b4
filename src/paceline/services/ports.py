"""What the use cases need from above and beside them, as small protocols."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Protocol, TypeVar

from paceline.delivery import Account, CheckResult, Envelope, Guard, Result
from paceline.persistence.stores.session import Session

Done_contra = TypeVar("Done_contra", contravariant=True)


class Bell(Protocol):
    """Wakes lanes. A ring that is lost is found again by whoever listens to the database."""

    async def ring(self, sender_ids: Collection[uuid.UUID]) -> None:
        """Tell these lanes to look now. Never raises, and returns within a second."""


class Meter(Protocol):
    """Reads the hourly counters."""

    async def used_this_hour(
        self, *, senders: Sequence[uuid.UUID] = (), campaigns: Sequence[uuid.UUID] = ()
    ) -> dict[uuid.UUID, int]:
        """What each has used up in this UTC hour; absent where nothing was counted yet.

        Raises `OperationalError`.
        """


class Allowance(Protocol):
    """A sender's limits, for one email outside all campaigns."""

    async def take_one(
        self, sender_id: uuid.UUID, *, hourly_limit: int | None, min_delay_ms: int
    ) -> timedelta | None:
        """Count an email that leaves now; None where it may, else how long there is none.

        Raises `OperationalError`.
        """


class Mailer(Protocol):
    """Reaches a sender's server while its owner waits for the answer."""

    async def check(self, account: Account) -> CheckResult:
        """Connect, log in, say goodbye."""

    async def send(
        self,
        account: Account,
        envelope: Envelope,
        content: bytes,
        *,
        guard: Guard,
        smtp_utf8: bool = False,
    ) -> Result:
        """Hand one message over."""


class Settle(Protocol[Done_contra]):
    """Keeps what came of a command, in the transaction that carries it out: both or neither."""

    async def __call__(self, session: Session, result: Done_contra, /) -> None:
        """Called last, with what the command is going to return."""
