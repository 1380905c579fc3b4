"""The table of states: what may follow what."""

from __future__ import annotations

import pytest

from paceline.domain.lifecycle import (
    FINAL,
    IN_FLIGHT,
    UNFINISHED,
    WAITING,
    CampaignEvent,
    CampaignState,
    JobEvent,
    JobState,
    after,
    campaign_after,
    job_transitions,
)
from paceline.errors import Conflict


def test_an_accepted_email_is_sent_and_stays_sent() -> None:
    assert after(JobState.SENDING, JobEvent.ACCEPT) is JobState.SENT
    assert not [event for before, event, _ in job_transitions() if before is JobState.SENT]


def test_losing_sight_after_the_dot_is_doubt_and_never_a_soft_failure() -> None:
    assert after(JobState.SENDING, JobEvent.LOSE_SIGHT) is JobState.IN_DOUBT


def test_an_email_that_is_leaving_cannot_be_cancelled() -> None:
    with pytest.raises(Conflict, match="sending"):
        after(JobState.SENDING, JobEvent.CANCEL)


def test_late_evidence_can_still_turn_a_waiting_email_into_sent() -> None:
    for state in (*WAITING, JobState.IN_DOUBT):
        assert after(state, JobEvent.ACCEPT) is JobState.SENT


def test_every_state_that_is_not_final_has_an_exit() -> None:
    exits = {before for before, _, _ in job_transitions()}
    assert set(JobState) - FINAL <= exits


def test_every_state_but_the_first_can_be_reached() -> None:
    assert {then for _, _, then in job_transitions()} == set(JobState)


def test_the_groups_of_states_cover_all_but_doubt_without_overlap() -> None:
    assert set(JobState) == WAITING | IN_FLIGHT | FINAL | {JobState.IN_DOUBT}
    assert UNFINISHED == WAITING | IN_FLIGHT
    assert not WAITING & IN_FLIGHT
    assert not UNFINISHED & FINAL


def test_a_campaign_can_be_paused_and_resumed_but_not_launched_twice() -> None:
    paused = campaign_after(CampaignState.ACTIVE, CampaignEvent.PAUSE)
    assert campaign_after(paused, CampaignEvent.RESUME) is CampaignState.ACTIVE
    with pytest.raises(Conflict, match="cannot launch a campaign that is active"):
        campaign_after(CampaignState.ACTIVE, CampaignEvent.LAUNCH)
