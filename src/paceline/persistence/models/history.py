"""What is kept about emails beside the evidence: decisions, and what was said on the wire."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Identity, text
from sqlalchemy.orm import Mapped, mapped_column

from paceline.domain.decisions import Decision
from paceline.persistence.tables import Base, one_of


class EmailDecision(Base):
    """What was decided about one email, and by whom; `decided_by` NULL: a rule, named in `detail`.

    What is decided about a whole campaign is not noted at each of its emails.
    """

    __tablename__ = "email_decisions"
    __table_args__ = (one_of("what", Decision),)

    email_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("emails.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[int] = mapped_column(BigInteger(), Identity(always=True), primary_key=True)
    what: Mapped[str]
    decided_by: Mapped[str | None]  # in words
    detail: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"))
    at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class AttemptDialogue(Base):
    """What was said during an attempt that came to nothing, without secrets and message."""

    __tablename__ = "attempt_dialogues"
    __table_args__ = (
        ForeignKeyConstraint(
            ["email_id", "attempt"],
            ["attempts.email_id", "attempts.attempt"],
            ondelete="CASCADE",
        ),
    )

    email_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    said: Mapped[str]
