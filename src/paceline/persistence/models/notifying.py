"""Who wants to be told of what, what was told of, and the messages that tell it."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from paceline.domain.notifications import Channel, Kind
from paceline.persistence.tables import Base, CreatedAt, Id, one_of


class NotificationSettings(Base):
    """What an owner is told of, and by which ways. `since`: what was before is told no more."""

    __tablename__ = "notification_settings"
    __table_args__ = (
        CheckConstraint("(email_to IS NULL) = (email_sender_id IS NULL)", name="email"),
    )

    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    hook_url: Mapped[bytes | None]  # AES-GCM, bound to this row
    email_to: Mapped[str | None]
    email_sender_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("senders.id"))
    kinds: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default=text("'{}'"))
    since: Mapped[CreatedAt]


class Notification(Base):
    """One occurrence that was found, so that nobody is told of it again."""

    __tablename__ = "notifications"
    __table_args__ = (
        one_of("kind", Kind),
        Index("ix_notifications_found_at", "found_at"),
    )

    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    about: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # a sender, a campaign, the owner
    occurrence: Mapped[str] = mapped_column(primary_key=True)
    found_at: Mapped[CreatedAt]


class NotificationMessage(Base):
    """What one owner is told by one way, until it was told or given up."""

    __tablename__ = "notification_messages"
    __table_args__ = (
        one_of("channel", Channel),
        CheckConstraint("tries >= 0", name="tries"),
        Index(
            "ix_notification_messages_open",
            "next_try_at",
            postgresql_where=text("told_at IS NULL AND given_up_at IS NULL"),
        ),
        Index("ix_notification_messages_owner_id_created_at", "owner_id", "created_at"),
        Index("ix_notification_messages_created_at", "created_at"),
    )

    id: Mapped[Id]
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    channel: Mapped[str]
    body: Mapped[str]
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    next_try_at: Mapped[CreatedAt]
    told_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    created_at: Mapped[CreatedAt]
