"""The audit log in words: what was done, with the figures that were noted with it."""

from __future__ import annotations

import uuid
from datetime import datetime, tzinfo

from paceline.auth.refusals import Refusal
from paceline.domain.acts import Act, Family
from paceline.persistence.stores.audit import AuditRecord
from paceline.web.user_agents import described
from paceline.web.wording import day_and_time, delay

FAMILIES = (
    (Family.SIGN_IN, "Sign-ins"),
    (Family.PERSON, "People"),
    (Family.API_KEY, "API keys"),
    (Family.SENDER, "Senders"),
    (Family.CAMPAIGN, "Campaigns"),
    (Family.EMAIL, "Emails, one by one"),
    (Family.EMAILS, "Emails, many at once"),
    (Family.SUPPRESSION, "Suppressions"),
    (Family.EXPORT, "Exports"),
)
_WORDS = {
    Act.SIGNED_IN: "Signed in",
    Act.SIGN_IN_REFUSED: "Sign-in refused",
    Act.WAY_CONNECTED: "Connected another way in",
    Act.SIGNED_OUT: "Signed out",
    Act.SESSION_ENDED: "Signed out a browser",
    Act.SIGNED_OUT_EVERYWHERE: "Signed out everywhere",
    Act.INVITED: "Invited",
    Act.INVITATION_REVOKED: "Revoked an invitation",
    Act.LINK_MADE: "Made a sign-in link for",
    Act.DEACTIVATED: "Deactivated",
    Act.REACTIVATED: "Reactivated",
    Act.NOTIFICATIONS_CHOSEN: "Chose that notifications go to",
    Act.KEY_MADE: "Made an API key",
    Act.KEY_REVOKED: "Revoked an API key",
    Act.SENDER_ADDED: "Added a sender",
    Act.SENDER_CHANGED: "Changed a sender",
    Act.SENDER_VERIFIED: "Verified a sender",
    Act.SENDER_TESTED: "Sent a test of a sender",
    Act.SENDER_DELETED: "Deleted a sender",
    Act.DKIM_KEY_MADE: "Made a DKIM key",
    Act.DKIM_KEY_DROPPED: "Deleted a DKIM key",
    Act.LAUNCHED: "Launched a campaign",
    Act.TESTED: "Sent a test",
    Act.PAUSED: "Paused a campaign",
    Act.RESUMED: "Resumed a campaign",
    Act.CANCELLED: "Cancelled a campaign",
    Act.UNDONE: "Undid the launch of a campaign",
    Act.CHANGED: "Changed a campaign",
    Act.DISCARDED: "Threw a draft away",
    Act.EMAIL_CHANGED: "Changed an email to",
    Act.EMAIL_MOVED: "Moved an email to",
    Act.EMAIL_CANCELLED: "Cancelled an email to",
    Act.EMAIL_RETRIED: "Tried again an email to",
    Act.EMAIL_MARKED_SENT: "Marked as sent an email to",
    Act.EMAIL_SENT_AGAIN: "Sent again an email to",
    Act.EMAILS_CANCELLED: "Cancelled emails",
    Act.EMAILS_MOVED: "Rescheduled emails",
    Act.EMAILS_RETRIED: "Tried failed emails again",
    Act.EMAILS_MARKED_SENT: "Marked emails as sent",
    Act.SUPPRESSED: "Suppressed",
    Act.RELEASED: "Took off the suppression list",
    Act.EMAILS_EXPORTED: "Exported",
    Act.SUPPRESSIONS_EXPORTED: "Exported",
    Act.LOG_EXPORTED: "Exported",
    Act.RECIPIENT_EXPORTED: "Exported all about",
    Act.RECIPIENT_WIPED: "Wiped",
}
_REFUSED = {
    Refusal.UNVERIFIED_EMAIL: "the address is not verified",
    Refusal.DOMAIN: "outside ALLOWED_DOMAINS",
    Refusal.NOT_LISTED: "not in ADMINS, nor invited",
    Refusal.NOBODY_CHOSEN: "neither ADMINS nor ALLOWED_DOMAINS is set",
    Refusal.DISABLED: "deactivated",
    Refusal.TAKEN: "another user’s account",
}
_LABELS = {
    "by": "by",
    "begins": "begins",
    "scope": "may",
    "ends": "ends",
    "server": "server",
    "record": "record",
    "changed": "changed",
    "forgotten": "forgotten",
    "state": "now",
    "smtp_host": "server",
    "hourly_limit": "hourly limit",
    "min_delay_ms": "delay",
    "start_at": "starts",
    "start_was": "was to start",
    "at": "goes",
    "to": "to",
    "time_zone": "zone",
    "doubt_policy": "doubts",
    "emails": "emails",
    "done": "done",
    "not_done": "not done",
    "given": "given",
    "added": "new",
    "since": "since",
    "reason": "was",
    "note": "note",
    "sign_ins": "browsers",
    "campaigns": "campaigns paused",
    "busy_campaigns": "campaigns not paused, as an import was at work",
    "senders": "senders paused",
}
_INSTANTS = frozenset({"at", "ends", "start_at", "start_was", "since"})
_PAGES = {
    Family.CAMPAIGN: "/campaigns",
    Family.SENDER: "/senders",
    Family.EMAIL: "/emails",
    Family.EMAILS: "/campaigns",
}
_GONE = frozenset({Act.DISCARDED, Act.UNDONE, Act.SENDER_DELETED})


def what(entry: AuditRecord) -> str:
    """What was done; an act of an older or a newer version by its name."""
    return _WORDS[Act(entry.action)] if entry.action in set(Act) else entry.action


def details(entry: AuditRecord, *, now: datetime, zone: tzinfo) -> list[str]:
    """What was noted with it, each in a few words."""
    told = []
    for name, value in entry.detail.items():
        if name == "why":
            known = str(value) in set(Refusal)
            told.append(_REFUSED.get(Refusal(str(value)), str(value)) if known else str(value))
        elif name == "browser":
            told.append(described(str(value)))
        elif name == "logged_in":
            told.append("it could log in" if value else "it could not log in")
        elif name in _LABELS:
            told.append(f"{_LABELS[name]} {_value(name, value, now=now, zone=zone)}")
    return told


def page_of(entry: AuditRecord, reader: uuid.UUID) -> str:
    """The page of what it was done to, if it is the reader's and may still be there."""
    about = entry.detail.get("id")
    family = entry.action.partition(".")[0]
    if about is None or entry.owner_id != reader or entry.action in _GONE:
        return ""
    place = _PAGES.get(Family(family)) if family in set(Family) else None
    return f"{place}/{about}" if place else ""


def _value(name: str, value: object, *, now: datetime, zone: tzinfo) -> str:
    if name == "min_delay_ms" and isinstance(value, int):
        return delay(value)
    if isinstance(value, int):
        return f"{value:,}"
    if name in _INSTANTS:
        try:
            return day_and_time(datetime.fromisoformat(str(value)), now=now, zone=zone)
        except ValueError:
            return str(value)
    text = str(value)
    return "a link" if (name, text) == ("by", "link") else text
