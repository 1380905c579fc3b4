"""Attempts of an email that is deleted go by a trigger, not by a foreign key.

The key's check locked the email for each attempt that was inserted: a look-up, a row written and
its WAL at every write-ahead. Whoever inserts an attempt holds the email's job, which the deletion
of the email waits for.

Revision: 0035
Follows: 0034
"""

from __future__ import annotations

from alembic import op

from paceline.persistence.migrations.effect import Effect, Lock

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

EFFECT = Effect(locks={"attempts": Lock.ACCESS_EXCLUSIVE, "emails": Lock.ACCESS_EXCLUSIVE})

_KEY = "fk_attempts_email_id"
# It fires behind the cascade to the jobs, which waits for whoever writes of them, and so it sees
# what they have written.
_FORGET = """
CREATE FUNCTION forget_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM attempts a USING gone g WHERE a.email_id = g.id;
    RETURN NULL;
END $$
"""
_WHENEVER = """
CREATE TRIGGER forget_attempts AFTER DELETE ON emails REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION forget_attempts()
"""
_ORPHANS = """
DELETE FROM attempts a WHERE NOT EXISTS (SELECT FROM emails m WHERE m.id = a.email_id)
"""


def upgrade() -> None:
    op.execute(_FORGET)
    op.execute(_WHENEVER)
    op.drop_constraint(_KEY, "attempts", type_="foreignkey")


def downgrade() -> None:
    op.execute(_ORPHANS)
    op.create_foreign_key(_KEY, "attempts", "emails", ["email_id"], ["id"], ondelete="CASCADE")
    op.execute("DROP TRIGGER forget_attempts ON emails")
    op.execute("DROP FUNCTION forget_attempts")
