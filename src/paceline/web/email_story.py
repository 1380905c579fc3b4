"""What happened to one email, step by step: who decided what, and what the mail server said.

Told from the evidence that is kept: each attempt with the last reply of its dialogue, and where the
email stands. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from paceline.domain.lifecycle import CampaignState, FailureReason, JobState
from paceline.services.views import AttemptView, EmailDetail
from paceline.web.wording import why_failed

RETRIED, IN_DOUBT, SENDING = "retried", "in_doubt", "sending"
YOU, PACELINE, SERVER = "you", "Paceline", "the mail server"

_TONES = {"sent": "good", "rejected": "bad", IN_DOUBT: "doubt", SENDING: "active"}
# What came of an attempt, and by whom that was decided.
_OUTCOMES = {
    SENDING: ("Handed over, no answer yet", ""),
    "sent": ("Accepted by the next server", SERVER),
    "rejected": ("Refused by the server", SERVER),
    "not_sent": ("Not sent", PACELINE),
    "fenced": ("Stopped before it was handed over", PACELINE),
    IN_DOUBT: ("Connection lost after the email was handed over", "nobody: no answer came"),
}
_BY_FAILURE = {
    FailureReason.HARD_BOUNCE: SERVER,
    FailureReason.REJECTED: SERVER,
    FailureReason.SUPPRESSED: "your suppression list",
    FailureReason.EXPIRED: "Paceline, by the time that it may wait",
    FailureReason.ATTEMPTS_EXHAUSTED: "Paceline, after its last try",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened. `by` is who decided it, `reply` what the server said."""

    title: str
    at: datetime | None
    tone: str = "quiet"  # a colour role
    by: str = ""
    text: str = ""
    phase: str = ""
    reply: str = ""
    planned_at: datetime | None = None
    handed_over_at: datetime | None = None


def story(detail: EmailDetail) -> list[Step]:
    """Everything that is known about it, the oldest first."""
    email = detail.email
    first = Step(
        title="Scheduled",
        at=detail.created_at,
        tone="planned",
        by=YOU,
        planned_at=email.scheduled_at,
    )
    return [first, *_attempts(detail.attempts), *_end(detail)]


def _attempts(attempts: tuple[AttemptView, ...]) -> Iterator[Step]:
    number, before = 0, ""
    for attempt in attempts:
        if attempt.outcome == RETRIED:
            yield Step(title="Tried again by you", at=attempt.ended_at, tone="warn", by=YOU)
        else:
            if before == IN_DOUBT:
                yield _sent_again()
            number += 1
            yield _attempt(attempt, number)
        before = attempt.outcome


def _attempt(attempt: AttemptView, number: int) -> Step:
    text, by = _OUTCOMES[attempt.outcome]
    reply = " ".join(
        str(part)
        for part in (attempt.reply_code, attempt.reply_enhanced, attempt.reply_text)
        if part
    )
    return Step(
        title=f"Attempt {number}",
        at=attempt.ended_at or attempt.dot_at,
        tone=_TONES.get(attempt.outcome, "warn"),
        by=by,
        text=text,
        phase=attempt.phase or "",
        reply=reply,
        handed_over_at=attempt.dot_at if attempt.ended_at else None,
    )


def _sent_again() -> Step:
    return Step(
        title="To be sent again",
        at=None,
        tone="warn",
        by="you, or the rule of its campaign for doubts",
    )


def _end(detail: EmailDetail) -> Iterator[Step]:
    email = detail.email
    last = detail.attempts[-1].outcome if detail.attempts else ""
    if email.state is JobState.SENT and last == IN_DOUBT:
        yield Step(title="Marked as sent", at=email.updated_at, tone="good", by=YOU)
    elif email.state in (JobState.DEFERRED, JobState.SCHEDULED) and last == IN_DOUBT:
        yield _sent_again()
    elif email.state is JobState.CANCELLED:
        with_all = detail.campaign_state is CampaignState.CANCELLED
        by = "you, with its campaign or alone" if with_all else YOU
        yield Step(title="Cancelled", at=email.updated_at, by=by)
    elif email.state is JobState.FAILED and email.failure_reason is not None:
        yield Step(
            title="Failed",
            at=email.updated_at,
            tone="bad",
            by=_BY_FAILURE[email.failure_reason],
            text=why_failed(email.failure_reason),
        )
