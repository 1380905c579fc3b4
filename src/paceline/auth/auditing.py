"""Writes the audit log: in the transaction of the act, one row per act, by whoever acts just now.

Secrets are never handed in: what changed is named, and only plain figures are told with it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime

from paceline.auth.acting import who
from paceline.domain.acts import Act, plain
from paceline.persistence.stores import audit
from paceline.persistence.stores.session import Session

__all__ = ["complete", "note"]


async def note(
    session: Session,
    owner_id: uuid.UUID | None,
    act: Act,
    subject: str,
    detail: Mapping[str, object] | None = None,
    *,
    actor: str | None = None,
    actor_id: uuid.UUID | None = None,
) -> int:
    """Write down what is being done to whose (None: nobody's) account; the row's id.

    `actor` and `actor_id` where they are proven only now, as at a sign-in.
    """
    acting = who()
    entry = audit.NewEntry(
        owner_id=owner_id,
        actor=plain(actor or acting.actor),
        actor_id=actor_id or acting.user_id,
        address=acting.address and plain(acting.address),
        action=act,
        subject=plain(subject),
        detail=_told(detail or {}),
    )
    return await audit.note(session, entry)


async def complete(session: Session, entry: int, detail: Mapping[str, object]) -> None:
    """Say how a long act ended. It was written down before it began: killed, it stays without."""
    await audit.complete(session, entry, _told(detail))


def _told(detail: Mapping[str, object]) -> dict[str, object]:
    return {name: _value(value) for name, value in detail.items() if value is not None}


def _value(value: object) -> object:
    if isinstance(value, bool | int):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    return plain(str(value))
