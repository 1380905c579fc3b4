"""What the audit log tells of: acts of people and of their keys; pure.

What somebody decides about one email is an act. That an email is written, or sent, is none.
"""

from __future__ import annotations

from enum import StrEnum

from paceline.domain.printing import printable

MAX_TEXT = 300  # characters of an actor, a subject, a detail


class Act(StrEnum):
    """One kind of act. What stands before the dot is its family."""

    SIGNED_IN = "sign_in.done"
    SIGN_IN_REFUSED = "sign_in.refused"
    WAY_CONNECTED = "sign_in.connected"
    SIGNED_OUT = "sign_in.signed_out"
    SESSION_ENDED = "sign_in.ended"
    SIGNED_OUT_EVERYWHERE = "sign_in.ended_everywhere"
    INVITED = "person.invited"
    INVITATION_REVOKED = "person.invitation_revoked"
    LINK_MADE = "person.link_made"
    DEACTIVATED = "person.deactivated"
    REACTIVATED = "person.reactivated"
    NOTIFICATIONS_CHOSEN = "person.notifications_chosen"
    KEY_MADE = "api_key.made"
    KEY_REVOKED = "api_key.revoked"
    SENDER_ADDED = "sender.added"
    SENDER_CHANGED = "sender.changed"
    SENDER_VERIFIED = "sender.verified"
    SENDER_TESTED = "sender.tested"
    SENDER_DELETED = "sender.deleted"
    DKIM_KEY_MADE = "sender.dkim_key_made"
    DKIM_KEY_DROPPED = "sender.dkim_key_dropped"
    LAUNCHED = "campaign.launched"
    TESTED = "campaign.tested"
    PAUSED = "campaign.paused"
    RESUMED = "campaign.resumed"
    CANCELLED = "campaign.cancelled"
    UNDONE = "campaign.undone"
    CHANGED = "campaign.changed"
    DISCARDED = "campaign.discarded"
    EMAIL_CHANGED = "email.changed"
    EMAIL_MOVED = "email.moved"
    EMAIL_CANCELLED = "email.cancelled"
    EMAIL_RETRIED = "email.retried"
    EMAIL_MARKED_SENT = "email.marked_sent"
    EMAIL_SENT_AGAIN = "email.sent_again"
    EMAILS_CANCELLED = "emails.cancel"
    EMAILS_MOVED = "emails.reschedule"
    EMAILS_RETRIED = "emails.retry"
    EMAILS_MARKED_SENT = "emails.mark_sent"
    RECIPIENT_WIPED = "emails.wipe"
    SUPPRESSED = "suppression.added"
    RELEASED = "suppression.removed"
    EMAILS_EXPORTED = "export.emails"
    SUPPRESSIONS_EXPORTED = "export.suppressions"
    LOG_EXPORTED = "export.audit_log"
    RECIPIENT_EXPORTED = "export.recipient"


class Family(StrEnum):
    """Acts about the same thing."""

    SIGN_IN = "sign_in"
    PERSON = "person"
    API_KEY = "api_key"
    SENDER = "sender"
    CAMPAIGN = "campaign"
    EMAIL = "email"
    EMAILS = "emails"
    SUPPRESSION = "suppression"
    EXPORT = "export"

    @property
    def acts(self) -> frozenset[Act]:
        """The acts of this family."""
        return frozenset(act for act in Act if act.partition(".")[0] == self)


def plain(text: str) -> str:
    """As PostgreSQL can keep it and a line can show it: a stranger may have typed it."""
    return printable(text[:MAX_TEXT])
