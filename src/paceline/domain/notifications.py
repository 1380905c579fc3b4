"""What people are told of while they look elsewhere: its kinds, its words, when again; pure.

A text goes to a chat room or a mailbox that others may read: it names senders and campaigns, and
never a recipient, nor what a server said, which may quote one.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from paceline.domain.printing import printable

MAX_LINES = 20  # of one message; more are counted
MAX_NAME_CHARACTERS = 100
STALLED_AFTER = timedelta(minutes=10)  # that mail is due and nothing leaves
STALLED_MINUTES = STALLED_AFTER // timedelta(minutes=1)
# So many tries of one message, that long apart.
RETRIES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))
MAX_TRIES = 1 + len(RETRIES)


class Kind(StrEnum):
    """What may be told of."""

    LIMIT_REACHED = "limit_reached"
    SENDER_BROKEN = "sender_broken"
    CAMPAIGN_DONE = "campaign_done"
    DOUBTS = "doubts"
    NOTHING_GOES = "nothing_goes"


class Channel(StrEnum):
    """By which way."""

    HOOK = "hook"
    EMAIL = "email"


# The same kind about the same thing is told no sooner. A pace that is made by its limit reaches it
# hour by hour.
AGAIN_AFTER: Mapping[Kind, timedelta] = {
    Kind.LIMIT_REACHED: timedelta(hours=24),
    Kind.SENDER_BROKEN: timedelta(hours=1),
    Kind.CAMPAIGN_DONE: timedelta(hours=1),
    Kind.DOUBTS: timedelta(hours=1),
    Kind.NOTHING_GOES: timedelta(hours=1),
}
_ABOUT_SENDERS = frozenset({Kind.LIMIT_REACHED, Kind.SENDER_BROKEN, Kind.NOTHING_GOES})


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened. `about` is a sender, a campaign, or the owner; `occurrence` tells
    this time from the next. `count`: emails in doubt; `is_resting`: its server takes none for now.
    """

    owner_id: uuid.UUID
    kind: Kind
    about: uuid.UUID
    occurrence: str
    name: str = ""
    is_campaign: bool = False
    is_resting: bool = False
    sent: int = 0
    failed: int = 0
    cancelled: int = 0
    count: int = 0


def goes_by(event: Event, channel: Channel, *, sender_id: uuid.UUID | None) -> bool:
    """Whether it is told by this way. Mail does not tell of its own sender, behind whose trouble it
    would wait."""
    its_own = event.kind in _ABOUT_SENDERS and event.about == sender_id
    return channel is Channel.HOOK or not its_own


def message(events: Sequence[Event], *, base_url: str) -> str:
    """All of them in one text. Its first line says what it is about."""
    if len(events) == 1:
        return f"{sentence(events[0])}\n{_link(events[0], base_url)}"
    lines = [f"- {sentence(event)} {_link(event, base_url)}" for event in events[:MAX_LINES]]
    if len(events) > MAX_LINES:
        lines.append(f"- … and {len(events) - MAX_LINES:,} more: {base_url}/")
    return "\n".join([f"{len(events):,} things happened.", *lines])


def sentence(event: Event) -> str:
    """What happened."""
    thing = "Campaign" if event.is_campaign else "Sender"
    name = f"{thing} “{printable(event.name[:MAX_NAME_CHARACTERS])}”"
    match event.kind:
        case Kind.LIMIT_REACHED:
            return f"{name} has reached its hourly limit; the rest waits for the next hour."
        case Kind.SENDER_BROKEN:
            return f"{name} sends nothing until somebody mends it."
        case Kind.CAMPAIGN_DONE:
            return f"{name} is done: {_counts(event)}."
        case Kind.DOUBTS:
            one = event.count == 1
            told = "1 email is" if one else f"{event.count:,} emails are"
            return f"{told} in doubt and {'needs' if one else 'need'} a decision."
        case Kind.NOTHING_GOES:
            why = ": its server takes none for now" if event.is_resting else ""
            return f"{name} has mail due, and for {STALLED_MINUTES} minutes none has left{why}."


def retry_after(tries: int) -> timedelta | None:
    """How long to wait after so many tries in vain; None: that was the last one."""
    return RETRIES[tries - 1] if tries <= len(RETRIES) else None


def _counts(event: Event) -> str:
    counted = {
        "sent": event.sent,
        "failed": event.failed,
        "in doubt": event.count,
        "cancelled": event.cancelled,
    }
    return ", ".join(f"{n:,} {what}" for what, n in counted.items() if n or what == "sent")


def _link(event: Event, base_url: str) -> str:
    if event.kind is Kind.DOUBTS:
        return f"{base_url}/emails?tab=in_doubt"
    return f"{base_url}/{'campaigns' if event.is_campaign else 'senders'}/{event.about}"
