"""What is kept besides: suppressions, answers given, the audit log, webhooks, caught mail."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    Identity,
    Index,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from paceline.persistence.searching import OF_SUPPRESSION
from paceline.persistence.tables import Base, CreatedAt, Id


class SecretKey(Base):
    """Which key secrets are sealed with, told by its fingerprint: one row, once it is known."""

    __tablename__ = "secret_key"
    __table_args__ = (CheckConstraint("singleton", name="singleton"),)

    singleton: Mapped[bool] = mapped_column(primary_key=True, server_default=true())
    fingerprint: Mapped[bytes]
    noted_at: Mapped[CreatedAt]


class Installation(Base):
    """How far this database has come: one row. `beat` only grows, unless the database goes back.

    `held_from` is set while what may have been sent since then, and was due by `held_until`, is
    being held.
    """

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("singleton", name="singleton"),)

    singleton: Mapped[bool] = mapped_column(primary_key=True, server_default=true())
    id: Mapped[uuid.UUID] = mapped_column(server_default=text("gen_random_uuid()"))
    beat: Mapped[int] = mapped_column(BigInteger(), server_default=text("0"))
    beat_at: Mapped[CreatedAt]
    held_from: Mapped[datetime | None]
    held_until: Mapped[datetime | None]  # None also before the first piece


class RetentionWalk(Base):
    """How far the emails were walked for what is kept no longer: one row, which is its lock."""

    __tablename__ = "retention_walk"
    __table_args__ = (CheckConstraint("singleton", name="singleton"),)

    singleton: Mapped[bool] = mapped_column(primary_key=True, server_default=true())
    reached: Mapped[uuid.UUID | None]  # the last email that was looked at; None: it is over
    began_at: Mapped[datetime | None]


class Suppression(Base):
    """An address that this owner must not be able to mail, and why.

    After a hard bounce `email_id` and `reply` are the email's that bounced, which may be gone.
    """

    __tablename__ = "suppressions"
    __table_args__ = (Index("ix_suppressions_search", "search", postgresql_using="gin"),)

    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    address_key: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    created_at: Mapped[CreatedAt]
    note: Mapped[str | None]
    added_by: Mapped[str | None]  # who, in words; None: Paceline itself
    reply: Mapped[str | None]
    email_id: Mapped[uuid.UUID | None]
    search: Mapped[str | None] = mapped_column(TSVECTOR(), Computed(OF_SUPPRESSION, persisted=True))


class WipedSuppression(Base):
    """Who must not be mailed, and was wiped: a hash of the owner and the address."""

    __tablename__ = "wiped_suppressions"

    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    address_hash: Mapped[bytes] = mapped_column(primary_key=True)
    reason: Mapped[str]
    created_at: Mapped[CreatedAt]


class IdempotencyKey(Base):
    """A write that was answered already, and the answer, for a client that asks again.

    While it is at work, `holder` is the sign of life (`persistence/presence.py`) of its process;
    None: nobody is at it, and whoever asks next carries it out under `reserved_id`.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)

    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes]
    status: Mapped[int | None]  # None until it is answered
    body: Mapped[bytes | None]
    headers: Mapped[dict[str, object] | None]
    reserved_id: Mapped[uuid.UUID | None]
    holder: Mapped[int | None] = mapped_column(BigInteger())
    created_at: Mapped[CreatedAt]


class AuditEntry(Base):
    """Who did what, when, from where. `owner_id`: whose account it is about; None: nobody's."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_owner_id_id", "owner_id", "id"),
        Index("ix_audit_log_about", text("(detail ->> 'id')"), "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger(), Identity(always=True), primary_key=True)
    owner_id: Mapped[uuid.UUID | None]
    actor: Mapped[str]
    actor_id: Mapped[uuid.UUID | None]  # the user, where it was one
    address: Mapped[str | None]
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
