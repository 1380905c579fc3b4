"""Drafts that were thrown away: nobody sees them any more, and they are removed in pieces.

Revision: 0010
Follows: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

EFFECT = Effect(locks={"campaigns": Lock.ACCESS_EXCLUSIVE}, reads=("campaigns",))


def upgrade() -> None:
    gone = sa.Column("discarded_at", sa.DateTime(timezone=True), nullable=True)
    op.add_column("campaigns", gone)
    op.create_index(
        "ix_campaigns_discarded",
        "campaigns",
        ["owner_id", "id"],
        postgresql_where=sa.text("discarded_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_campaigns_discarded", table_name="campaigns")
    op.drop_column("campaigns", "discarded_at")
