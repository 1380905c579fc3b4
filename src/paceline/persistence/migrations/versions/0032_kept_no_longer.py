"""What is kept no longer: how far that was looked for, and what of an email was removed when.

Autovacuum as the churn wants it. An email's job is written four times, so that a fifth of the
table's rows, PostgreSQL's own rule, are two million dead rows in a table of ten million; rows that
are written every second are few, and are vacuumed by their number instead.

Revision: 0032
Follows: 0030
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0032"
down_revision = "0030"
branch_labels = None
depends_on = None

EFFECT = Effect(locks={"email_jobs": Lock.ACCESS_EXCLUSIVE})

TABLE = "retention_walk"
_REMOVED = ("content_removed_at", "attempts_removed_at")

_MANY = {
    "autovacuum_vacuum_scale_factor": "0.02",
    "autovacuum_vacuum_threshold": "10000",
    "autovacuum_vacuum_insert_scale_factor": "0.05",
    "autovacuum_analyze_scale_factor": "0.02",
    "autovacuum_vacuum_cost_limit": "1000",
}
_FEW = {
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "500",
    "autovacuum_analyze_scale_factor": "0.1",
}
_STORED = {
    **dict.fromkeys(("email_jobs", "emails", "attempts"), _MANY),
    **dict.fromkeys(("campaigns", "lanes", "senders", "installation"), _FEW),
}


def upgrade() -> None:
    for name in _REMOVED:
        op.add_column("email_jobs", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        TABLE,
        sa.Column("singleton", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("reached", sa.Uuid(), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("singleton", name=op.f(f"pk_{TABLE}")),
        sa.CheckConstraint("singleton", name=op.f(f"ck_{TABLE}_singleton")),
    )
    op.execute(f"INSERT INTO {TABLE} DEFAULT VALUES")
    for table, settings in _STORED.items():
        said = ", ".join(f"{name} = {value}" for name, value in settings.items())
        op.execute(f"ALTER TABLE {table} SET ({said})")


def downgrade() -> None:
    for table, settings in _STORED.items():
        op.execute(f"ALTER TABLE {table} RESET ({', '.join(settings)})")
    op.drop_table(TABLE)
    for name in reversed(_REMOVED):
        op.drop_column("email_jobs", name)
