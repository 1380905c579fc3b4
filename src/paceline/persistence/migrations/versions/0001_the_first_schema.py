"""The first schema.

Revision: 0001
Follows: nothing
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from paceline.persistence.migrations.effect import Effect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

EFFECT = Effect()


_COUNT_NEW = """
CREATE FUNCTION count_new_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE campaigns c SET total = c.total + added.n
      FROM (SELECT campaign_id, count(*) AS n FROM new_rows GROUP BY campaign_id) added
     WHERE c.id = added.campaign_id;
    RETURN NULL;
END $$
"""

_COUNT_MOVED = """
CREATE FUNCTION count_moved_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
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

# Statement triggers, not row triggers: one update per campaign and batch, not one per email.
_TRIGGERS = (
    "CREATE TRIGGER count_new_jobs AFTER INSERT ON email_jobs "
    "REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION count_new_jobs()",
    "CREATE TRIGGER count_moved_jobs AFTER UPDATE ON email_jobs "
    "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows "
    "FOR EACH STATEMENT EXECUTE FUNCTION count_moved_jobs()",
)


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column(
            "detail",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index("ix_audit_log_owner_id_id", "audit_log", ["owner_id", "id"], unique=False)
    op.create_table(
        "inbox_messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("mail_from", sa.Text(), nullable=False),
        sa.Column("rcpt_to", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_messages")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_admin", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_users_issuer_subject")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_api_keys_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
    )
    op.create_index(op.f("ix_api_keys_user_id"), "api_keys", ["user_id"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_idempotency_keys_owner_id")
        ),
        sa.PrimaryKeyConstraint("owner_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(
        "ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False
    )
    op.create_table(
        "senders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("from_address", sa.Text(), nullable=False),
        sa.Column("from_name", sa.Text(), nullable=True),
        sa.Column("smtp_host", sa.Text(), nullable=False),
        sa.Column("smtp_port", sa.Integer(), nullable=False),
        sa.Column("smtp_security", sa.Text(), nullable=False),
        sa.Column("smtp_username", sa.Text(), nullable=True),
        sa.Column("smtp_password", sa.LargeBinary(), nullable=True),
        sa.Column("hourly_limit", sa.Integer(), nullable=True),
        sa.Column("min_delay_ms", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("max_connections", sa.Integer(), server_default=sa.text("4"), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'active'"), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=True),
        sa.Column("host_failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("resting_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "smtp_security IN ('none', 'starttls', 'tls')", name=op.f("ck_senders_smtp_security")
        ),
        sa.CheckConstraint(
            "state IN ('active', 'broken', 'paused')", name=op.f("ck_senders_state")
        ),
        sa.CheckConstraint("hourly_limit >= 1", name=op.f("ck_senders_hourly_limit")),
        sa.CheckConstraint(
            "max_connections BETWEEN 1 AND 64", name=op.f("ck_senders_max_connections")
        ),
        sa.CheckConstraint("min_delay_ms >= 0", name=op.f("ck_senders_min_delay_ms")),
        sa.CheckConstraint("smtp_port BETWEEN 1 AND 65535", name=op.f("ck_senders_smtp_port")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_senders_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_senders")),
    )
    op.create_index(op.f("ix_senders_owner_id"), "senders", ["owner_id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("id_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("csrf_token", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "sign_in_links",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sign_in_links_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sign_in_links")),
    )
    op.create_table(
        "suppressions",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_suppressions_owner_id")),
        sa.PrimaryKeyConstraint("owner_id", "address_key", name=op.f("pk_suppressions")),
    )
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("events", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_webhook_endpoints_owner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
    )
    op.create_index(
        op.f("ix_webhook_endpoints_owner_id"), "webhook_endpoints", ["owner_id"], unique=False
    )
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("sender_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text_body", sa.Text(), nullable=True),
        sa.Column("html_body", sa.Text(), nullable=True),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("min_delay_ms", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("hourly_limit", sa.Integer(), nullable=True),
        sa.Column("doubt_policy", sa.Text(), server_default=sa.text("'hold'"), nullable=False),
        sa.Column(
            "expires_after_hours", sa.Integer(), server_default=sa.text("72"), nullable=False
        ),
        sa.Column("state", sa.Text(), server_default=sa.text("'draft'"), nullable=False),
        sa.Column("total", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("sent", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("cancelled", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("launched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "doubt_policy IN ('hold', 'resend')", name=op.f("ck_campaigns_doubt_policy")
        ),
        sa.CheckConstraint(
            "state IN ('active', 'cancelled', 'completed', 'draft', 'paused')",
            name=op.f("ck_campaigns_state"),
        ),
        sa.CheckConstraint(
            "expires_after_hours BETWEEN 1 AND 720", name=op.f("ck_campaigns_expires_after_hours")
        ),
        sa.CheckConstraint("hourly_limit >= 1", name=op.f("ck_campaigns_hourly_limit")),
        sa.CheckConstraint("min_delay_ms >= 0", name=op.f("ck_campaigns_min_delay_ms")),
        sa.CheckConstraint(
            "total >= 0 AND sent >= 0 AND failed >= 0 AND cancelled >= 0",
            name=op.f("ck_campaigns_counters"),
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_campaigns_owner_id")),
        sa.ForeignKeyConstraint(["sender_id"], ["senders.id"], name=op.f("fk_campaigns_sender_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
    )
    op.create_index("ix_campaigns_owner_id_id", "campaigns", ["owner_id", "id"], unique=False)
    op.create_index(
        "ix_campaigns_running",
        "campaigns",
        ["sender_id", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "lanes",
        sa.Column("sender_id", sa.Uuid(), nullable=False),
        sa.Column("signal_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "wake_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("'infinity'"),
            nullable=False,
        ),
        sa.Column("held_by", sa.Text(), nullable=True),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["sender_id"], ["senders.id"], name=op.f("fk_lanes_sender_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sender_id", name=op.f("pk_lanes")),
    )
    op.create_index(
        "ix_lanes_wake_at",
        "lanes",
        ["wake_at"],
        unique=False,
        postgresql_where=sa.text("wake_at < 'infinity'"),
    )
    op.create_table(
        "emails",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=True),
        sa.Column("sender_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column(
            "fields",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("text_body", sa.Text(), nullable=True),
        sa.Column("html_body", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "campaign_id IS NOT NULL OR subject IS NOT NULL", name=op.f("ck_emails_has_subject")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_emails_campaign_id")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_emails_owner_id")),
        sa.ForeignKeyConstraint(["sender_id"], ["senders.id"], name=op.f("fk_emails_sender_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emails")),
    )
    op.create_index("ix_emails_campaign_id_id", "emails", ["campaign_id", "id"], unique=False)
    op.create_index(
        "uq_emails_campaign_id_address_key",
        "emails",
        ["campaign_id", "address_key"],
        unique=True,
        postgresql_where=sa.text("campaign_id IS NOT NULL"),
    )
    op.create_table(
        "attempts",
        sa.Column("email_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("sender_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=True),
        sa.Column("worker_run", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=True),
        sa.Column("reply_code", sa.Integer(), nullable=True),
        sa.Column("reply_enhanced", sa.Text(), nullable=True),
        sa.Column("reply_text", sa.Text(), nullable=True),
        sa.Column("dot_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('sending', 'sent', 'rejected', 'not_sent', 'fenced', 'in_doubt')",
            name=op.f("ck_attempts_outcome"),
        ),
        sa.ForeignKeyConstraint(
            ["email_id"], ["emails.id"], name=op.f("fk_attempts_email_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("email_id", "attempt", name=op.f("pk_attempts")),
    )
    op.create_index(
        "ix_attempts_campaign_id_dot_at",
        "attempts",
        ["campaign_id", "dot_at"],
        unique=False,
        postgresql_where=sa.text("dot_at IS NOT NULL AND campaign_id IS NOT NULL"),
    )
    op.create_index(
        "ix_attempts_sender_id_dot_at",
        "attempts",
        ["sender_id", "dot_at"],
        unique=False,
        postgresql_where=sa.text("dot_at IS NOT NULL"),
    )
    op.create_table(
        "email_jobs",
        sa.Column("email_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=True),
        sa.Column("sender_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'scheduled'"), nullable=False),
        sa.Column("scheduled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("deferrals", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("worker_run", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.Column("reply_code", sa.Integer(), nullable=True),
        sa.Column("reply_enhanced", sa.Text(), nullable=True),
        sa.Column("reply_text", sa.Text(), nullable=True),
        sa.Column("in_doubt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(state = 'failed') = (failure_reason IS NOT NULL)", name=op.f("ck_email_jobs_failed")
        ),
        sa.CheckConstraint(
            "(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_email_jobs_sent_at")
        ),
        sa.CheckConstraint(
            "(state IN ('claimed', 'sending')) = (lease_until IS NOT NULL)",
            name=op.f("ck_email_jobs_lease"),
        ),
        sa.CheckConstraint(
            "failure_reason IN ('attempts_exhausted', 'expired', 'hard_bounce', "
            "'rejected', 'suppressed')",
            name=op.f("ck_email_jobs_failure_reason"),
        ),
        sa.CheckConstraint(
            "state IN ('cancelled', 'claimed', 'deferred', 'failed', 'in_doubt', "
            "'scheduled', 'sending', 'sent')",
            name=op.f("ck_email_jobs_state"),
        ),
        sa.CheckConstraint("attempt >= 0 AND deferrals >= 0", name=op.f("ck_email_jobs_attempt")),
        sa.ForeignKeyConstraint(
            ["email_id"], ["emails.id"], name=op.f("fk_email_jobs_email_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("email_id", name=op.f("pk_email_jobs")),
    )
    op.create_index(
        "ix_email_jobs_waiting",
        "email_jobs",
        ["owner_id", "due_at", "email_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('deferred', 'scheduled')"),
    )
    op.create_index(
        "ix_email_jobs_due",
        "email_jobs",
        ["sender_id", "campaign_id", "due_at", "email_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('deferred', 'scheduled')"),
    )
    op.create_index(
        "ix_email_jobs_deferred",
        "email_jobs",
        ["owner_id", "due_at", "email_id"],
        unique=False,
        postgresql_where=sa.text("state = 'deferred'"),
    )
    op.create_index(
        "ix_email_jobs_in_doubt",
        "email_jobs",
        ["in_doubt_at"],
        unique=False,
        postgresql_where=sa.text("state = 'in_doubt'"),
    )
    op.create_index(
        "ix_email_jobs_leases",
        "email_jobs",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("state IN ('claimed', 'sending')"),
    )
    op.create_index(
        "ix_email_jobs_not_sent",
        "email_jobs",
        ["owner_id", "updated_at", "email_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('cancelled', 'failed', 'in_doubt')"),
    )
    op.create_index(
        "ix_email_jobs_sent",
        "email_jobs",
        ["owner_id", "sent_at", "email_id"],
        unique=False,
        postgresql_where=sa.text("state = 'sent'"),
    )
    for statement in (_COUNT_NEW, _COUNT_MOVED, *_TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    op.drop_index(
        "ix_email_jobs_sent", table_name="email_jobs", postgresql_where=sa.text("state = 'sent'")
    )
    op.drop_index(
        "ix_email_jobs_not_sent",
        table_name="email_jobs",
        postgresql_where=sa.text("state IN ('cancelled', 'failed', 'in_doubt')"),
    )
    op.drop_index(
        "ix_email_jobs_deferred",
        table_name="email_jobs",
        postgresql_where=sa.text("state = 'deferred'"),
    )
    op.drop_index(
        "ix_email_jobs_in_doubt",
        table_name="email_jobs",
        postgresql_where=sa.text("state = 'in_doubt'"),
    )
    op.drop_index(
        "ix_email_jobs_leases",
        table_name="email_jobs",
        postgresql_where=sa.text("state IN ('claimed', 'sending')"),
    )
    op.drop_index(
        "ix_email_jobs_due",
        table_name="email_jobs",
        postgresql_where=sa.text("state IN ('deferred', 'scheduled')"),
    )
    op.drop_index(
        "ix_email_jobs_waiting",
        table_name="email_jobs",
        postgresql_where=sa.text("state IN ('deferred', 'scheduled')"),
    )
    op.drop_table("email_jobs")
    op.drop_index(
        "ix_attempts_sender_id_dot_at",
        table_name="attempts",
        postgresql_where=sa.text("dot_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_attempts_campaign_id_dot_at",
        table_name="attempts",
        postgresql_where=sa.text("dot_at IS NOT NULL AND campaign_id IS NOT NULL"),
    )
    op.drop_table("attempts")
    op.drop_index(
        "uq_emails_campaign_id_address_key",
        table_name="emails",
        postgresql_where=sa.text("campaign_id IS NOT NULL"),
    )
    op.drop_index("ix_emails_campaign_id_id", table_name="emails")
    op.drop_table("emails")
    op.drop_index(
        "ix_lanes_wake_at", table_name="lanes", postgresql_where=sa.text("wake_at < 'infinity'")
    )
    op.drop_table("lanes")
    op.drop_index(
        "ix_campaigns_running", table_name="campaigns", postgresql_where=sa.text("state = 'active'")
    )
    op.drop_index("ix_campaigns_owner_id_id", table_name="campaigns")
    op.drop_table("campaigns")
    op.drop_index(op.f("ix_webhook_endpoints_owner_id"), table_name="webhook_endpoints")
    op.drop_table("webhook_endpoints")
    op.drop_table("suppressions")
    op.drop_table("sign_in_links")
    op.drop_index(op.f("ix_sessions_user_id"), table_name="sessions")
    op.drop_table("sessions")
    op.drop_index(op.f("ix_senders_owner_id"), table_name="senders")
    op.drop_table("senders")
    op.drop_index("ix_idempotency_keys_created_at", table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_index(op.f("ix_api_keys_user_id"), table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_table("users")
    op.drop_table("inbox_messages")
    op.drop_index("ix_audit_log_owner_id_id", table_name="audit_log")
    op.drop_table("audit_log")
    op.execute("DROP FUNCTION count_new_jobs")
    op.execute("DROP FUNCTION count_moved_jobs")
