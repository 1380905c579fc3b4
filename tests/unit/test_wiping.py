"""Whoever adds a column says whether a recipient's address may come to stand in it."""

from __future__ import annotations

from sqlalchemy.dialects import postgresql

from paceline.persistence.models import Email

WIPED = {
    "attempt_dialogues": "said",
    "attempts": "reply_text",
    "audit_log": "detail subject",
    "draft_list_pieces": "content",
    "drafts": "body list_name name opted_out subject",
    "email_decisions": "detail",
    "email_jobs": "reply_text",
    "emails": "address address_key fields html_body name search subject text_body",
    "idempotency_keys": "body",
    "import_reports": "kept",
    "inbox_messages": "mail_from message_id raw rcpt_to subject",  # as a whole
    "notification_messages": "body last_error",
    "senders": "last_check state_reason",
    "suppressions": "address_key note reply search",
}
# Words of ours, of the people who have accounts here, or files and texts that those wrote.
LEFT = {
    "api_keys": "key_hash name prefix scope",
    "attempts": "outcome phase reply_enhanced",
    "audit_log": "action actor address",
    "avatars": "content media_type url",
    "campaign_attachments": "content content_id content_type file_name",
    "campaigns": "doubt_policy html_body name search state subject text_body time_zone",
    "connected_identities": "issuer subject",
    "draft_attachments": "content content_id content_type file_name",
    "drafts": "address_column encoding format header_line hourly_limit min_delay opt_in_column"
    " opt_out_column saved_by sender_id start time_zone when",
    "email_decisions": "decided_by what",
    "email_jobs": "failure_reason reply_enhanced state",
    "emails": "message_id",
    "idempotency_keys": "headers key request_hash",
    "lanes": "held_by",
    "notification_messages": "channel",
    "notification_settings": "email_to hook_url kinds",
    "notifications": "kind occurrence",
    "secret_key": "fingerprint",
    "senders": "dkim_algorithm dkim_domain dkim_key dkim_selector from_address from_name name"
    " smtp_auth smtp_grant smtp_host smtp_password smtp_security smtp_username state",
    "sessions": "address csrf_token id_hash method user_agent",
    "sign_in_links": "token_hash",
    "spent_nonces": "nonce_hash",
    "suppressions": "added_by reason",
    "users": "avatar_version email issuer name notices subject theme time_zone vouched_domain",
    "webhook_endpoints": "events secret url",
    "wiped_suppressions": "address_hash reason",
}
SAYING = ("TEXT", "JSONB", "BYTEA", "TSVECTOR")


def test_each_column_that_may_name_somebody_is_wiped_or_left_for_a_reason() -> None:
    there = {
        (table.name, column.name)
        for table in Email.metadata.sorted_tables
        for column in table.columns
        if str(column.type.compile(postgresql.dialect())).startswith(SAYING)  # type: ignore[no-untyped-call]
    }
    said = [
        (table, column)
        for columns in (WIPED, LEFT)
        for table, names in columns.items()
        for column in names.split()
    ]
    assert len(said) == len(set(said))
    assert set(said) == there
