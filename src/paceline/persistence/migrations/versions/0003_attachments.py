"""Attachments and inline images of campaigns. Expands only: older code goes on beside it.

Revision: 0003
Follows: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

EFFECT = Effect(locks={"campaigns": Lock.SHARE_ROW_EXCLUSIVE})

TABLE = "campaign_attachments"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("content_id", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f(f"fk_{TABLE}_campaign_id"),
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint(
            "campaign_id", "position", name=op.f(f"uq_{TABLE}_campaign_id_position")
        ),
        sa.UniqueConstraint(
            "campaign_id", "content_id", name=op.f(f"uq_{TABLE}_campaign_id_content_id")
        ),
    )


def downgrade() -> None:
    op.drop_table(TABLE)
