"""What people, and rules that people have set, decide about one email. Pure."""

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
