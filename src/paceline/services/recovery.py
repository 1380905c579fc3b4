"""Takes back what dead workers held, and lets `resend` campaigns settle their doubts."""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta

from paceline.domain.lifecycle import JobState
from paceline.persistence.database import Database
from paceline.persistence.ledger import recover_expired, resend_doubtful

# Longer than the ten minutes a server may take to answer the final dot (RFC 5321 §4.5.3.2.6).
RESEND_GRACE = timedelta(minutes=15)

log = logging.getLogger(__name__)


class Recovery:
    """One round of it, as the keeper calls it."""

    def __init__(self, database: Database, *, resend_grace: timedelta = RESEND_GRACE) -> None:
        self._database = database
        self._resend_grace = resend_grace

    async def run(self) -> set[uuid.UUID]:
        """Recover expired leases, resend what policy allows; the senders whose lanes to ring."""
        recovered = await recover_expired(self._database)
        if recovered:
            doubtful = sum(email.state is JobState.IN_DOUBT for email in recovered)
            log.warning(
                "took back %d emails from workers that are gone, %d of them in doubt",
                len(recovered),
                doubtful,
            )
        senders = await resend_doubtful(self._database, grace=self._resend_grace)
        if senders:
            log.info("trying doubtful emails of %d senders again", len(senders))
        return senders | {email.sender_id for email in recovered}
