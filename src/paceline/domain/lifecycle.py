"""Who may become what: the states of email jobs, campaigns and senders, and their transitions.

This table owns the states. The SQL CHECKs, the dashboard's labels and the diagram in the docs are
derived from it, and a test compares them.
"""

from __future__ import annotations

from enum import StrEnum

from paceline.errors import Conflict


class JobState(StrEnum):
    """Where one email job stands."""

    SCHEDULED = "scheduled"
    CLAIMED = "claimed"
    SENDING = "sending"
    DEFERRED = "deferred"
    SENT = "sent"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    CANCELLED = "cancelled"


class JobEvent(StrEnum):
    """What can happen to an email job."""

    CLAIM = "claim"  # a worker takes it, under a lease and a new attempt number
    WRITE_AHEAD = "write_ahead"  # noted before the final dot: from here on it may have left
    ACCEPT = "accept"  # 2xx after the dot
    RELEASE = "release"  # not sent, and not for its own sake: it waits as if untouched
    DEFER = "defer"  # not sent: its recipient's server said "not now"
    REJECT = "reject"  # not sent, never to be tried again
    # The connection or the worker was lost after the dot. Or it was, at an earlier attempt, and now
    # the email is given up or called back.
    LOSE_SIGHT = "lose_sight"
    CANCEL = "cancel"  # a person called it back in time
    RETRY = "retry"  # a person wants what has failed to be tried again, as if it never had been


class CampaignState(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class CampaignEvent(StrEnum):
    """What can happen to a campaign."""

    LAUNCH = "launch"
    PAUSE = "pause"
    RESUME = "resume"
    COMPLETE = "complete"
    CANCEL = "cancel"
    REOPEN = "reopen"  # an email of a completed campaign is to be sent again


class SenderState(StrEnum):
    """Whether a sender's lane may send."""

    ACTIVE = "active"
    PAUSED = "paused"  # by a person
    BROKEN = "broken"  # by its server: the log-in or the From address was refused


class FailureReason(StrEnum):
    """Why an email job failed for good."""

    HARD_BOUNCE = "hard_bounce"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    SUPPRESSED = "suppressed"
    EXPIRED = "expired"
    REJECTED = "rejected"


class DoubtPolicy(StrEnum):
    """What follows when nobody can know whether an email was accepted."""

    HOLD = "hold"  # at most once: a person or a resolver settles it
    RESEND = "resend"  # at least once: the same Message-ID goes out again


WAITING = frozenset({JobState.SCHEDULED, JobState.DEFERRED})
IN_FLIGHT = frozenset({JobState.CLAIMED, JobState.SENDING})
FINAL = frozenset({JobState.SENT, JobState.FAILED, JobState.CANCELLED})
# A campaign is over when none of its emails is in one of these; doubt does not hold it open.
UNFINISHED = WAITING | IN_FLIGHT


class EmailList(StrEnum):
    """The lists that emails are shown in. Every email is in exactly one of them."""

    SCHEDULED = "scheduled"  # it is still to go out, or on its way
    SENT = "sent"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    CANCELLED = "cancelled"

    @property
    def states(self) -> frozenset[JobState]:
        """Whose emails it shows."""
        return UNFINISHED if self is EmailList.SCHEDULED else frozenset({JobState(self)})


_JOB: dict[tuple[JobState, JobEvent], JobState] = {
    (JobState.SCHEDULED, JobEvent.CLAIM): JobState.CLAIMED,
    (JobState.SCHEDULED, JobEvent.CANCEL): JobState.CANCELLED,
    (JobState.SCHEDULED, JobEvent.REJECT): JobState.FAILED,  # suppressed before it was tried
    (JobState.SCHEDULED, JobEvent.ACCEPT): JobState.SENT,  # late evidence of an earlier attempt
    (JobState.SCHEDULED, JobEvent.LOSE_SIGHT): JobState.IN_DOUBT,
    (JobState.DEFERRED, JobEvent.CLAIM): JobState.CLAIMED,
    (JobState.DEFERRED, JobEvent.CANCEL): JobState.CANCELLED,
    (JobState.DEFERRED, JobEvent.REJECT): JobState.FAILED,
    (JobState.DEFERRED, JobEvent.ACCEPT): JobState.SENT,  # late evidence of an earlier attempt
    (JobState.DEFERRED, JobEvent.LOSE_SIGHT): JobState.IN_DOUBT,
    (JobState.CLAIMED, JobEvent.WRITE_AHEAD): JobState.SENDING,
    (JobState.CLAIMED, JobEvent.RELEASE): JobState.SCHEDULED,
    (JobState.CLAIMED, JobEvent.DEFER): JobState.DEFERRED,
    (JobState.CLAIMED, JobEvent.REJECT): JobState.FAILED,
    (JobState.CLAIMED, JobEvent.CANCEL): JobState.CANCELLED,  # its write-ahead will be refused
    (JobState.CLAIMED, JobEvent.LOSE_SIGHT): JobState.IN_DOUBT,
    (JobState.SENDING, JobEvent.ACCEPT): JobState.SENT,
    (JobState.SENDING, JobEvent.RELEASE): JobState.SCHEDULED,
    (JobState.SENDING, JobEvent.DEFER): JobState.DEFERRED,
    (JobState.SENDING, JobEvent.REJECT): JobState.FAILED,
    (JobState.SENDING, JobEvent.LOSE_SIGHT): JobState.IN_DOUBT,
    (JobState.IN_DOUBT, JobEvent.ACCEPT): JobState.SENT,
    (JobState.IN_DOUBT, JobEvent.DEFER): JobState.DEFERRED,
    (JobState.IN_DOUBT, JobEvent.REJECT): JobState.FAILED,
    (JobState.FAILED, JobEvent.ACCEPT): JobState.SENT,  # late evidence of an earlier attempt
    (JobState.FAILED, JobEvent.RETRY): JobState.SCHEDULED,
    (JobState.CANCELLED, JobEvent.ACCEPT): JobState.SENT,  # late evidence of an earlier attempt
}

_CAMPAIGN: dict[tuple[CampaignState, CampaignEvent], CampaignState] = {
    (CampaignState.DRAFT, CampaignEvent.LAUNCH): CampaignState.ACTIVE,
    (CampaignState.DRAFT, CampaignEvent.CANCEL): CampaignState.CANCELLED,
    (CampaignState.ACTIVE, CampaignEvent.PAUSE): CampaignState.PAUSED,
    (CampaignState.ACTIVE, CampaignEvent.COMPLETE): CampaignState.COMPLETED,
    (CampaignState.ACTIVE, CampaignEvent.CANCEL): CampaignState.CANCELLED,
    (CampaignState.PAUSED, CampaignEvent.RESUME): CampaignState.ACTIVE,
    (CampaignState.PAUSED, CampaignEvent.CANCEL): CampaignState.CANCELLED,
    (CampaignState.COMPLETED, CampaignEvent.REOPEN): CampaignState.ACTIVE,
}


def after(state: JobState, event: JobEvent) -> JobState:
    """The state that follows. Raises `Conflict` where the table has no such transition."""
    try:
        return _JOB[state, event]
    except KeyError:
        raise Conflict(f"an email that is {state} cannot {event.replace('_', ' ')}") from None


def campaign_after(state: CampaignState, event: CampaignEvent) -> CampaignState:
    """The campaign state that follows. Raises `Conflict`, worded for the person who asked."""
    try:
        return _CAMPAIGN[state, event]
    except KeyError:
        raise Conflict(f"cannot {event} a campaign that is {state}") from None


def job_transitions() -> list[tuple[JobState, JobEvent, JobState]]:
    """The whole table, for the docs' diagram and for tests."""
    return [(before, event, then) for (before, event), then in _JOB.items()]
