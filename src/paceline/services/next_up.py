"""Which of many queues goes next, and which of their emails: the soonest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from paceline.persistence.stores.queues import QueueRecord
from paceline.services import status
from paceline.services.status import Activity
from paceline.services.views import EmailView
from paceline.services.waiting import Surroundings

_AT_THE_END = datetime.max.replace(tzinfo=UTC)


def soonest(
    queues: Sequence[QueueRecord], around: Surroundings, *, now: datetime, most: int
) -> list[QueueRecord]:
    """The queues that something waits in: those that go now, by time, then those held for good."""

    def begins(queue: QueueRecord) -> datetime:
        found = status.of_queue(queue, around, now=now)
        return now if found.activity is Activity.SENDING else found.at or _AT_THE_END

    return sorted((queue for queue in queues if queue.due_at is not None), key=begins)[:most]


def expected(email: EmailView) -> tuple[datetime, datetime]:
    """What emails are sorted by, to have the next one first."""
    if email.held_by is None:
        return email.estimated_send_at or email.due_at, email.due_at
    return email.estimated_send_at or email.release_at or _AT_THE_END, email.due_at
