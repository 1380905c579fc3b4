"""Versions of what can be patched: what a person decides about it, and nothing that merely counts.

A running campaign sends ten emails a second. Were its counters part of the version, "only if nobody
has changed it" could never be said about it (ADR 0015).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from paceline.domain.lifecycle import JobState
from paceline.errors import Outdated
from paceline.persistence.stores.campaigns import CampaignRecord
from paceline.persistence.stores.email_records import EmailRecord
from paceline.persistence.stores.emails import JobRecord
from paceline.persistence.stores.senders import SenderRecord

_CAMPAIGN = (
    *("id", "sender_id", "name", "subject", "text_body", "html_body", "start_at", "time_zone"),
    *("min_delay_ms", "hourly_limit", "doubt_policy", "expires_after_hours", "state", "total"),
)
_SENDER = (
    *("id", "name", "from_address", "from_name", "smtp_host", "smtp_port", "smtp_security"),
    *("smtp_auth", "smtp_username", "smtp_password", "smtp_grant", "hourly_limit"),
    *("min_delay_ms", "max_connections", "state", "dkim_selector", "dkim_domain", "dkim_algorithm"),
)
_DIGITS = 16  # 64 bits: nobody looks for a collision with their own campaign


@dataclass(frozen=True, slots=True)
class Only:
    """For which versions something is to be done. None: for whichever there is."""

    versions: frozenset[str] | None = None

    def check(self, current: str) -> None:
        """Raises `Outdated`. To be asked within the transaction that makes the change."""
        if self.versions is not None and current not in self.versions:
            raise Outdated(current)


ANY = Only()


def version_of_campaign(record: CampaignRecord) -> str:
    """Changes with its content, its pace, its state and its recipients."""
    return _digest([getattr(record, name) for name in _CAMPAIGN])


def version_of_sender(record: SenderRecord) -> str:
    """Changes with its account (the password, too), its limits and its state."""
    return _digest([getattr(record, name) for name in _SENDER])


def version_of_email(record: EmailRecord | JobRecord) -> str:
    """Changes with what it says, its recipient, its time and its state."""
    email_id = record.email_id if isinstance(record, JobRecord) else record.id
    return _digest([email_id, JobState(record.state).value, record.scheduled_at, record.edition])


def _digest(parts: list[object]) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
