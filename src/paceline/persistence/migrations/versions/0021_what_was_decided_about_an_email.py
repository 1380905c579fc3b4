"""What people decide about single emails, and what was said where an attempt came to nothing.

An email can be changed while it waits: its edition, NULL until then, stands on its content and on
its job, so that a claim that read the old content is told (sql/claim.sql). Nothing is rewritten.

Revision: 0021
Follows: 0024
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0021"
down_revision = "0024"
branch_labels = None
depends_on = None

EFFECT = Effect(
    locks={
        "attempts": Lock.SHARE_ROW_EXCLUSIVE,
        "email_jobs": Lock.ACCESS_EXCLUSIVE,
        "emails": Lock.ACCESS_EXCLUSIVE,
    }
)

_WHAT = "what IN ('cancelled', 'changed', 'marked_sent', 'moved', 'retried', 'sent_again')"
_EDITED = ("emails", "email_jobs")


def upgrade() -> None:
    for table in _EDITED:
        op.add_column(table, sa.Column("edition", sa.Integer(), nullable=True))
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "email_decisions",
        sa.Column("email_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("detail", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("at", instant, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("email_id", "id", name=op.f("pk_email_decisions")),
        sa.ForeignKeyConstraint(
            ["email_id"],
            ["emails.id"],
            name=op.f("fk_email_decisions_email_id"),
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(_WHAT, name=op.f("ck_email_decisions_what")),
    )
    op.create_table(
        "attempt_dialogues",
        sa.Column("email_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("email_id", "attempt", name=op.f("pk_attempt_dialogues")),
        sa.ForeignKeyConstraint(
            ["email_id", "attempt"],
            ["attempts.email_id", "attempts.attempt"],
            name=op.f("fk_attempt_dialogues_email_id"),
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    op.drop_table("attempt_dialogues")
    op.drop_table("email_decisions")
    for table in _EDITED:
        op.drop_column(table, "edition")
