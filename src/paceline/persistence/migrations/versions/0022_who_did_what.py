"""The audit log says from where, and by which user; invitations can be listed; people were seen,
and choose their notices.

Revision: 0022
Follows: 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

EFFECT = Effect(
    locks={
        "audit_log": Lock.ACCESS_EXCLUSIVE,
        "sign_in_links": Lock.ACCESS_EXCLUSIVE,
        "users": Lock.ACCESS_EXCLUSIVE,
    },
    reads=("sign_in_links",),
)


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    # A sign-in that was refused may be nobody's.
    op.alter_column("audit_log", "owner_id", nullable=True)
    op.add_column("audit_log", sa.Column("actor_id", sa.Uuid(), nullable=True))
    op.add_column("audit_log", sa.Column("address", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("seen_at", instant, nullable=True))
    names = postgresql.ARRAY(sa.Text())
    none = sa.text("'{}'")
    op.add_column("users", sa.Column("notices", names, server_default=none, nullable=False))
    op.add_column("sign_in_links", sa.Column("handle", sa.Uuid(), nullable=True))
    op.create_index("ix_sign_in_links_handle", "sign_in_links", ["handle"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_sign_in_links_handle", table_name="sign_in_links")
    op.drop_column("sign_in_links", "handle")
    op.drop_column("users", "notices")
    op.drop_column("users", "seen_at")
    op.drop_column("audit_log", "address")
    op.drop_column("audit_log", "actor_id")
    op.execute("DELETE FROM audit_log WHERE owner_id IS NULL")
    op.alter_column("audit_log", "owner_id", nullable=False)
