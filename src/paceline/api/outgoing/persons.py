"""What was wiped."""

from __future__ import annotations

from paceline.api.outgoing.base import Shown
from paceline.services.persons import Suppressed


class WipedOut(Shown):
    """How many emails, `cancelled` and `settled` (in doubt, now sent) among them; drafts' `lists`
    that were removed; in how many `rows` of which table the address was taken out."""

    emails: int
    cancelled: int
    settled: int
    suppression: Suppressed | None
    lists: int
    rows: dict[str, int]
    left: dict[str, int]
    under_way: int
