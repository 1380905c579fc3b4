"""How long a limit may last: as it says itself, or by the period that it names."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import Enum

from paceline.domain.replies.words import plain


class Span(Enum):
    """How long the limit that a server speaks of lasts."""

    MOMENT = "moment"  # by the second or the minute
    HOUR = "hour"
    DAY = "day"
    UNSAID = "unsaid"


_SPANS = (
    (
        Span.MOMENT,
        r"per (?:second|(?:\d+ )?minute)|messages/s|/sec|/ ?(?:1 ?)?m(?:in)?\b|"
        r"login|authenticat",
    ),
    (Span.DAY, r"\b(?:24|12)[ -]?h"),
    (Span.HOUR, r"hour(?!s)|\b60 ?min|\bstunde|\bheure\b|60 minutes|(?:/|per) ?1 ?h"),
    (
        Span.DAY,
        r"\bda(?:y|ily)\b|\bday'?s\b|month|week|\btag|\bjour|credits?\b|today|tomorrow",
    ),
)
# "try again in 60 seconds", "quota will reset in 11.02 hours", "wait 10 minutes", "banned for 1 h"
_STATED = re.compile(
    r"\b(?:again|retry|later|back|wait|resets?|resum\w+|blocked|banned|suspended|paused|throttled|"
    r"deferred|restricted|rejected|greylisted)\W+"
    r"(?:(?:at|least|about|for|in|after|within|another|the|next) )*"
    r"(\d{1,5}(?:[.,]\d{1,3})?) ?(s|m|h|d)"
    r"(?:ec|econd|in|inute|r|our|ay)?s?\b"
)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def span_of(text: str) -> Span:
    """For how long a limit may hold, by the words about it."""
    words = plain(text)
    return next((span for span, said in _SPANS if re.search(said, words)), Span.UNSAID)


def stated_wait(text: str) -> timedelta | None:
    """How long to wait, where a server says so."""
    found = _STATED.search(plain(text))
    if found is None:
        return None
    return timedelta(**{_UNITS[found[2]]: float(found[1].replace(",", "."))})
