"""An index on cancelled campaigns by their end: the keeper looks after those of late.

Revision: 0006
Follows: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

EFFECT = Effect(locks={"campaigns": Lock.SHARE}, reads=("campaigns",))


def upgrade() -> None:
    op.create_index(
        "ix_campaigns_cancelled",
        "campaigns",
        ["finished_at"],
        postgresql_where=sa.text("state = 'cancelled'"),
    )


def downgrade() -> None:
    op.drop_index("ix_campaigns_cancelled", table_name="campaigns")
