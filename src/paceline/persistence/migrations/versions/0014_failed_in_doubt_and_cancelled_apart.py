"""Failed, in doubt and cancelled are lists of their own: one index keeps each in order.

Revision: 0014
Follows: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

EFFECT = Effect(locks={"email_jobs": Lock.ACCESS_EXCLUSIVE}, reads=("email_jobs",))

_INDEX = "ix_email_jobs_not_sent"
_NOT_SENT = sa.text("state IN ('cancelled', 'failed', 'in_doubt')")


def upgrade() -> None:
    op.drop_index(_INDEX, table_name="email_jobs")
    op.create_index(
        _INDEX,
        "email_jobs",
        ["owner_id", "state", "updated_at", "email_id"],
        postgresql_include=["failure_reason", "reply_code", "reply_enhanced"],
        postgresql_where=_NOT_SENT,
    )


def downgrade() -> None:
    op.drop_index(_INDEX, table_name="email_jobs")
    op.create_index(
        _INDEX,
        "email_jobs",
        ["owner_id", "updated_at", "email_id"],
        postgresql_where=_NOT_SENT,
    )
