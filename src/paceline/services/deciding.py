"""Notes what is decided about single emails, by whoever acts just now, in the same transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from paceline.auth.acting import who
from paceline.domain.decisions import Decision
from paceline.persistence.stores import decisions
from paceline.persistence.stores.session import Session


async def decided(
    session: Session,
    email_ids: Sequence[uuid.UUID],
    what: Decision,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Write down that this was decided about each of them."""
    await decisions.note(session, email_ids, what, decided_by=who().actor, detail=detail)
