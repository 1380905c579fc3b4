"""Under which limits an email was claimed: when they change, it is to be claimed anew."""

from __future__ import annotations

import uuid
from typing import NamedTuple

from paceline.domain.gate import Demand
from paceline.domain.lifecycle import SenderState
from paceline.persistence.standing import LaneView


class Terms(NamedTuple):
    """The limits of one campaign (None: single emails) and of its sender."""

    campaign_id: uuid.UUID | None
    hourly_limit: int | None
    min_delay_ms: int
    senders_hourly_limit: int | None
    senders_min_delay_ms: int


def terms(view: LaneView, demand: Demand) -> Terms:
    """Those of one campaign's emails."""
    return Terms(
        campaign_id=demand.campaign_id,
        hourly_limit=demand.hourly_limit,
        min_delay_ms=demand.min_delay_ms,
        senders_hourly_limit=view.hourly_limit,
        senders_min_delay_ms=view.min_delay_ms,
    )


def all_terms(view: LaneView) -> frozenset[Terms]:
    """Those under which emails may go now; none while the sender may not send."""
    if view.standing.state is not SenderState.ACTIVE:
        return frozenset()
    return frozenset(terms(view, demand) for demand in view.demands)
