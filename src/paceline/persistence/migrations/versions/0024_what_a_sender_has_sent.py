"""What one sender has sent, in order.

The index is built in about a second per million emails that were sent. Meanwhile what is sent waits
to be recorded; everything is read as ever.

Revision: 0024
Follows: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0024"
down_revision = "0020"
branch_labels = None
depends_on = None

EFFECT = Effect(locks={"email_jobs": Lock.SHARE}, reads=("email_jobs",))

NAME = "ix_email_jobs_sent_by_sender"


def upgrade() -> None:
    op.create_index(
        NAME,
        "email_jobs",
        ["sender_id", "sent_at", "email_id"],
        postgresql_where=sa.text("state = 'sent'"),
    )


def downgrade() -> None:
    op.drop_index(NAME, table_name="email_jobs")
