"""When will it be this email's turn? Arithmetic over a minimum delay and an hourly limit.

Hours are UTC clock hours, as the limits count them (`limits/`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

HOUR = timedelta(hours=1)


def hour_of(moment: datetime) -> datetime:
    """The start of the UTC hour that `moment` falls in."""
    return moment.replace(minute=0, second=0, microsecond=0)


def estimate(
    *,
    release_at: datetime,
    ahead: int,
    min_delay_ms: int,
    hourly_limit: int | None,
    left_this_hour: int | None = None,
) -> datetime:
    """When an email goes out that may go from `release_at` on, with `ahead` others before it.

    `left_this_hour` is what the limit still allows in the hour of `release_at` (None: all of it).
    An estimate for an undisturbed run: it knows of no failures, retries or other campaigns.
    """
    gap = timedelta(milliseconds=min_delay_ms)
    if hourly_limit is None:
        return release_at + ahead * gap
    # No hour holds more than the limit, nor more than fit between its ends at that gap.
    per_hour = min(hourly_limit, HOUR // gap) if gap else hourly_limit
    per_hour = max(per_hour, 1)
    hour_ends = hour_of(release_at) + HOUR
    first_hour = min(
        hourly_limit if left_this_hour is None else left_this_hour,
        ((hour_ends - release_at - timedelta(microseconds=1)) // gap + 1) if gap else hourly_limit,
    )
    if ahead < first_hour:
        return release_at + ahead * gap
    if hourly_limit * gap >= HOUR:  # the gap alone keeps every hour within the limit
        start = release_at
        if left_this_hour is not None and release_at + left_this_hour * gap < hour_ends:
            start = hour_ends - max(left_this_hour, 0) * gap
        return start + ahead * gap
    hours, rank = divmod(ahead - max(first_hour, 0), per_hour)
    return hour_ends + hours * HOUR + rank * gap
