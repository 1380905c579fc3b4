"""Emails as people see them: with their subject filled in, and why they are not out yet."""

from __future__ import annotations

from paceline import clock
from paceline.domain.lifecycle import FailureReason, JobState
from paceline.persistence.stores.email_records import EmailRecord
from paceline.services.rendering import rendered_subject
from paceline.services.versions import version_of_email
from paceline.services.views import EmailView
from paceline.services.waiting import Surroundings, hold


def view_of(email: EmailRecord, around: Surroundings, *, ahead: int | None) -> EmailView:
    """One email; `ahead` as in `waiting.hold`."""
    held = hold(email, around, ahead=ahead, now=clock.now())
    reason = email.failure_reason
    return EmailView(
        version=version_of_email(email),
        id=email.id,
        campaign_id=email.campaign_id,
        campaign_name=email.campaign_name,
        sender_id=email.sender_id,
        sender_address=email.sender_address,
        to=email.address,
        to_name=email.name,
        subject=rendered_subject(email),
        state=JobState(email.state),
        scheduled_at=email.scheduled_at,
        due_at=email.due_at,
        sent_at=email.sent_at,
        updated_at=email.updated_at,
        attempt=email.attempt,
        message_id=email.message_id,
        failure_reason=None if reason is None else FailureReason(reason),
        reply_code=email.reply_code,
        reply_enhanced=email.reply_enhanced,
        reply_text=email.reply_text,
        content_removed_at=email.content_removed_at,
        attempts_removed_at=email.attempts_removed_at,
        held_by=held.held_by,
        held_reason=held.reason,
        release_at=held.release_at,
        estimated_send_at=held.estimated_send_at,
    )
