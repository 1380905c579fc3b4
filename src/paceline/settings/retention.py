"""For how long what is over is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from paceline.errors import SettingsError
from paceline.settings.values import number

# Longer than whatever is still counted from evidence: an hour of limits, a day between two emails.
LEAST_DAYS = 7
_MOST_DAYS = 36_500
AUDIT_DAYS = 400  # thirteen months: last year's can be compared


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionSettings:
    """Each since it was over, or last changed. None: for ever."""

    content: timedelta | None = None  # what emails said, and their recipients' merge fields
    attempts: timedelta | None = None  # with servers' replies, dialogues and decisions
    audit: timedelta | None = timedelta(days=AUDIT_DAYS)
    inbox: timedelta | None = None  # the dev inbox is bounded by number and size anyway
    drafts: timedelta | None = None
    imports: timedelta | None = None  # the refused rows of imported lists


def read_retention(env: Mapping[str, str]) -> RetentionSettings:
    """From PACELINE_KEEP_*_DAYS; 0: for ever."""
    return RetentionSettings(
        content=_kept(env, "PACELINE_KEEP_CONTENT_DAYS"),
        attempts=_kept(env, "PACELINE_KEEP_ATTEMPTS_DAYS"),
        audit=_kept(env, "PACELINE_KEEP_AUDIT_DAYS", AUDIT_DAYS),
        inbox=_kept(env, "PACELINE_KEEP_INBOX_DAYS"),
        drafts=_kept(env, "PACELINE_KEEP_DRAFTS_DAYS"),
        imports=_kept(env, "PACELINE_KEEP_IMPORTS_DAYS"),
    )


def _kept(env: Mapping[str, str], name: str, default: int = 0) -> timedelta | None:
    days = number(env, name, default, 0, _MOST_DAYS)
    if 0 < days < LEAST_DAYS:
        raise SettingsError(f"{name} must be 0 (for ever) or at least {LEAST_DAYS}, not {days}")
    return timedelta(days=days) if days else None
