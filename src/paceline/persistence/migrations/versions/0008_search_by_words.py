"""Search by words: those of each email and of each campaign's subject, and an index on them.

Adding them rewrites the table of emails, which nothing else can use meanwhile; how long that
takes was not measured. Nothing that runs depends on the new columns, so an older version goes on
beside it.

Revision: 0008
Follows: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from paceline.persistence.searching import CREATE_SEARCHED, OF_CAMPAIGN, OF_EMAIL

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(CREATE_SEARCHED)
    op.add_column("emails", sa.Column("subject_values", sa.Text(), nullable=True))
    _add_words("emails", OF_EMAIL)
    _add_words("campaigns", OF_CAMPAIGN)
    op.create_index("ix_emails_search", "emails", ["search"], postgresql_using="gin")
    op.create_index(
        "ix_emails_single_address",
        "emails",
        ["owner_id", "address_key", "id"],
        postgresql_where=sa.text("campaign_id IS NULL"),
    )


def _add_words(table: str, expression: str) -> None:
    words = sa.Computed(expression, persisted=True)
    op.add_column(table, sa.Column("search", postgresql.TSVECTOR(), words, nullable=True))


def downgrade() -> None:
    op.drop_index("ix_emails_single_address", table_name="emails")
    op.drop_index("ix_emails_search", table_name="emails")
    op.drop_column("campaigns", "search")
    op.drop_column("emails", "search")
    op.drop_column("emails", "subject_values")
    op.execute("DROP FUNCTION searched")
