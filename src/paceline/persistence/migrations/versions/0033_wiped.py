"""Who must not be mailed, and was wiped: a hash of the address is all that is kept.

Revision: 0033
Follows: 0032
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

EFFECT = Effect(locks={"users": Lock.SHARE_ROW_EXCLUSIVE})

TABLE = "wiped_suppressions"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("owner_id", "address_hash", name=op.f(f"pk_{TABLE}")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f(f"fk_{TABLE}_owner_id")),
    )


def downgrade() -> None:
    op.drop_table(TABLE)
