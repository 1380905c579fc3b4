"""Remember which secret key this installation's secrets are sealed with, by its fingerprint.

A process with another key is stopped at its start: it would seal what nobody else can open.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import Effect

revision = "0026"
down_revision = "0022"
branch_labels = None
depends_on = None

EFFECT = Effect()

TABLE = "secret_key"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("singleton", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column(
            "noted_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("singleton", name=op.f(f"pk_{TABLE}")),
        sa.CheckConstraint("singleton", name=op.f(f"ck_{TABLE}_singleton")),
    )


def downgrade() -> None:
    op.drop_table(TABLE)
