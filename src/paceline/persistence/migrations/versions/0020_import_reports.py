"""What became of each row of a list stays with its campaign.

Revision: 0020
Follows: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

EFFECT = Effect(locks={"campaigns": Lock.SHARE_ROW_EXCLUSIVE})

TABLE = "import_reports"
COUNTS = ("rows", "accepted", "duplicates", "suppressed", "refused", "left_out")


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTS),
        sa.Column("kept", JSONB(), nullable=False),
        sa.Column("created_at", instant, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f(f"fk_{TABLE}_campaign_id"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(f"ix_{TABLE}_campaign_id", TABLE, ["campaign_id"])


def downgrade() -> None:
    op.drop_table(TABLE)
