"""Campaigns' counters without a join: what a batch adds, less what it takes away.

The ledger's statements run with hash and merge joins switched off, so that joining the rows after a
batch to those before it took time that grew with the square of the batch.

Revision: 0004
Follows: 0003
"""

from __future__ import annotations

from alembic import op

from paceline.persistence.migrations.effect import Effect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

EFFECT = Effect()

_COUNT = """
CREATE OR REPLACE FUNCTION count_moved_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE campaigns c
       SET sent = c.sent + moved.sent,
           failed = c.failed + moved.failed,
           cancelled = c.cancelled + moved.cancelled
      FROM (SELECT campaign_id,
                   sum(step * (state = 'sent')::int) AS sent,
                   sum(step * (state = 'failed')::int) AS failed,
                   sum(step * (state = 'cancelled')::int) AS cancelled
              FROM (SELECT campaign_id, state, 1 AS step FROM new_rows
                    UNION ALL
                    SELECT campaign_id, state, -1 AS step FROM old_rows) AS both_sides
             WHERE state IN ('sent', 'failed', 'cancelled')
             GROUP BY campaign_id) moved
     WHERE c.id = moved.campaign_id AND (moved.sent, moved.failed, moved.cancelled) <> (0, 0, 0);
    RETURN NULL;
END $$
"""

_COUNT_BEFORE = """
CREATE OR REPLACE FUNCTION count_moved_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE campaigns c
       SET sent = c.sent + moved.sent,
           failed = c.failed + moved.failed,
           cancelled = c.cancelled + moved.cancelled
      FROM (SELECT n.campaign_id,
                   sum((n.state = 'sent')::int - (o.state = 'sent')::int) AS sent,
                   sum((n.state = 'failed')::int - (o.state = 'failed')::int) AS failed,
                   sum((n.state = 'cancelled')::int - (o.state = 'cancelled')::int) AS cancelled
              FROM new_rows n JOIN old_rows o USING (email_id)
             WHERE n.state <> o.state
               AND (n.state IN ('sent', 'failed', 'cancelled')
                    OR o.state IN ('sent', 'failed', 'cancelled'))
             GROUP BY n.campaign_id) moved
     WHERE c.id = moved.campaign_id;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute(_COUNT)


def downgrade() -> None:
    op.execute(_COUNT_BEFORE)
