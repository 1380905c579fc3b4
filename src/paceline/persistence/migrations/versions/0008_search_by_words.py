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

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

EFFECT = Effect(
    locks={"campaigns": Lock.ACCESS_EXCLUSIVE, "emails": Lock.ACCESS_EXCLUSIVE},
    rewrites=("campaigns", "emails"),
    reads=("emails",),
)

# As they were when this migration was written; today's are in `persistence/searching.py`.
_ACCENTED = "áàâäãåāăąçćčďđéèêëēėęěğíìîïīįłñńňóòôöõøōőŕřśšşßťúùûüūůűųýÿźżž"
_PLAIN = "aaaaaaaaacccddeeeeeeeegiiiiiilnnnoooooooorrsssstuuuuuuuuyyzzz"
CREATE_SEARCHED = rf"""
CREATE OR REPLACE FUNCTION searched(owner uuid, said text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_to_tsvector(string_to_array(
        right(owner::text, 6) || replace(
            regexp_replace(
                regexp_replace(
                    CASE WHEN octet_length(said) = length(said) THEN lower(said)
                         ELSE translate(lower(said), '{_ACCENTED}', '{_PLAIN}') END,
                    '[^[:alnum:]]+', ' ', 'g'),
                '([[:alpha:]])([0-9])', '\1 \2', 'g'),
            ' ', ' ' || right(owner::text, 6)), ' '))
$$
"""
OF_EMAIL = (
    "searched(owner_id, address_key || ' ' || COALESCE(name, '') || ' ' || COALESCE(subject, '')"
    " || ' ' || COALESCE(subject_values, ''))"
)
OF_CAMPAIGN = r"searched(owner_id, regexp_replace(subject, '\{\{.*?\}\}|\{%.*?%\}', ' ', 'g'))"


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
