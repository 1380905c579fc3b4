"""The same subject from the same sender to the same people, within a day: meant, or once too often?

A form's token knows only its own page. This is for another draft, another tab, a list that was
uploaded twice: it is said on the review, and whoever means it goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from paceline import clock
from paceline.domain.repeats import these_recipients_get
from paceline.persistence.stores.repeats import Repeat
from paceline.web.wording import day_and_time


def notes_on(found: Sequence[Repeat], *, subject: str, zone: tzinfo) -> tuple[str, ...]:
    """What to say before it is scheduled, if anything; the same as long as nothing changes."""
    if not found:
        return ()
    first, *others = found
    at = day_and_time(first.launched_at, now=clock.now(), zone=zone)
    more = f" (and by {len(others)} more)" if others else ""
    return (
        f"{these_recipients_get(first.recipients)} “{subject.strip()}” from the same sender"
        f" by campaign “{first.name}” already, scheduled at {at}{more}. Go on only if they are to"
        " get it twice.",
    )
