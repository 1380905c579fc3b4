"""Notes what is decided about emails, by whoever acts just now, in the same transaction.

Each email's story has a row of its own; the audit log has one for each act.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from paceline.auth.acting import who
from paceline.auth.auditing import note
from paceline.domain.acts import Act
from paceline.domain.decisions import Decision
from paceline.persistence.stores import decisions
from paceline.persistence.stores.email_records import EmailRecord
from paceline.persistence.stores.session import Session

_ACTS = {
    Decision.CHANGED: Act.EMAIL_CHANGED,
    Decision.MOVED: Act.EMAIL_MOVED,
    Decision.CANCELLED: Act.EMAIL_CANCELLED,
    Decision.RETRIED: Act.EMAIL_RETRIED,
    Decision.MARKED_SENT: Act.EMAIL_MARKED_SENT,
    Decision.SENT_AGAIN: Act.EMAIL_SENT_AGAIN,
}


async def decided(
    session: Session,
    email_ids: Sequence[uuid.UUID],
    what: Decision,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Write down that this was decided about each of them."""
    await decisions.note(session, email_ids, what, decided_by=who().actor, detail=detail)


async def audited(
    session: Session,
    owner_id: uuid.UUID,
    email: EmailRecord,
    what: Decision,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Write down that somebody decided this about that one email."""
    told = {"id": email.id, **(detail or {})}
    await note(session, owner_id, _ACTS[what], email.address, told)
