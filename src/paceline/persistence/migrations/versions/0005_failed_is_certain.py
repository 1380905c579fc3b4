"""Whether a copy of an email may have left: asked before one is called failed or cancelled.

An email that was tried again after a doubt may have arrived by its earlier attempt, whatever comes
of the later ones. Then its end is the doubt.

Revision: 0005
Follows: 0004
"""

from __future__ import annotations

from alembic import op

from paceline.persistence.migrations.effect import Effect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

EFFECT = Effect()

# In plpgsql, which keeps its plan: asked once per email that comes to nothing.
_MAY_HAVE_LEFT = """
CREATE FUNCTION may_have_left(email uuid, before int DEFAULT NULL) RETURNS boolean
STABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN before IS DISTINCT FROM 1 AND EXISTS (
        SELECT FROM attempts a
         WHERE a.email_id = email AND a.outcome = 'in_doubt'
           AND (before IS NULL OR a.attempt < before));
END $$
"""


def upgrade() -> None:
    op.execute(_MAY_HAVE_LEFT)


def downgrade() -> None:
    op.execute("DROP FUNCTION may_have_left")
