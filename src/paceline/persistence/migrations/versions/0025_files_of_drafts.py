"""A draft keeps the files that are to go along.

Revision: 0025
Follows: 0026
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0025"
down_revision = "0026"
branch_labels = None
depends_on = None

EFFECT = Effect(locks={"drafts": Lock.SHARE_ROW_EXCLUSIVE})

TABLE = "draft_attachments"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("draft_id", sa.Uuid(), nullable=False),
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
            ["draft_id"], ["drafts.id"], name=op.f(f"fk_{TABLE}_draft_id"), ondelete="CASCADE"
        ),
        sa.UniqueConstraint("draft_id", "position", name=op.f(f"uq_{TABLE}_draft_id_position")),
        sa.UniqueConstraint("draft_id", "content_id", name=op.f(f"uq_{TABLE}_draft_id_content_id")),
    )


def downgrade() -> None:
    op.drop_table(TABLE)
