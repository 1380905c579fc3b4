"""How much of the installation one owner, or one address, may take up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from paceline.settings.values import number

_MOST = 1_000_000
_MIB = 1024 * 1024
IDEMPOTENCY_KEYS = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class ShareSettings:
    """Requests in a minute, of one owner, and of one address that nobody knows; and what is kept:
    of one owner, and by the dev inbox, which belongs to the installation."""

    requests_per_minute: int = 30_000
    strangers_per_minute: int = 60
    senders: int = 1_000
    emails: int = 50_000_000
    stored_octets: int = 20 * 1024 * _MIB  # attachments, and single emails' bodies
    idempotency_keys: int = IDEMPOTENCY_KEYS  # used within a day; forms that were sent count apart
    inbox_octets: int = 1024 * _MIB


def read_shares(env: Mapping[str, str]) -> ShareSettings:
    """The bounds."""
    return ShareSettings(
        requests_per_minute=number(env, "PACELINE_REQUESTS_PER_MINUTE", 30_000, 60, _MOST),
        strangers_per_minute=number(env, "PACELINE_SIGN_INS_PER_MINUTE", 60, 5, _MOST),
        senders=number(env, "PACELINE_SENDERS_PER_OWNER", 1_000, 1, _MOST),
        emails=number(env, "PACELINE_EMAILS_PER_OWNER", 50_000_000, 1, 10_000 * _MOST),
        stored_octets=_MIB * number(env, "PACELINE_STORED_MIB_PER_OWNER", 20 * 1024, 1, 64 * _MOST),
        idempotency_keys=number(
            env, "PACELINE_IDEMPOTENCY_KEYS_PER_OWNER", IDEMPOTENCY_KEYS, 10_000, 100 * _MOST
        ),
        inbox_octets=_MIB * number(env, "PACELINE_INBOX_MIB", 1024, 1, _MOST),
    )
