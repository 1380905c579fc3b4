"""Failed emails can be retried: a row of evidence says so, and an index finds them by reason.

Revision: 0009
Follows: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

EFFECT = Effect(
    locks={"attempts": Lock.ACCESS_EXCLUSIVE, "email_jobs": Lock.SHARE},
    reads=("attempts", "email_jobs"),
)

_CHECK = "ck_attempts_outcome"
_BEFORE = "'sending', 'sent', 'rejected', 'not_sent', 'fenced', 'in_doubt'"


def upgrade() -> None:
    op.execute(f"ALTER TABLE attempts DROP CONSTRAINT {_CHECK}")
    op.execute(
        f"ALTER TABLE attempts ADD CONSTRAINT {_CHECK} CHECK (outcome IN ({_BEFORE}, 'retried'))"
    )
    op.create_index(
        "ix_email_jobs_failed",
        "email_jobs",
        ["campaign_id", "email_id"],
        postgresql_include=["failure_reason", "reply_code", "reply_enhanced"],
        postgresql_where=sa.text("state = 'failed'"),
    )


def downgrade() -> None:
    op.drop_index("ix_email_jobs_failed", table_name="email_jobs")
    op.execute("DELETE FROM attempts WHERE outcome = 'retried'")
    op.execute(f"ALTER TABLE attempts DROP CONSTRAINT {_CHECK}")
    op.execute(f"ALTER TABLE attempts ADD CONSTRAINT {_CHECK} CHECK (outcome IN ({_BEFORE}))")
