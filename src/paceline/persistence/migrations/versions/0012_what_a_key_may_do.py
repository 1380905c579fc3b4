"""API keys have a scope and may have an end. Those that are there keep all rights, for ever.

Revision: 0012
Follows: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

EFFECT = Effect(locks={"api_keys": Lock.ACCESS_EXCLUSIVE}, reads=("api_keys",))


def upgrade() -> None:
    everything = sa.text("'admin'")
    op.add_column(
        "api_keys", sa.Column("scope", sa.Text(), nullable=False, server_default=everything)
    )
    op.add_column("api_keys", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_api_keys_scope"), "api_keys", "scope IN ('admin', 'read', 'send')"
    )


def downgrade() -> None:
    # A key that may do less, or not for ever, must not come out of it as one that may do all.
    op.execute("DELETE FROM api_keys WHERE scope <> 'admin' OR expires_at IS NOT NULL")
    op.drop_constraint(op.f("ck_api_keys_scope"), "api_keys")
    op.drop_column("api_keys", "expires_at")
    op.drop_column("api_keys", "scope")
