"""What people, and rules that people have set, decide about emails: one, or a campaign's. Pure."""

from __future__ import annotations

from enum import StrEnum


class Decision(StrEnum):
    """What was decided. What a server or an attempt decides is evidence, and kept as attempts."""

    CHANGED = "changed"
    MOVED = "moved"
    CANCELLED = "cancelled"
    MARKED_SENT = "marked_sent"
    SENT_AGAIN = "sent_again"
    RETRIED = "retried"


class CampaignDecision(StrEnum):
    """What was decided about a whole campaign, as the story of each of its emails tells it."""

    LAUNCHED = "campaign_launched"
    MOVED = "campaign_moved"
    PAUSED = "campaign_paused"
    RESUMED = "campaign_resumed"
    CANCELLED = "campaign_cancelled"
