"""What follows from the end of one attempt: for the email, its address, its sender, its host.

Pure: the result of delivery in, a `Consequence` out. The reading of reply codes is
`domain.replies.outcome`, the waiting times are `domain.backoff`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum, auto

from paceline.delivery import Kind, Phase, Result, Scope
from paceline.domain.backoff import RETRY_STEPS, retry_delay
from paceline.domain.lifecycle import FailureReason, JobEvent, JobState, after
from paceline.domain.replies.outcome import Verdict, classify
from paceline.domain.replies.spans import stated_wait
from paceline.persistence.ledger import Attempt, Outcome

MAX_DEFERRALS = len(RETRY_STEPS)
# So many tries that a server heard of may be none of an email's own; what comes then counts as its
# own again: what is said of us and at no other email may be about this one, in words that no table
# knows. Waiting for its turn while its sender rests is no try.
MAX_SPARED = 100
# At MAIL the server has heard of no recipient, and says the same to all emails for as long as a
# quota or a full disk lasts. So it takes days as well (RFC 5321 §4.5.4.1 gives up after four or
# five); without an end one email would let its sender rest, and hold its campaign open, for ever.
SPARED_AT_MAIL_FOR = timedelta(days=5)
# The server has heard of the recipient or the content: what it says may be about them, whatever it
# calls it. An email that kept its turn would then hold up all the others for ever.
_ABOUT_ONE_EMAIL = frozenset({Phase.RCPT, Phase.DATA, Phase.BODY, Phase.DOT})
# A server that hangs up at MAIL may have read RCPT as well (RFC 2920 lets it gather its answers).
# If it is the recipient that it cannot stand, the others shall not wait behind it for ever.
_BEHIND_THE_OTHERS = timedelta(minutes=1)
_MAX_TIMES_BEHIND = 60


class SenderEffect(Enum):
    """What the end of an attempt means for all the other emails of its sender."""

    NONE = auto()
    SUSPECT = auto()  # refused by policy: it rests, and stops when that happens again and again
    SHUNNED = auto()  # refused by policy once its recipient was named: stops if nothing is accepted
    DOUBTED = auto()  # refused for good, not for its address' sake: it stops after a long row of it
    ACCUSED = auto()  # refused for good where others were not: it stops when that comes in a row
    BREAK = auto()  # its account is refused: it stops until a person has mended it
    REST = auto()  # its server is away or wants less of it: it sleeps for a while
    CROWD = auto()  # one connection was refused: it opens fewer, or rests if it has no other
    LIMIT = auto()  # its quota is used up: it sleeps until that may be new


_OPENING = frozenset({Phase.CONNECT, Phase.GREETING, Phase.EHLO, Phase.TLS, Phase.AUTH})
_BEHIND = frozenset({SenderEffect.REST, SenderEffect.LIMIT, SenderEffect.ACCUSED})
_EFFECTS = {
    Verdict.FAIL_BY_POLICY: SenderEffect.SUSPECT,
    Verdict.FAIL: SenderEffect.DOUBTED,
}


@dataclass(slots=True, kw_only=True)  # not frozen: one is made for each email
class Consequence:
    """What is to be recorded, and what else is to be done."""

    outcome: Outcome
    left: bool  # the final dot was written: it counts against the limits
    sender: SenderEffect = SenderEffect.NONE
    fenced: bool = False  # the guard has said no


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the email has been through before this attempt, since a person last had it retried."""

    deferrals: int
    tries: int  # that a server refused or lost once it had heard of it, its deferrals among them
    age: timedelta  # since its first attempt, by the database's clock
    expires_after: timedelta  # of waiting after refusals of its own, however few


def consequence(attempt: Attempt, result: Result, history: History, *, roll: float) -> Consequence:
    """Decide. `roll` is one throw of the dice, 0 <= roll < 1, for the jitter."""
    match result.kind:
        case Kind.SENT:
            return accepted(attempt, result)
        case Kind.IN_DOUBT:
            return Consequence(outcome=_outcome(attempt, result, JobEvent.LOSE_SIGHT), left=True)
        case Kind.FENCED:
            return Consequence(outcome=_released(attempt, result, history), left=False, fenced=True)
        case Kind.NOT_SENT:
            return _not_sent(attempt, result, history, roll=roll)
        case Kind.REJECTED:
            return _rejected(attempt, result, history, roll=roll)


def accepted(attempt: Attempt, result: Result) -> Consequence:
    """The server took it, as it nearly always does: nothing of the rest is asked."""
    assert result.reply is not None, "an acceptance is a reply"
    code, enhanced, text = result.reply
    outcome = Outcome(
        attempt=attempt,
        state=JobState.SENT,
        evidence=result.kind,
        phase=result.phase,
        reply_code=code,
        reply_enhanced=enhanced,
        reply_text=text,
    )
    return Consequence(outcome=outcome, left=True)


def unsendable(attempt: Attempt, reason: str) -> Consequence:
    """The email could not be made into a message: nothing was tried, and nothing will help."""
    outcome = Outcome(
        attempt=attempt,
        state=after(JobState.CLAIMED, JobEvent.REJECT),
        evidence="not_sent",
        reply_text=reason,
        failure_reason=FailureReason.REJECTED,
    )
    return Consequence(outcome=outcome, left=False)


def released(attempt: Attempt, *, deferrals: int) -> Outcome:
    """An email that was claimed and never tried: it waits again as it did before."""
    return Outcome(attempt=attempt, state=_waiting_again(deferrals))


def _not_sent(attempt: Attempt, result: Result, history: History, *, roll: float) -> Consequence:
    if result.scope is Scope.MESSAGE:
        return _deferred(attempt, result, history, roll=roll)
    if result.scope is Scope.SENDER:
        return _spared(attempt, result, history, SenderEffect.BREAK)
    if _counts_after_all(result, history):
        return replace(_deferred(attempt, result, history, roll=roll), sender=SenderEffect.REST)
    opening = result.phase in _OPENING
    return _spared(attempt, result, history, SenderEffect.CROWD if opening else SenderEffect.REST)


def _rejected(attempt: Attempt, result: Result, history: History, *, roll: float) -> Consequence:
    assert result.reply is not None, "a rejection is a reply"
    reply = result.reply
    verdict = classify(
        phase=result.phase, code=reply.code, enhanced=reply.enhanced, text=reply.text
    )
    match verdict:
        case Verdict.SENDER_BROKEN if result.worn and result.phase in _ABOUT_ONE_EMAIL:
            effect = SenderEffect.ACCUSED
        case Verdict.SENDER_BROKEN:
            return _spared(attempt, result, history, SenderEffect.BREAK)
        case Verdict.RECONNECT:
            # On a new connection it is no cap on the emails of a session.
            effect = SenderEffect.NONE if result.worn else SenderEffect.REST
        case Verdict.HOST_BACKOFF if result.phase in _ABOUT_ONE_EMAIL:
            deferred = _deferred(attempt, result, history, roll=roll)
            return replace(deferred, sender=SenderEffect.REST)
        case Verdict.HOST_BACKOFF | Verdict.HOST_BUSY:
            effect = SenderEffect.CROWD if result.phase in _OPENING else SenderEffect.REST
        case Verdict.SENDER_LIMITED:
            effect = SenderEffect.LIMIT
        case Verdict.CROWDED:
            effect = SenderEffect.CROWD
        case Verdict.RETRY:
            return _deferred(attempt, result, history, roll=roll)
        case _:
            return _failed(attempt, result, verdict)
    if _counts_after_all(result, history):
        return replace(_deferred(attempt, result, history, roll=roll), sender=effect)
    return _spared(attempt, result, history, effect)


def _counts_after_all(result: Result, history: History) -> bool:
    """Whether what seems to be about us has met this email too often not to be about it."""
    if history.tries - history.deferrals < MAX_SPARED:
        return False
    if result.phase is Phase.MAIL:
        return history.age >= SPARED_AT_MAIL_FOR
    return result.phase in _ABOUT_ONE_EMAIL


def _spared(
    attempt: Attempt, result: Result, history: History, effect: SenderEffect
) -> Consequence:
    """Not this email's fault: it waits as it did before, but behind the others.

    What the server has read of it may be what it cannot stand, and each time it comes back it has
    more of them before it. A connection alone that was refused, or an account, says nothing of it.
    """
    outcome = _released(attempt, result, history)
    if effect in _BEHIND and result.phase not in _OPENING:
        times = min(history.tries + 1, _MAX_TIMES_BEHIND)
        step = min(_asked_for(result, history) or _BEHIND_THE_OTHERS, _BEHIND_THE_OTHERS)
        outcome = replace(outcome, retry_in=step * times)
    return Consequence(outcome=outcome, left=_left(result), sender=effect)


def _deferred(attempt: Attempt, result: Result, history: History, *, roll: float) -> Consequence:
    # Not its age: what it waited for a quota, a limit or a server that was away is not its fault.
    if sum(RETRY_STEPS[: history.deferrals], timedelta()) >= history.expires_after:
        outcome = _outcome(attempt, result, JobEvent.REJECT, failure_reason=FailureReason.EXPIRED)
    elif history.deferrals >= MAX_DEFERRALS:
        outcome = _outcome(
            attempt, result, JobEvent.REJECT, failure_reason=FailureReason.ATTEMPTS_EXHAUSTED
        )
    else:
        outcome = _outcome(
            attempt,
            result,
            JobEvent.DEFER,
            retry_in=retry_delay(
                history.deferrals + 1, roll=roll, stated=_asked_for(result, history)
            ),
            is_deferral=True,
        )
    return Consequence(outcome=outcome, left=_left(result))


def _failed(attempt: Attempt, result: Result, verdict: Verdict) -> Consequence:
    suppress = verdict is Verdict.FAIL_AND_SUPPRESS
    effect = _EFFECTS.get(verdict, SenderEffect.NONE)
    reason = FailureReason.HARD_BOUNCE if suppress else FailureReason.REJECTED
    outcome = _outcome(attempt, result, JobEvent.REJECT, failure_reason=reason, suppress=suppress)
    if effect is SenderEffect.SUSPECT and result.phase is Phase.RCPT:
        # What is said of our account, host or domain has other rules. This may be the recipient's
        # own policy, and the server has seen no content.
        effect = SenderEffect.SHUNNED
    return Consequence(outcome=outcome, left=_left(result), sender=effect)


def _released(attempt: Attempt, result: Result, history: History) -> Outcome:
    # Not this email's fault: it keeps its due time and uses up none of its tries.
    return Outcome(
        attempt=attempt,
        state=_waiting_again(history.deferrals),
        evidence=result.kind.value,
        phase=result.phase.value,
        reply_code=result.reply.code if result.reply else None,
        reply_enhanced=result.reply.enhanced if result.reply else None,
        reply_text=result.reply.text if result.reply else result.detail,
        dialogue=result.dialogue,
    )


def _outcome(
    attempt: Attempt,
    result: Result,
    event: JobEvent,
    *,
    failure_reason: FailureReason | None = None,
    retry_in: timedelta | None = None,
    is_deferral: bool = False,
    suppress: bool = False,
) -> Outcome:
    return Outcome(
        attempt=attempt,
        state=after(JobState.SENDING, event),
        evidence=result.kind.value,
        phase=result.phase.value,
        reply_code=result.reply.code if result.reply else None,
        reply_enhanced=result.reply.enhanced if result.reply else None,
        reply_text=result.reply.text if result.reply else result.detail,
        dialogue=result.dialogue,
        failure_reason=failure_reason,
        retry_in=retry_in,
        is_deferral=is_deferral,
        suppress=suppress,
    )


def _asked_for(result: Result, history: History) -> timedelta | None:
    """The wait that the server states, but none for longer than the email is to be tried."""
    asked = stated_wait(result.reply.text) if result.reply else None
    left = history.expires_after - history.age
    return min(asked, left) if asked and left > timedelta(0) else None


def _waiting_again(deferrals: int) -> JobState:
    return JobState.DEFERRED if deferrals else after(JobState.CLAIMED, JobEvent.RELEASE)


def _left(result: Result) -> bool:
    return result.dot_written_at is not None
