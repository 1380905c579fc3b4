"""What was done to one campaign, for the stories of its emails: found by what an act is about.

Revision: 0027
Follows: 0025
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0027"
down_revision = "0025"
branch_labels = None
depends_on = None

EFFECT = Effect(locks={"audit_log": Lock.SHARE}, reads=("audit_log",))

NAME = "ix_audit_log_about"


def upgrade() -> None:
    op.create_index(NAME, "audit_log", [sa.text("(detail ->> 'id')"), "id"])


def downgrade() -> None:
    op.drop_index(NAME, table_name="audit_log")
