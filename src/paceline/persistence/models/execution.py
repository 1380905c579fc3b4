"""Where sending stands: email jobs, lanes, and the attempts as evidence.

Kept apart from the content because they are written at other moments: execution several times per
email, evidence only ever added to. What may change how is `domain/lifecycle.py`.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from paceline.domain.lifecycle import (
    IN_FLIGHT,
    WAITING,
    FailureReason,
    JobState,
)
from paceline.persistence.tables import Base, CreatedAt, in_list, one_of

NOT_SENT = frozenset({JobState.FAILED, JobState.IN_DOUBT, JobState.CANCELLED})


class EmailJob(Base):
    """The execution of one email: where it stands, when it is due, who holds it."""

    __tablename__ = "email_jobs"
    __table_args__ = (
        one_of("state", JobState),
        one_of("failure_reason", FailureReason),
        CheckConstraint("attempt >= 0 AND deferrals >= 0", name="attempt"),
        CheckConstraint(
            f"({in_list('state', IN_FLIGHT)}) = (lease_until IS NOT NULL)", name="lease"
        ),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_at"),
        CheckConstraint("(state = 'failed') = (failure_reason IS NOT NULL)", name="failed"),
        # What a lane reads: per sender and campaign, the earliest first.
        Index(
            "ix_email_jobs_due",
            "sender_id",
            "campaign_id",
            "due_at",
            "email_id",
            postgresql_where=text(in_list("state", WAITING)),
        ),
        # What the keeper reads, and the lane for its own.
        Index(
            "ix_email_jobs_leases",
            "lease_until",
            postgresql_where=text(in_list("state", IN_FLIGHT)),
        ),
        # Few among many waiting ones, and asked for by themselves.
        Index(
            "ix_email_jobs_deferred",
            "owner_id",
            "due_at",
            "email_id",
            postgresql_where=text("state = 'deferred'"),
        ),
        Index("ix_email_jobs_in_doubt", "in_doubt_at", postgresql_where=text("state = 'in_doubt'")),
        # What the dashboard's lists read. Those in flight are few, and found by their leases.
        Index(
            "ix_email_jobs_waiting",
            "owner_id",
            "due_at",
            "email_id",
            postgresql_where=text(in_list("state", WAITING)),
        ),
        Index(
            "ix_email_jobs_sent",
            "owner_id",
            "sent_at",
            "email_id",
            postgresql_where=text("state = 'sent'"),
        ),
        # What one sender has sent: among a million of others it would be looked for from the top.
        Index(
            "ix_email_jobs_sent_by_sender",
            "sender_id",
            "sent_at",
            "email_id",
            postgresql_where=text("state = 'sent'"),
        ),
        Index(
            "ix_email_jobs_not_sent",
            "owner_id",
            "state",
            "updated_at",
            "email_id",
            postgresql_include=["failure_reason", "reply_code", "reply_enhanced"],
            postgresql_where=text(in_list("state", NOT_SENT)),
        ),
        Index(
            "ix_email_jobs_single",
            "owner_id",
            "state",
            postgresql_where=text("campaign_id IS NULL"),
        ),
        # The same for one campaign's, however many were sent since.
        Index(
            "ix_email_jobs_sent_of_campaign",
            "campaign_id",
            "sent_at",
            "email_id",
            postgresql_where=text("state = 'sent' AND campaign_id IS NOT NULL"),
        ),
        Index(
            "ix_email_jobs_not_sent_of_campaign",
            "campaign_id",
            "state",
            "updated_at",
            "email_id",
            postgresql_where=text(in_list("state", NOT_SENT) + " AND campaign_id IS NOT NULL"),
        ),
        # Why a campaign's emails failed, and which of them to try again.
        Index(
            "ix_email_jobs_failed",
            "campaign_id",
            "email_id",
            postgresql_include=["failure_reason", "reply_code", "reply_enhanced"],
            postgresql_where=text("state = 'failed'"),
        ),
    )

    email_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("emails.id", ondelete="CASCADE"), primary_key=True
    )
    owner_id: Mapped[uuid.UUID]
    campaign_id: Mapped[uuid.UUID | None]
    sender_id: Mapped[uuid.UUID]
    state: Mapped[str] = mapped_column(server_default=text("'scheduled'"))
    scheduled_at: Mapped[datetime]  # as asked for
    due_at: Mapped[datetime]  # when it may next be tried: scheduled_at, or the end of a backoff
    attempt: Mapped[int] = mapped_column(server_default=text("0"))  # the fencing token
    # How often its recipient's server said "not now": what the backoff counts by. Attempts that
    # failed for the sender's or the host's sake are not the email's, and count in `attempt` alone.
    deferrals: Mapped[int] = mapped_column(server_default=text("0"))
    worker_run: Mapped[uuid.UUID | None]  # one run of one worker process
    lease_until: Mapped[datetime | None]
    dated_at: Mapped[datetime | None]  # the Date header: the first attempt's, kept for all others
    failure_reason: Mapped[str | None]
    reply_code: Mapped[int | None]
    reply_enhanced: Mapped[str | None]
    reply_text: Mapped[str | None]
    in_doubt_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    updated_at: Mapped[CreatedAt]
    edition: Mapped[int | None]  # of the content that it is to send: how often that was changed
    # Kept no longer; on the job, whose row tells a retry of it.
    content_removed_at: Mapped[datetime | None]
    attempts_removed_at: Mapped[datetime | None]


class Lane(Base):
    """What PostgreSQL knows about a sender's dispatch job: its signals and its next wake-up."""

    __tablename__ = "lanes"
    __table_args__ = (
        Index("ix_lanes_wake_at", "wake_at", postgresql_where=text("wake_at < 'infinity'")),
    )

    sender_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("senders.id", ondelete="CASCADE"), primary_key=True
    )
    signal_seq: Mapped[int] = mapped_column(BigInteger(), server_default=text("0"))
    wake_at: Mapped[datetime] = mapped_column(server_default=text("'infinity'"))
    # Why nothing goes out right now, in the gate's words; what "why not yet?" answers from.
    held_by: Mapped[str | None]
    parked_at: Mapped[datetime | None]


class Attempt(Base):
    """Evidence: one row per attempt, added to and never overwritten once definite.

    `retried` is a person's: what had failed is to be tried again. `worker_run` names who asked.
    """

    __tablename__ = "attempts"
    __table_args__ = (
        CheckConstraint(
            "outcome IN ('sending', 'sent', 'rejected', 'not_sent', 'fenced', 'in_doubt',"
            " 'retried')",
            name="outcome",
        ),
        Index(
            "ix_attempts_sender_id_dot_at",
            "sender_id",
            "dot_at",
            postgresql_where=text("dot_at IS NOT NULL"),
        ),
        Index(
            "ix_attempts_campaign_id_dot_at",
            "campaign_id",
            "dot_at",
            postgresql_where=text("dot_at IS NOT NULL AND campaign_id IS NOT NULL"),
        ),
    )

    # No foreign key: it would lock the email at each attempt. A trigger, `forget_attempts`, takes
    # them along when an email is deleted; whoever inserts one holds the email's job.
    email_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    sender_id: Mapped[uuid.UUID]
    campaign_id: Mapped[uuid.UUID | None]
    worker_run: Mapped[uuid.UUID]
    outcome: Mapped[str]
    phase: Mapped[str | None]  # where in the SMTP dialogue it ended
    reply_code: Mapped[int | None]
    reply_enhanced: Mapped[str | None]
    reply_text: Mapped[str | None]
    dot_at: Mapped[datetime | None]  # the write-ahead: what minimum delays are rebuilt from
    ended_at: Mapped[datetime | None]
    booked_hour: Mapped[datetime | None]  # by Redis' clock: what hourly limits are rebuilt from
    account_version: Mapped[int | None]  # the sender's; NULL: not known
