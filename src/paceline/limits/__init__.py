"""The only door to the counters in Redis: hourly limits and minimum gaps.

They fail closed: what cannot be counted is not granted. They are never the truth: a counter that
is missing is rebuilt from the evidence in PostgreSQL before anything is granted. Buckets, which
guard the processes from too many requests, do neither (`buckets.py`).
"""

from paceline.limits.bookings import (
    Budget,
    CampaignBudget,
    Denied,
    Granted,
    LimitsUnavailable,
    Reservation,
    Slot,
    SpentSoFar,
    SpentSource,
)
from paceline.limits.buckets import Bucket, Buckets, Taken
from paceline.limits.counters import Limits

__all__ = [
    "Bucket",
    "Buckets",
    "Budget",
    "CampaignBudget",
    "Denied",
    "Granted",
    "Limits",
    "LimitsUnavailable",
    "Reservation",
    "Slot",
    "SpentSoFar",
    "SpentSource",
    "Taken",
]
