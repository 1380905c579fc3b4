"""What is being written and was not scheduled yet: as it was typed, sense or nonsense."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from paceline.persistence.tables import Base, CreatedAt, Id


class Draft(Base):
    """The fields of a compose page. None of them is checked before it is scheduled."""

    __tablename__ = "drafts"
    __table_args__ = (
        CheckConstraint(
            "num_nonnulls(list_id, list_name, list_octets) IN (0, 3)", name="list_of_recipients"
        ),
        Index("ix_drafts_owner_id_updated_at", "owner_id", "updated_at"),
        Index("ix_drafts_campaign_id", "campaign_id"),
    )

    id: Mapped[Id]
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    saved_by: Mapped[str]  # the page that saved last: its own lost answer is no conflict
    saved_turn: Mapped[int] = mapped_column(server_default=text("0"))
    name: Mapped[str]
    sender_id: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str]
    format: Mapped[str]
    when: Mapped[str]
    start: Mapped[str]
    time_zone: Mapped[str]
    min_delay: Mapped[str]
    hourly_limit: Mapped[str]
    encoding: Mapped[str]
    header_line: Mapped[str]
    address_column: Mapped[str]
    opt_out_column: Mapped[str]
    opt_in_column: Mapped[str]
    opted_out: Mapped[str]
    # Another id with each upload: what was read of one file is never taken for another's.
    list_id: Mapped[uuid.UUID | None]
    list_name: Mapped[str | None]
    list_octets: Mapped[int | None]
    campaign_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("campaigns.id", ondelete="SET NULL")
    )
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    deleted_at: Mapped[datetime | None]  # thrown away, and still to be had back


class DraftListPiece(Base):
    """A piece of a draft's list of recipients, as it was uploaded."""

    __tablename__ = "draft_list_pieces"

    draft_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("drafts.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes]


class DraftAttachment(Base):
    """A file that is to go along: what becomes a campaign's (`CampaignAttachment`)."""

    __tablename__ = "draft_attachments"
    __table_args__ = (
        UniqueConstraint("draft_id", "position"),
        UniqueConstraint("draft_id", "content_id"),
    )

    id: Mapped[Id]
    draft_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("drafts.id", ondelete="CASCADE"))
    position: Mapped[int]
    file_name: Mapped[str]
    content_type: Mapped[str]
    content: Mapped[bytes]
    content_id: Mapped[str | None]
    created_at: Mapped[CreatedAt]
