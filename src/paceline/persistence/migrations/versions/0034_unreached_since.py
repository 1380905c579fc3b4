"""Since when a sender's server cannot be reached.

Revision: 0034
Follows: 0033
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

EFFECT = Effect(locks={"senders": Lock.ACCESS_EXCLUSIVE})


def upgrade() -> None:
    since = sa.Column("unreached_since", sa.DateTime(timezone=True), nullable=True)
    op.add_column("senders", since)


def downgrade() -> None:
    op.drop_column("senders", "unreached_since")
