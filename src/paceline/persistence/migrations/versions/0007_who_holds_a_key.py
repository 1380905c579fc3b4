"""Who is at work under an idempotency key, and the headers of its answer. Expands only.

Revision: 0007
Follows: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

EFFECT = Effect(locks={"idempotency_keys": Lock.ACCESS_EXCLUSIVE})

TABLE = "idempotency_keys"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("reserved_id", sa.Uuid(), nullable=True))
    op.add_column(TABLE, sa.Column("holder", sa.BigInteger(), nullable=True))
    op.add_column(TABLE, sa.Column("headers", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    for column in ("headers", "holder", "reserved_id"):
        op.drop_column(TABLE, column)
