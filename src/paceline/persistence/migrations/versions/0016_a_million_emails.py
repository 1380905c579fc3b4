"""What a million emails need: words that are handed in, and a campaign's lists in order.

Nothing is rewritten: the words that are there stay. An email's owner and sender are its campaign's
and are no longer looked up for each email. Neither emails nor campaigns can be read until all
migrations that run with this one are done: building the indexes takes seconds per million emails.

Revision: 0016
Follows: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from paceline.persistence.migrations.effect import BEFORE_ANY_RELEASE, Effect, Lock

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

EFFECT = Effect(
    locks={
        "campaigns": Lock.ACCESS_EXCLUSIVE,
        "email_jobs": Lock.SHARE,
        "emails": Lock.ACCESS_EXCLUSIVE,
        "senders": Lock.ACCESS_EXCLUSIVE,
        "users": Lock.ACCESS_EXCLUSIVE,
    },
    reads=("email_jobs",),
    contracts={"emails.subject_values": BEFORE_ANY_RELEASE},
)

_OF_EMAIL = (
    "searched(owner_id, address_key || ' ' || COALESCE(name, '') || ' ' || COALESCE(subject, '')"
    " || ' ' || COALESCE(subject_values, ''))"
)
_OF_CAMPAIGN = r"searched(owner_id, regexp_replace(subject, '\{\{.*?\}\}|\{%.*?%\}', ' ', 'g'))"
_NOT_SENT = "state IN ('cancelled', 'failed', 'in_doubt') AND campaign_id IS NOT NULL"


_CHECKED = {"owner_id": "users", "sender_id": "senders"}


def upgrade() -> None:
    for column in _CHECKED:
        op.drop_constraint(f"fk_emails_{column}", "emails", type_="foreignkey")
    for table in ("emails", "campaigns"):
        op.execute(f"ALTER TABLE {table} ALTER COLUMN search DROP EXPRESSION")
    op.drop_column("emails", "subject_values")
    op.create_index(
        "ix_email_jobs_sent_of_campaign",
        "email_jobs",
        ["campaign_id", "sent_at", "email_id"],
        postgresql_where=sa.text("state = 'sent' AND campaign_id IS NOT NULL"),
    )
    op.create_index(
        "ix_email_jobs_not_sent_of_campaign",
        "email_jobs",
        ["campaign_id", "state", "updated_at", "email_id"],
        postgresql_where=sa.text(_NOT_SENT),
    )
    op.create_index(
        "ix_email_jobs_single",
        "email_jobs",
        ["owner_id", "state"],
        postgresql_where=sa.text("campaign_id IS NULL"),
    )


def downgrade() -> None:
    for column, table in _CHECKED.items():
        op.create_foreign_key(f"fk_emails_{column}", "emails", table, [column], ["id"])
    op.drop_index("ix_email_jobs_single", table_name="email_jobs")
    op.drop_index("ix_email_jobs_not_sent_of_campaign", table_name="email_jobs")
    op.drop_index("ix_email_jobs_sent_of_campaign", table_name="email_jobs")
    op.add_column("emails", sa.Column("subject_values", sa.Text(), nullable=True))
    for table, words in (("emails", _OF_EMAIL), ("campaigns", _OF_CAMPAIGN)):
        op.drop_column(table, "search")  # with its index
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN search tsvector GENERATED ALWAYS AS ({words}) STORED"
        )
    op.create_index("ix_emails_search", "emails", ["search"], postgresql_using="gin")
