"""How much of the installation one owner, or one address, may take up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from paceline.settings.values import number

_MOST = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class ShareSettings:
    """Requests in a minute: of one owner, and of one address that nobody knows."""

    requests_per_minute: int = 30_000
    strangers_per_minute: int = 60


def read_shares(env: Mapping[str, str]) -> ShareSettings:
    """The bounds."""
    return ShareSettings(
        requests_per_minute=number(env, "PACELINE_REQUESTS_PER_MINUTE", 30_000, 60, _MOST),
        strangers_per_minute=number(env, "PACELINE_SIGN_INS_PER_MINUTE", 60, 5, _MOST),
    )
