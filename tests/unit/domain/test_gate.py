"""The gate: may this sender send now, and if not, what holds it and until when?"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from paceline.domain.gate import (
    Demand,
    Go,
    HeldBy,
    SenderStanding,
    Wait,
    Waiting,
    explain,
    judge,
)
from paceline.domain.lifecycle import CampaignState, JobState, SenderState

NOW = datetime(2026, 11, 25, 10, 30, tzinfo=UTC)
SOON = NOW + timedelta(minutes=5)
LATER = NOW + timedelta(hours=2)
WELL = SenderStanding(state=SenderState.ACTIVE, resting_until=None)
RESTING = SenderStanding(state=SenderState.ACTIVE, resting_until=LATER)


def demand(*, due: int = 0, next_due_at: datetime | None = None) -> Demand:
    return Demand(
        campaign_id=uuid.uuid4(),
        due=due,
        next_due_at=next_due_at,
        hourly_limit=None,
        min_delay_ms=0,
    )


def test_what_is_due_may_go_and_what_is_not_stays_behind() -> None:
    due, later = demand(due=3, next_due_at=NOW), demand(next_due_at=LATER)
    assert judge(WELL, [later, due], now=NOW) == Go(demands=(due,))


def test_with_nothing_due_the_lane_sleeps_until_the_earliest() -> None:
    verdict = judge(WELL, [demand(next_due_at=LATER), demand(next_due_at=SOON)], now=NOW)
    assert verdict == Wait(until=SOON, held_by=HeldBy.SCHEDULE)


def test_with_nothing_waiting_only_a_signal_wakes_the_lane() -> None:
    assert judge(WELL, [demand()], now=NOW) == Wait(until=None, held_by=None)


@pytest.mark.parametrize(
    ("state", "held_by"),
    [
        (SenderState.PAUSED, HeldBy.SENDER_PAUSED),
        (SenderState.BROKEN, HeldBy.SENDER_BROKEN),
    ],
)
def test_a_sender_that_is_stopped_holds_everything_until_a_person_acts(
    state: SenderState, held_by: HeldBy
) -> None:
    standing = SenderStanding(state=state, resting_until=None)
    verdict = judge(standing, [demand(due=1, next_due_at=NOW)], now=NOW)
    assert verdict == Wait(until=None, held_by=held_by)


def test_a_sender_whose_server_is_away_rests_and_then_goes_on() -> None:
    resting = SenderStanding(state=SenderState.ACTIVE, resting_until=SOON)
    due = demand(due=1, next_due_at=NOW)
    assert judge(resting, [due], now=NOW) == Wait(until=SOON, held_by=HeldBy.HOST_RESTING)
    assert judge(resting, [due], now=SOON) == Go(demands=(due,))


def waiting(**changes: object) -> Waiting:
    fields: dict[str, object] = {
        "job_state": JobState.SCHEDULED,
        "due_at": NOW,
        "campaign_state": CampaignState.ACTIVE,
        "sender": WELL,
        "lane_held_by": None,
        "lane_wake_at": None,
        **changes,
    }
    return Waiting(**fields)  # type: ignore[arg-type]  # a table of cases


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        (waiting(), None),
        (waiting(due_at=SOON), Wait(until=SOON, held_by=HeldBy.SCHEDULE)),
        (
            waiting(due_at=SOON, job_state=JobState.DEFERRED),
            Wait(until=SOON, held_by=HeldBy.RETRY),
        ),
        (
            waiting(campaign_state=CampaignState.PAUSED, due_at=SOON),
            Wait(until=None, held_by=HeldBy.CAMPAIGN_PAUSED),
        ),
        (
            waiting(campaign_state=CampaignState.DRAFT),
            Wait(until=None, held_by=HeldBy.CAMPAIGN_DRAFT),
        ),
        (
            waiting(sender=SenderStanding(state=SenderState.BROKEN, resting_until=None)),
            Wait(until=None, held_by=HeldBy.SENDER_BROKEN),
        ),
        (
            waiting(due_at=SOON, sender=RESTING),
            Wait(until=LATER, held_by=HeldBy.HOST_RESTING),
        ),
        (
            waiting(lane_held_by=HeldBy.HOURLY_LIMIT, lane_wake_at=LATER),
            Wait(until=LATER, held_by=HeldBy.HOURLY_LIMIT),
        ),
        (waiting(lane_held_by=HeldBy.SCHEDULE, lane_wake_at=LATER), None),
    ],
)
def test_what_holds_an_email_is_named_the_binding_constraint_first(
    email: Waiting, expected: Wait | None
) -> None:
    assert explain(email, now=NOW) == expected
