"""What happened to one email, step by step: who decided what, and what the mail server said.

Told from what is kept: each attempt with the last reply of its dialogue, what people and their
rules decided, and where the email stands. Of the time before decisions were kept, it is told who
may have decided. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from paceline.domain.decisions import CampaignDecision, Decision
from paceline.domain.lifecycle import CampaignState, EmailList, FailureReason, JobState
from paceline.services.views import AttemptView, DecisionView, EmailDetail
from paceline.web.wording import why_failed

RETRIED, IN_DOUBT, SENDING = "retried", "in_doubt", "sending"
RESTORED = "restored"  # a phase: see persistence/witness.py
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
_DECIDED = {
    Decision.CHANGED: ("Changed", "planned"),
    Decision.MOVED: ("Moved", "planned"),
    Decision.CANCELLED: ("Cancelled", "quiet"),
    Decision.MARKED_SENT: ("Marked as sent", "good"),
    Decision.SENT_AGAIN: ("To be sent again", "warn"),
    Decision.RETRIED: ("To be tried again", "warn"),
    CampaignDecision.LAUNCHED: ("Launched with its campaign", "planned"),
    CampaignDecision.MOVED: ("Moved with its campaign", "planned"),
    CampaignDecision.PAUSED: ("Paused with its campaign", "quiet"),
    CampaignDecision.RESUMED: ("Resumed with its campaign", "planned"),
    CampaignDecision.CANCELLED: ("Cancelled with its campaign", "quiet"),
}
_BY_RULE = {
    "campaign": "the rule of its campaign for doubts",
    "server": "Paceline: its server drops a second copy by itself",
}
_TOLD = {"to": "Address", "to_name": "Name", "subject": "Subject", "text": "Text", "html": "HTML"}
_AT_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened. `by` is who decided it, `reply` what the server said, `changes` what
    is different since, `dialogue` the lines of a conversation that did not end well."""

    title: str
    at: datetime | None
    tone: str = "quiet"  # a colour role
    by: str = ""
    text: str = ""
    phase: str = ""
    reply: str = ""
    planned_at: datetime | None = None
    handed_over_at: datetime | None = None
    changes: tuple[str, ...] = ()
    dialogue: tuple[str, ...] = ()


def story(detail: EmailDetail, *, me: str) -> list[Step]:
    """Everything that is known about it, the oldest first. `me` are the reader's words for who."""
    first = Step(
        title="Scheduled",
        at=detail.created_at,
        tone="planned",
        by=YOU,
        planned_at=_planned_first(detail),
    )
    middle = [*_attempts(detail), *(_decision(d, detail, me) for d in detail.decisions)]
    middle.sort(key=lambda step: step.at or _AT_LAST)
    return [first, *middle, *_end(detail)]


def section_of(state: JobState) -> str:
    """The entry of the sidebar: the list that it is in."""
    return f"emails-{next(which for which in EmailList if state in which.states)}"


def _planned_first(detail: EmailDetail) -> datetime:
    """When it was to go before anybody moved it alone."""
    for decision in detail.decisions:
        before, _ = _times(decision)
        if before is not None:
            return before
    return detail.email.scheduled_at


def _times(decision: DecisionView) -> tuple[datetime | None, datetime | None]:
    told = decision.detail.get("scheduled_at")
    if not isinstance(told, list):
        return None, None
    before, after = (None if each is None else datetime.fromisoformat(each) for each in told)
    return before, after


def _decision(decision: DecisionView, detail: EmailDetail, me: str) -> Step:
    title, tone = _DECIDED[decision.what]
    if decision.what is Decision.CANCELLED and detail.email.state is not JobState.CANCELLED:
        title = "Called back, when it may have left"
    return Step(
        title=title,
        at=decision.at,
        tone=tone,
        by=_who(decision, me),
        planned_at=_times(decision)[1],
        changes=tuple(_changes(decision)),
    )


def _who(decision: DecisionView, me: str) -> str:
    if decision.by is None:
        return _BY_RULE.get(str(decision.detail.get("rule")), PACELINE)
    return YOU if decision.by in ("", me) else decision.by


def _changes(decision: DecisionView) -> Iterator[str]:
    if decision.what is not Decision.CHANGED:
        return
    told_first = [name for name in _TOLD if name in decision.detail]
    for name in (*told_first, *sorted(decision.detail.keys() - _TOLD.keys())):
        told = decision.detail[name]
        label = _TOLD.get(name, name.removeprefix("fields."))
        if isinstance(told, list):
            before, after = (each if each is not None else "nothing" for each in told)
            yield f"{label}: {before} → {after}"
        else:
            yield f"{label}: another one"


def _attempts(detail: EmailDetail) -> Iterator[Step]:
    number, before = 0, None
    # Those of the time before decisions were kept have an attempt's row alone.
    unsigned = _count(detail.attempts) - sum(d.what is Decision.RETRIED for d in detail.decisions)
    for attempt in detail.attempts:
        if attempt.outcome == RETRIED:
            if unsigned > 0:
                yield Step(title="To be tried again", at=attempt.ended_at, tone="warn", by=YOU)
            unsigned -= 1
        elif attempt.phase == RESTORED:
            yield _held(attempt)
        else:
            if before is not None and before.outcome == IN_DOUBT and not _settled(before, detail):
                yield _sent_again(before.ended_at)
            number += 1
            yield _attempt(attempt, number)
        before = attempt


def _count(attempts: Sequence[AttemptView]) -> int:
    return sum(attempt.outcome == RETRIED for attempt in attempts)


def _settled(doubtful: AttemptView, detail: EmailDetail) -> bool:
    """Whether it is known who had it sent again."""
    since = doubtful.ended_at or detail.created_at
    return any(d.what is Decision.SENT_AGAIN and d.at >= since for d in detail.decisions)


def _held(attempt: AttemptView) -> Step:
    """No attempt of anybody's: the database went back, and nobody knows what happened since."""
    text = attempt.reply_text or ""
    return Step(
        title="Held", at=attempt.ended_at, tone="doubt", by=PACELINE, text=text.capitalize()
    )


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
        dialogue=attempt.dialogue,
    )


def _sent_again(at: datetime | None) -> Step:
    return Step(
        title="To be sent again",
        at=at,
        tone="warn",
        by="you, or the rule of its campaign for doubts",
    )


def _end(detail: EmailDetail) -> Iterator[Step]:
    email = detail.email
    last = detail.attempts[-1] if detail.attempts else None
    in_doubt = last is not None and last.outcome == IN_DOUBT
    decided = next((d.what for d in detail.decisions[::-1] if isinstance(d.what, Decision)), None)
    with_all = any(d.what is CampaignDecision.CANCELLED for d in detail.decisions)
    if email.state is JobState.SENT and in_doubt and decided is not Decision.MARKED_SENT:
        yield Step(title="Marked as sent", at=email.updated_at, tone="good", by=YOU)
    elif email.state in (JobState.DEFERRED, JobState.SCHEDULED) and in_doubt:
        if last is not None and not _settled(last, detail):
            yield _sent_again(None)
    elif email.state is JobState.CANCELLED and not (with_all or decided is Decision.CANCELLED):
        was_all = detail.campaign_state is CampaignState.CANCELLED
        by = "you, with its campaign" if was_all else YOU
        yield Step(title="Cancelled", at=email.updated_at, by=by)
    elif email.state is JobState.FAILED and email.failure_reason is not None:
        yield Step(
            title="Failed",
            at=email.updated_at,
            tone="bad",
            by=_BY_FAILURE[email.failure_reason],
            text=why_failed(email.failure_reason),
        )
