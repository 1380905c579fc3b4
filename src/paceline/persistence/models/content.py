"""What is sent, and as whom: senders, campaigns with their files, emails. Written once."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from paceline.domain.lifecycle import (
    CampaignState,
    DoubtPolicy,
    SenderState,
)
from paceline.persistence.tables import Base, CreatedAt, Id, one_of


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
    # How the account as it is now was last tried: see `services.sender_checks`.
    last_check: Mapped[dict[str, object] | None] = mapped_column(JSONB(none_as_null=True))
    deleted_at: Mapped[datetime | None]  # nothing but its name is left of it
    # What access tokens are renewed by: AES-GCM, bound to this row
    smtp_grant: Mapped[bytes | None]
    # Counted by a trigger whenever server or log-in are others.
    account_version: Mapped[int] = mapped_column(server_default=text("1"))
    # Every try since then met nobody, or none that speaks SMTP.
    unreached_since: Mapped[datetime | None]


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
        Index(
            "ix_campaigns_discarded",
            "owner_id",
            "id",
            postgresql_where=text("discarded_at IS NOT NULL"),
        ),
        Index("ix_campaigns_moving", "id", postgresql_where=text("moving_to IS NOT NULL")),
        Index(
            "ix_campaigns_cancelled",
            "finished_at",
            postgresql_where=text("state = 'cancelled'"),
        ),
        Index(
            "ix_campaigns_completed",
            "owner_id",
            "finished_at",
            postgresql_where=text("state = 'completed'"),
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
    moving_to: Mapped[datetime | None]  # nothing is claimed until its emails are due at this start
    discarded_at: Mapped[datetime | None]  # thrown away: for nobody to see, and soon gone
    search: Mapped[str | None] = mapped_column(TSVECTOR())  # what its subject says to everybody
    # Of a message that is being written: in no list of campaigns, and no count of them.
    is_test: Mapped[bool] = mapped_column(server_default=text("false"))

    __mapper_args__ = {"eager_defaults": False}  # noqa: RUF012 - SQLAlchemy's own name


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
        Index("ix_emails_search", "search", postgresql_using="gin"),
        # Those of campaigns are found by the unique index above.
        Index(
            "ix_emails_single_address",
            "owner_id",
            "address_key",
            "id",
            postgresql_where=text("campaign_id IS NULL"),
        ),
        CheckConstraint("campaign_id IS NOT NULL OR subject IS NOT NULL", name="has_subject"),
    )

    id: Mapped[Id]
    # Its campaign's, or as they were just read: a look-up per email and table would be a fifth of
    # the time that an import takes.
    owner_id: Mapped[uuid.UUID]
    sender_id: Mapped[uuid.UUID]
    campaign_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("campaigns.id"))
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
    # Words of its address, its name, its subject and what its campaign's subject takes from its
    # fields: see `searching`.
    search: Mapped[str | None] = mapped_column(TSVECTOR())
    edition: Mapped[int | None]  # how often it was changed; on its job, too: see sql/claim.sql

    __mapper_args__ = {"eager_defaults": False}  # noqa: RUF012 - SQLAlchemy's own name
