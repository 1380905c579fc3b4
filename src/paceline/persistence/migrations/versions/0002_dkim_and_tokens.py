"""DKIM keys and access tokens of senders. Expands only: older code goes on beside it.

Revision: 0002
Follows: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

EFFECT = Effect(locks={"senders": Lock.ACCESS_EXCLUSIVE}, reads=("senders",))

_COLUMNS = (
    sa.Column("smtp_auth", sa.Text(), server_default=sa.text("'password'"), nullable=False),
    sa.Column("dkim_selector", sa.Text(), nullable=True),
    sa.Column("dkim_domain", sa.Text(), nullable=True),
    sa.Column("dkim_algorithm", sa.Text(), nullable=True),
    sa.Column("dkim_key", sa.LargeBinary(), nullable=True),
)
_CHECKS = {
    "ck_senders_smtp_auth": "smtp_auth IN ('password', 'xoauth2')",
    "ck_senders_dkim_algorithm": "dkim_algorithm IN ('ed25519', 'rsa')",
    "ck_senders_dkim": (
        "num_nonnulls(dkim_selector, dkim_domain, dkim_algorithm, dkim_key) IN (0, 4)"
    ),
}


def upgrade() -> None:
    for column in _COLUMNS:
        op.add_column("senders", column)
    for name, condition in _CHECKS.items():
        op.create_check_constraint(op.f(name), "senders", condition)


def downgrade() -> None:
    for name in _CHECKS:
        op.drop_constraint(op.f(name), "senders", type_="check")
    for column in reversed(_COLUMNS):
        op.drop_column("senders", column.name)
