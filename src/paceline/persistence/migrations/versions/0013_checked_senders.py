"""How a sender's last check ended, that it was deleted, and by what its access is renewed.

Revision: 0013
Follows: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

EFFECT = Effect(locks={"senders": Lock.ACCESS_EXCLUSIVE})


def upgrade() -> None:
    op.add_column("senders", sa.Column("last_check", postgresql.JSONB(), nullable=True))
    op.add_column("senders", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("senders", sa.Column("smtp_grant", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    for column in ("last_check", "deleted_at", "smtp_grant"):
        op.drop_column("senders", column)
