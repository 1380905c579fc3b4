"""The tables. What may change how is `domain/lifecycle.py`; what they hold is here.

`emails` is content, `email_jobs` is execution, `attempts` is evidence. They are kept apart because
they are written at different moments: content once, execution several times per email, evidence
only ever added to.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from paceline.domain.lifecycle import (
    IN_FLIGHT,
    WAITING,
    CampaignState,
    DoubtPolicy,
    FailureReason,
    JobState,
    SenderState,
)
from paceline.persistence.tables import Base, CreatedAt, Id, in_list, one_of

NOT_SENT = frozenset({JobState.FAILED, JobState.IN_DOUBT, JobState.CANCELLED})


class User(Base):
    """A person, identified by who vouched for them: (issuer, subject), never by the address."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[Id]
    issuer: Mapped[str]
    subject: Mapped[str]
    email: Mapped[str | None]
    name: Mapped[str]
    is_admin: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[CreatedAt]
    disabled_at: Mapped[datetime | None]


class Session(Base):
    """A sign-in. The cookie holds the id; only its SHA-256 is stored."""

    __tablename__ = "sessions"

    id_hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    csrf_token: Mapped[str]
    created_at: Mapped[CreatedAt]
    seen_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]


class SignInLink(Base):
    """A one-time link. Only the hash of its token is stored."""

    __tablename__ = "sign_in_links"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ApiKey(Base):
    """A key for the HTTP API. Only its SHA-256 is stored; `prefix` is what people recognise."""

    __tablename__ = "api_keys"

    id: Mapped[Id]
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str]
    prefix: Mapped[str]
    key_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[CreatedAt]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Sender(Base):
    """A From identity with its SMTP account and its own limits."""

    __tablename__ = "senders"
    __table_args__ = (
        one_of("state", SenderState),
        CheckConstraint("smtp_security IN ('none', 'starttls', 'tls')", name="smtp_security"),
        CheckConstraint("hourly_limit >= 1", name="hourly_limit"),
        CheckConstraint("min_delay_ms >= 0", name="min_delay_ms"),
        CheckConstraint("max_connections BETWEEN 1 AND 64", name="max_connections"),
        CheckConstraint("smtp_port BETWEEN 1 AND 65535", name="smtp_port"),
        CheckConstraint("smtp_auth IN ('password', 'xoauth2')", name="smtp_auth"),
        CheckConstraint("dkim_algorithm IN ('ed25519', 'rsa')", name="dkim_algorithm"),
        CheckConstraint(
            "num_nonnulls(dkim_selector, dkim_domain, dkim_algorithm, dkim_key) IN (0, 4)",
            name="dkim",
        ),
    )

    id: Mapped[Id]
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str]
    from_address: Mapped[str]
    from_name: Mapped[str | None]
    smtp_host: Mapped[str]
    smtp_port: Mapped[int]
    smtp_security: Mapped[str]
    smtp_username: Mapped[str | None]
    smtp_password: Mapped[bytes | None]  # AES-GCM, bound to this row
    hourly_limit: Mapped[int | None]
    min_delay_ms: Mapped[int] = mapped_column(server_default=text("0"))
    max_connections: Mapped[int] = mapped_column(server_default=text("4"))
    state: Mapped[str] = mapped_column(server_default=text("'active'"))
    state_reason: Mapped[str | None]
    # The server itself could not be reached: no email is to blame, the whole sender sleeps.
    host_failures: Mapped[int] = mapped_column(server_default=text("0"))
    resting_until: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    smtp_auth: Mapped[str] = mapped_column(server_default=text("'password'"))
    # All four or none. The domain stays the one whose record was published.
    dkim_selector: Mapped[str | None]
    dkim_domain: Mapped[str | None]
    dkim_algorithm: Mapped[str | None]
    dkim_key: Mapped[bytes | None]  # AES-GCM, bound to this row


class Campaign(Base):
    """One message to many recipients, with its own start, pace and limits."""

    __tablename__ = "campaigns"
    __table_args__ = (
        one_of("state", CampaignState),
        one_of("doubt_policy", DoubtPolicy),
        CheckConstraint("hourly_limit >= 1", name="hourly_limit"),
        CheckConstraint("min_delay_ms >= 0", name="min_delay_ms"),
        CheckConstraint("expires_after_hours BETWEEN 1 AND 720", name="expires_after_hours"),
        CheckConstraint(
            "total >= 0 AND sent >= 0 AND failed >= 0 AND cancelled >= 0", name="counters"
        ),
        Index("ix_campaigns_owner_id_id", "owner_id", "id"),
        Index(
            "ix_campaigns_running",
            "sender_id",
            "id",
            postgresql_where=text("state = 'active'"),
        ),
    )

    id: Mapped[Id]
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    sender_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("senders.id"))
    name: Mapped[str]
    subject: Mapped[str]
    text_body: Mapped[str | None]
    html_body: Mapped[str | None]
    start_at: Mapped[datetime | None]  # None: as soon as it is launched
    time_zone: Mapped[str]
    min_delay_ms: Mapped[int] = mapped_column(server_default=text("0"))
    hourly_limit: Mapped[int | None]
    doubt_policy: Mapped[str] = mapped_column(server_default=text("'hold'"))
    # After its scheduled time an email that is still refused "for now" is given up.
    expires_after_hours: Mapped[int] = mapped_column(server_default=text("72"))
    state: Mapped[str] = mapped_column(server_default=text("'draft'"))
    # Kept by a trigger on email_jobs, so that no statement can forget them.
    total: Mapped[int] = mapped_column(server_default=text("0"))
    sent: Mapped[int] = mapped_column(server_default=text("0"))
    failed: Mapped[int] = mapped_column(server_default=text("0"))
    cancelled: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    launched_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class CampaignAttachment(Base):
    """A file that goes with each of a campaign's emails."""

    __tablename__ = "campaign_attachments"
    __table_args__ = (
        UniqueConstraint("campaign_id", "position"),
        UniqueConstraint("campaign_id", "content_id"),
    )

    id: Mapped[Id]
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"))
    position: Mapped[int]
    file_name: Mapped[str]
    content_type: Mapped[str]
    content: Mapped[bytes]
    content_id: Mapped[str | None]  # None: an attachment; else an image that the HTML shows
    created_at: Mapped[CreatedAt]


class Email(Base):
    """The content for one recipient. A campaign's emails take subject and body from it."""

    __tablename__ = "emails"
    __table_args__ = (
        Index(
            "uq_emails_campaign_id_address_key",
            "campaign_id",
            "address_key",
            unique=True,
            postgresql_where=text("campaign_id IS NOT NULL"),
        ),
        Index("ix_emails_campaign_id_id", "campaign_id", "id"),
        CheckConstraint("campaign_id IS NOT NULL OR subject IS NOT NULL", name="has_subject"),
    )

    id: Mapped[Id]
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    campaign_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("campaigns.id"))
    sender_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("senders.id"))
    address: Mapped[str]
    address_key: Mapped[str]  # lower case: what duplicates and suppressions are compared by
    name: Mapped[str | None]
    fields: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"))
    line: Mapped[int | None]  # of the uploaded file
    subject: Mapped[str | None]
    text_body: Mapped[str | None]
    html_body: Mapped[str | None]
    message_id: Mapped[str]  # the same for every attempt
    created_at: Mapped[CreatedAt]


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
        Index(
            "ix_email_jobs_not_sent",
            "owner_id",
            "updated_at",
            "email_id",
            postgresql_where=text(in_list("state", NOT_SENT)),
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
    """Evidence: one row per attempt, added to and never overwritten once definite."""

    __tablename__ = "attempts"
    __table_args__ = (
        CheckConstraint(
            "outcome IN ('sending', 'sent', 'rejected', 'not_sent', 'fenced', 'in_doubt')",
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

    email_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("emails.id", ondelete="CASCADE"), primary_key=True
    )
    attempt: Mapped[int] = mapped_column(primary_key=True)
    sender_id: Mapped[uuid.UUID]
    campaign_id: Mapped[uuid.UUID | None]
    worker_run: Mapped[uuid.UUID]
    outcome: Mapped[str]
    phase: Mapped[str | None]  # where in the SMTP dialogue it ended
    reply_code: Mapped[int | None]
    reply_enhanced: Mapped[str | None]
    reply_text: Mapped[str | None]
    dot_at: Mapped[datetime | None]  # the write-ahead: what hourly limits are rebuilt from
    ended_at: Mapped[datetime | None]


class Suppression(Base):
    """An address that this owner must not be able to mail."""

    __tablename__ = "suppressions"

    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    address_key: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    created_at: Mapped[CreatedAt]


class IdempotencyKey(Base):
    """A write that was answered already, and the answer, for a client that asks again."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)

    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes]
    status: Mapped[int | None]  # None while the first request is still at work
    body: Mapped[bytes | None]
    created_at: Mapped[CreatedAt]


class AuditEntry(Base):
    """Who did what, when."""

    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_owner_id_id", "owner_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger(), Identity(always=True), primary_key=True)
    owner_id: Mapped[uuid.UUID]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"))
    at: Mapped[CreatedAt]


class WebhookEndpoint(Base):
    """Where an owner wants to be told of outcomes."""

    __tablename__ = "webhook_endpoints"

    id: Mapped[Id]
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), index=True)
    url: Mapped[str]
    secret: Mapped[bytes]  # AES-GCM, bound to this row
    events: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    created_at: Mapped[CreatedAt]
    disabled_at: Mapped[datetime | None]


class InboxMessage(Base):
    """A message that the dev inbox caught."""

    __tablename__ = "inbox_messages"

    id: Mapped[Id]
    received_at: Mapped[CreatedAt]
    mail_from: Mapped[str]
    rcpt_to: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    subject: Mapped[str]
    message_id: Mapped[str | None]
    raw: Mapped[bytes]
