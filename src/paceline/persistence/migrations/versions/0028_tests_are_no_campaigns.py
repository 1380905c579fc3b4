"""Tell a test of a message from a campaign: it is in no list of campaigns, and in no count of them.

Those that were sent before are told by the name and the subject that the page gave them.

Revision: 0028
Follows: 0027
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

EFFECT = Effect(locks={"campaigns": Lock.ACCESS_EXCLUSIVE}, backfills=("campaigns",))


def upgrade() -> None:
    # A default that is no expression: no row is written.
    op.add_column(
        "campaigns",
        sa.Column("is_test", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.execute(
        "UPDATE campaigns SET is_test = true WHERE total = 1 AND name LIKE 'Test: %'"
        " AND subject LIKE '[Test] %'"
    )


def downgrade() -> None:
    op.drop_column("campaigns", "is_test")
