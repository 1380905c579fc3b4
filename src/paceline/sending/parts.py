"""What turns work with; one of each per worker process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from paceline.limits import Limits
from paceline.persistence.ledger import Ledger
from paceline.persistence.standing import Standing
from paceline.sending.content import Content
from paceline.sending.crowding import Crowding
from paceline.sending.handover import Handover
from paceline.sending.leases import Leases
from paceline.sending.neighbours import Neighbours
from paceline.sending.resting import SenderHealth
from paceline.sending.shares import LaneShares


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that a turn asks or tells."""

    standing: Standing
    ledger: Ledger
    leases: Leases
    limits: Limits
    content: Content
    handover: Handover
    health: SenderHealth
    crowding: Crowding
    shares: LaneShares  # of the lanes at work
    waiting_shares: LaneShares  # of all, with those that have stepped aside
    neighbours: Neighbours
    stopping: asyncio.Event
