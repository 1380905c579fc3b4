"""People whom a provider vouches for: their further ways in, their pictures, where they signed in.

Revision: 0018
Follows: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

EFFECT = Effect(
    locks={"sessions": Lock.ACCESS_EXCLUSIVE, "users": Lock.ACCESS_EXCLUSIVE},
    rewrites=("sessions",),
)


def upgrade() -> None:
    op.add_column("users", sa.Column("vouched_domain", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("avatar_version", sa.Text(), nullable=True))
    handle = sa.Column(
        "handle", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False
    )
    op.add_column("sessions", handle)
    method = sa.Column("method", sa.Text(), server_default=sa.text("'link'"), nullable=False)
    op.add_column("sessions", method)
    op.add_column("sessions", sa.Column("address", sa.Text(), nullable=True))
    op.add_column("sessions", sa.Column("user_agent", sa.Text(), nullable=True))
    op.create_table(
        "connected_identities",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        _now("created_at"),
        _users_row("connected_identities"),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_connected_identities")),
    )
    op.create_index(
        op.f("ix_connected_identities_user_id"), "connected_identities", ["user_id"], unique=False
    )
    op.create_table(
        "avatars",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        _now("fetched_at"),
        _users_row("avatars"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_avatars")),
    )
    op.create_table(
        "spent_nonces",
        sa.Column("nonce_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("nonce_hash", name=op.f("pk_spent_nonces")),
    )
    op.create_index(
        op.f("ix_spent_nonces_expires_at"), "spent_nonces", ["expires_at"], unique=False
    )


def _now(name: str) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _users_row(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id"), ondelete="CASCADE"
    )


def downgrade() -> None:
    op.drop_table("spent_nonces")
    op.drop_table("avatars")
    op.drop_table("connected_identities")
    for column in ("user_agent", "address", "method", "handle"):
        op.drop_column("sessions", column)
    op.drop_column("users", "avatar_version")
    op.drop_column("users", "vouched_domain")
