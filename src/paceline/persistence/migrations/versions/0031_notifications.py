"""Who wants to be told of what, what was told of, and the messages that tell it.

The index finds an owner's campaigns that were done of late, among all that ever were.

Revision: 0031
Follows: 0029
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0031"
down_revision = "0029"
branch_labels = None
depends_on = None

EFFECT = Effect(
    locks={
        "campaigns": Lock.SHARE,
        "senders": Lock.SHARE_ROW_EXCLUSIVE,
        "users": Lock.SHARE_ROW_EXCLUSIVE,
    },
    reads=("campaigns",),
)

_SETTINGS, _FOUND, _MESSAGES = "notification_settings", "notifications", "notification_messages"
_KINDS = "'campaign_done', 'doubts', 'limit_reached', 'nothing_goes', 'sender_broken'"


def upgrade() -> None:
    op.create_table(
        _SETTINGS,
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("hook_url", sa.LargeBinary(), nullable=True),
        sa.Column("email_to", sa.Text(), nullable=True),
        sa.Column("email_sender_id", sa.Uuid(), nullable=True),
        sa.Column(
            "kinds",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        _instant("since"),
        sa.PrimaryKeyConstraint("owner_id", name=op.f(f"pk_{_SETTINGS}")),
        _of_user(_SETTINGS),
        sa.ForeignKeyConstraint(
            ["email_sender_id"], ["senders.id"], name=op.f(f"fk_{_SETTINGS}_email_sender_id")
        ),
        sa.CheckConstraint(
            "(email_to IS NULL) = (email_sender_id IS NULL)", name=op.f(f"ck_{_SETTINGS}_email")
        ),
    )
    op.create_table(
        _FOUND,
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Uuid(), nullable=False),
        sa.Column("occurrence", sa.Text(), nullable=False),
        _instant("found_at"),
        sa.PrimaryKeyConstraint(
            "owner_id", "kind", "about", "occurrence", name=op.f(f"pk_{_FOUND}")
        ),
        _of_user(_FOUND),
        sa.CheckConstraint(f"kind IN ({_KINDS})", name=op.f(f"ck_{_FOUND}_kind")),
    )
    op.create_index(f"ix_{_FOUND}_found_at", _FOUND, ["found_at"])
    op.create_table(
        _MESSAGES,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _instant("next_try_at"),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("given_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        _instant("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_MESSAGES}")),
        _of_user(_MESSAGES),
        sa.CheckConstraint("channel IN ('email', 'hook')", name=op.f(f"ck_{_MESSAGES}_channel")),
        sa.CheckConstraint("tries >= 0", name=op.f(f"ck_{_MESSAGES}_tries")),
    )
    op.create_index(
        f"ix_{_MESSAGES}_open",
        _MESSAGES,
        ["next_try_at"],
        postgresql_where=sa.text("told_at IS NULL AND given_up_at IS NULL"),
    )
    op.create_index(f"ix_{_MESSAGES}_owner_id_created_at", _MESSAGES, ["owner_id", "created_at"])
    op.create_index(f"ix_{_MESSAGES}_created_at", _MESSAGES, ["created_at"])
    op.create_index(
        "ix_campaigns_completed",
        "campaigns",
        ["owner_id", "finished_at"],
        postgresql_where=sa.text("state = 'completed'"),
    )


def downgrade() -> None:
    op.drop_index("ix_campaigns_completed", table_name="campaigns")
    for table in (_MESSAGES, _FOUND, _SETTINGS):
        op.drop_table(table)


def _instant(name: str) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f(f"fk_{table}_owner_id"))
