"""Which account an attempt went through, and in which hour it was booked.

An email that is in doubt may be sent once more where its server drops a second copy: by the account
that the first one went through, and no other. `senders.account_version` tells accounts apart. A
trigger counts it, so that no writer can forget to.

Revision: 0030
Follows: 0031
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0030"
down_revision = "0031"
branch_labels = None
depends_on = None

EFFECT = Effect(locks={"attempts": Lock.ACCESS_EXCLUSIVE, "senders": Lock.ACCESS_EXCLUSIVE})

# With some providers the password alone tells whose account it is.
_ACCOUNT = "smtp_host, smtp_port, smtp_security, smtp_auth, smtp_username, smtp_password"
_OLD, _NEW = (
    ", ".join(f"{row}.{column}" for column in _ACCOUNT.split(", ")) for row in ("OLD", "NEW")
)
_COUNT = """
CREATE FUNCTION count_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.account_version := OLD.account_version + 1;
    RETURN NEW;
END $$
"""
_WHENEVER = f"""
CREATE TRIGGER count_account BEFORE UPDATE OF {_ACCOUNT} ON senders FOR EACH ROW
WHEN (({_OLD}) IS DISTINCT FROM ({_NEW})) EXECUTE FUNCTION count_account()
"""


def upgrade() -> None:
    # A default that is no expression: no row is written.
    op.add_column(
        "senders",
        sa.Column("account_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
    )
    op.add_column("attempts", sa.Column("account_version", sa.Integer(), nullable=True))
    op.add_column("attempts", sa.Column("booked_hour", sa.DateTime(timezone=True), nullable=True))
    op.execute(_COUNT)
    op.execute(_WHENEVER)


def downgrade() -> None:
    op.execute("DROP TRIGGER count_account ON senders")
    op.execute("DROP FUNCTION count_account")
    for table, column in (
        ("attempts", "booked_hour"),
        ("attempts", "account_version"),
        ("senders", "account_version"),
    ):
        op.drop_column(table, column)
