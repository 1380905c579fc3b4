"""The start to which a large campaign is being moved: nothing of it goes meanwhile.

Revision: 0011
Follows: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

EFFECT = Effect(locks={"campaigns": Lock.ACCESS_EXCLUSIVE}, reads=("campaigns",))


def upgrade() -> None:
    moving_to = sa.Column("moving_to", sa.DateTime(timezone=True), nullable=True)
    op.add_column("campaigns", moving_to)
    op.create_index(
        "ix_campaigns_moving",
        "campaigns",
        ["id"],
        postgresql_where=sa.text("moving_to IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_campaigns_moving", table_name="campaigns")
    op.drop_column("campaigns", "moving_to")
