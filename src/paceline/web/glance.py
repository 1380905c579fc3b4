"""The dashboard's figures: a card for each list, this hour's limits, and the day as a chart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from paceline.domain.lifecycle import EmailList
from paceline.services.activity import MOST, Activity, Run
from paceline.services.status import Allowance
from paceline.services.views import Overview
from paceline.web.timetable import Pace, planned_in

SPARK_WIDTH, SPARK_HEIGHT = 80, 28  # of its drawing, without a unit
MAX_METERS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """How many emails a list holds. `per_hour`: of the last 24 hours; () where none is kept."""

    which: EmailList
    count: int
    per_hour: tuple[int, ...]

    @property
    def lately(self) -> int:
        """How many came to it in these hours."""
        return sum(self.per_hour)

    @property
    def is_more(self) -> bool:
        """Whether there were more than are counted."""
        return any(n >= MOST for n in self.per_hour)

    @property
    def line(self) -> str:
        """The hours as points of an SVG polyline."""
        highest, step = max(self.per_hour), SPARK_WIDTH / (len(self.per_hour) - 1)
        room = SPARK_HEIGHT - 2
        return " ".join(
            f"{index * step:.1f},{SPARK_HEIGHT - 1 - room * n / highest:.1f}"
            for index, n in enumerate(self.per_hour)
        )


def cards(overview: Overview, activity: Activity) -> list[Card]:
    """One for each list, in the order of the sidebar."""
    return [
        Card(
            which=which,
            count=getattr(overview, which),
            per_hour=activity.ended.get(which, ()),
        )
        for which in EmailList
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitShown:
    """One hourly limit, and whose it is."""

    whose: str
    kind: str
    href: str
    hourly: Allowance


def meters(overview: Overview) -> list[LimitShown]:
    """Of senders and of running campaigns, the fullest first."""
    found = [
        LimitShown(
            whose=sender.address,
            kind="Sender",
            href=f"/senders/{sender.sender_id}",
            hourly=sender.hourly,
        )
        for sender in overview.now.senders
        if sender.hourly is not None
    ]
    found += [
        LimitShown(
            whose=campaign.name,
            kind="Campaign",
            href=f"/campaigns/{campaign.campaign_id}",
            hourly=campaign.hourly,
        )
        for campaign in overview.campaigns
    ]
    return sorted(found, key=lambda limit: -limit.hourly.share)[:MAX_METERS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """What was planned for an hour, and sent in it. `is_more`: no further was counted."""

    begins_at: datetime
    planned: int
    sent: int

    @property
    def is_more(self) -> bool:
        return self.sent >= MOST


def day(activity: Activity) -> list[Hour]:
    """The last 24 hours, the present one last."""
    planned = _planned(activity.hours, activity.runs)
    sent = activity.ended[EmailList.SENT]
    return [
        Hour(begins_at=hour, planned=plan, sent=n)
        for hour, plan, n in zip(activity.hours, planned, sent, strict=True)
    ]


def day_series(hours: Sequence[Hour], zone: tzinfo) -> list[dict[str, object]]:
    """The same as `<bar-chart>` reads it; [] where nothing was planned and nothing sent."""
    if not any(hour.planned or hour.sent for hour in hours):
        return []
    return [
        {
            "t": hour.begins_at.astimezone(zone).strftime("%H:%M"),
            "sent": hour.sent,
            "planned": hour.planned,
        }
        for hour in hours
    ]


def _planned(hours: Sequence[datetime], runs: Sequence[Run]) -> list[int]:
    """What the campaigns' paces allow in each hour; of one sender, no more than its own."""
    by_sender: dict[object, list[Run]] = defaultdict(list)
    for run in runs:
        by_sender[run.sender_id].append(run)
    total = [0] * len(hours)
    for of_one in by_sender.values():
        own = Pace(
            min_delay_ms=of_one[0].sender_min_delay_ms, hourly_limit=of_one[0].sender_hourly_limit
        )
        plans = [
            planned_in(hours, run.emails, start_at=run.begins_at, pace=_pace(run, own))
            for run in of_one
        ]
        for index, planned in enumerate(map(sum, zip(*plans, strict=True))):
            total[index] += planned if own.per_hour is None else min(planned, own.per_hour)
    return total


def _pace(run: Run, own: Pace) -> Pace:
    return Pace(min_delay_ms=run.min_delay_ms, hourly_limit=run.hourly_limit).tightened_by(own)
