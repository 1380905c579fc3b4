"""What became of a list that was imported."""

from __future__ import annotations

import uuid

from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from paceline.persistence.tables import Base, CreatedAt, Id


class ImportedList(Base):
    """One file of recipients: rows = accepted + duplicates + suppressed + refused + left_out."""

    __tablename__ = "import_reports"
    __table_args__ = (Index("ix_import_reports_campaign_id", "campaign_id"),)

    id: Mapped[Id]
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"))
    rows: Mapped[int]
    accepted: Mapped[int]
    duplicates: Mapped[int]
    suppressed: Mapped[int]
    refused: Mapped[int]
    left_out: Mapped[int]
    # The refused rows, and the first of those left out: [line, what stood there, why].
    kept: Mapped[list[list[object]]] = mapped_column(JSONB())
    created_at: Mapped[CreatedAt]
