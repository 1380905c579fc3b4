"""What is typed on the compose page is kept before it is scheduled.

Revision: 0019
Follows: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

EFFECT = Effect(locks={"campaigns": Lock.SHARE_ROW_EXCLUSIVE, "users": Lock.SHARE_ROW_EXCLUSIVE})

TABLE, PIECES = "drafts", "draft_list_pieces"
TYPED = (
    *("saved_by", "name", "sender_id", "subject", "body", "format", "when", "start", "time_zone"),
    *("min_delay", "hourly_limit", "encoding", "header_line", "address_column"),
    *("opt_out_column", "opt_in_column", "opted_out"),
)


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("saved_turn", sa.Integer(), server_default=sa.text("0"), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in TYPED),
        sa.Column("list_id", sa.Uuid(), nullable=True),
        sa.Column("list_name", sa.Text(), nullable=True),
        sa.Column("list_octets", sa.Integer(), nullable=True),
        sa.Column("campaign_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", instant, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", instant, server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f(f"fk_{TABLE}_owner_id")),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f(f"fk_{TABLE}_campaign_id"),
            ondelete="SET NULL",
        ),
        sa.CheckConstraint(
            "num_nonnulls(list_id, list_name, list_octets) IN (0, 3)",
            name=op.f(f"ck_{TABLE}_list_of_recipients"),
        ),
    )
    op.create_index(f"ix_{TABLE}_owner_id_updated_at", TABLE, ["owner_id", "updated_at"])
    op.create_index(f"ix_{TABLE}_campaign_id", TABLE, ["campaign_id"])
    op.create_table(
        PIECES,
        sa.Column("draft_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("draft_id", "position", name=op.f(f"pk_{PIECES}")),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["drafts.id"], name=op.f(f"fk_{PIECES}_draft_id"), ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    op.drop_table(PIECES)
    op.drop_table(TABLE)
