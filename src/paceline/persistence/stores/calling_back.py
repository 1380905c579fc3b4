"""What becomes of an email that waits and is called back."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case, func

from paceline.domain.lifecycle import JobState
from paceline.persistence.models import EmailJob


def called_back() -> dict[str, ColumnElement[object]]:
    """What to set: it is cancelled, or in doubt if an earlier attempt is, for it may have left.

    The new attempt number, which nobody holds, says that the doubt is not about the last attempt:
    it is not sent again by policy (resend_doubtful.sql).
    """
    doubtful = and_(EmailJob.attempt > 0, func.may_have_left(EmailJob.email_id))
    return {
        "state": case((doubtful, JobState.IN_DOUBT), else_=JobState.CANCELLED),
        "attempt": EmailJob.attempt + case((doubtful, 1), else_=0),
        "in_doubt_at": case((doubtful, func.clock_timestamp())),
        "updated_at": func.clock_timestamp(),
    }
