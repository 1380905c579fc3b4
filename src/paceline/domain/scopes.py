"""What an API key may do. Each scope holds the ones before it; pure."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """How far a key reaches, the narrowest first."""

    READ = "read"  # look at everything of its owner's, change nothing
    SEND = "send"  # and write, launch and stop campaigns and emails, suppress addresses
    ADMIN = "admin"  # and change senders and keys, let suppressed addresses be mailed again

    def covers(self, needed: Scope) -> bool:
        """Whether a key of this scope may do what needs the other."""
        order = list(Scope)
        return order.index(self) >= order.index(needed)
