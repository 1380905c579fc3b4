"""Users choose a time zone and a theme.

Revision: 0017
Follows: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

EFFECT = Effect(locks={"users": Lock.ACCESS_EXCLUSIVE}, reads=("users",))


def upgrade() -> None:
    op.add_column("users", sa.Column("time_zone", sa.Text(), nullable=True))
    theme = sa.Column("theme", sa.Text(), nullable=False, server_default=sa.text("'system'"))
    op.add_column("users", theme)
    op.create_check_constraint(
        op.f("ck_users_theme"), "users", "theme IN ('dark', 'light', 'system')"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_users_theme"), "users")
    op.drop_column("users", "theme")
    op.drop_column("users", "time_zone")
