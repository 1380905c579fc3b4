"""Suppressions say why: which email and reply, who and with what note; and can be searched.

Revision: 0015
Follows: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

EFFECT = Effect(
    locks={"suppressions": Lock.ACCESS_EXCLUSIVE},
    rewrites=("suppressions",),
    reads=("suppressions",),
)

_WORDS = "searched(owner_id, address_key)"


def upgrade() -> None:
    for name in ("note", "added_by", "reply"):
        op.add_column("suppressions", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("suppressions", sa.Column("email_id", sa.Uuid(), nullable=True))
    words = sa.Computed(_WORDS, persisted=True)
    op.add_column("suppressions", sa.Column("search", postgresql.TSVECTOR(), words, nullable=True))
    op.create_index("ix_suppressions_search", "suppressions", ["search"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_index("ix_suppressions_search", table_name="suppressions")
    for name in ("search", "email_id", "reply", "added_by", "note"):
        op.drop_column("suppressions", name)
