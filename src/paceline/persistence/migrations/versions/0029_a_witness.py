"""How far this database has come, so that one that has gone back is known for it.

`beat` only ever grows while the database goes on; who has seen a greater one sees a database that
was rolled back. `held_from` is set while what may have been sent since is being held,
and was due by `held_until`.

Its id is the first user's, where there is one: a backup of before that is restored and migrated
again is the installation that witnesses know.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import Effect

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

EFFECT = Effect()

TABLE = "installation"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("singleton", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("beat", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "beat_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("held_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("singleton", name=op.f(f"pk_{TABLE}")),
        sa.CheckConstraint("singleton", name=op.f(f"ck_{TABLE}_singleton")),
    )
    op.execute(
        f"INSERT INTO {TABLE} (id) SELECT coalesce("  # noqa: S608 - a name of ours
        "(SELECT id FROM users ORDER BY created_at, id LIMIT 1), gen_random_uuid())"
    )


def downgrade() -> None:
    op.drop_table(TABLE)
