"""Every state has its words, and every email its tab."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from paceline.domain.gate import HeldBy
from paceline.domain.lifecycle import CampaignState, EmailList, FailureReason, JobState, SenderState
from paceline.web import states, wording

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("state", JobState)
def test_every_state_of_an_email_has_a_badge_and_one_tab(state: JobState) -> None:
    assert states.email_badge(state).label
    assert sum(state in which.states for which in EmailList) == 1
    assert set(states.TABS) == set(EmailList)


@pytest.mark.parametrize("state", CampaignState)
def test_every_state_of_a_campaign_has_a_badge(state: CampaignState) -> None:
    assert states.campaign_badge(state, start_at=None, now=NOW).label


@pytest.mark.parametrize("state", SenderState)
def test_every_state_of_a_sender_has_a_badge(state: SenderState) -> None:
    assert states.SENDER_BADGES[state].label


@pytest.mark.parametrize("held_by", HeldBy)
def test_every_reason_to_wait_is_a_sentence(held_by: HeldBy) -> None:
    sentence = wording.why_waiting(held_by, NOW + timedelta(hours=5), now=NOW, zone=UTC)
    assert sentence.endswith(".")
    assert "{" not in sentence
    assert states.held_tone(held_by)


@pytest.mark.parametrize("held_by", sorted(set(HeldBy) - {HeldBy.MIN_DELAY}))
def test_every_reason_for_a_campaign_to_stand_still_is_a_sentence(held_by: HeldBy) -> None:
    assert wording.why_standing(held_by, NOW, now=NOW, zone=UTC).endswith(".")


def test_a_campaign_that_merely_paces_itself_does_not_stand_still() -> None:
    assert wording.why_standing(HeldBy.MIN_DELAY, NOW, now=NOW, zone=UTC) == ""


@pytest.mark.parametrize("reason", FailureReason)
def test_every_failure_is_a_sentence(reason: FailureReason) -> None:
    assert wording.why_failed(reason).endswith(".")


def test_a_waiting_email_shows_that_its_campaign_is_paused() -> None:
    badge = states.email_badge(JobState.SCHEDULED, HeldBy.CAMPAIGN_PAUSED)
    assert badge.label == "Paused"


def test_an_email_that_is_out_already_does_not_show_a_pause() -> None:
    assert states.email_badge(JobState.SENT, HeldBy.CAMPAIGN_PAUSED).label == "Sent"


def test_a_campaign_whose_time_is_to_come_is_scheduled_rather_than_running() -> None:
    later = NOW + timedelta(hours=1)
    assert states.campaign_badge("active", start_at=later, now=NOW).label == "Scheduled"
    assert states.campaign_badge("active", start_at=NOW, now=NOW).label == "Running"


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("550 5.7.1 not you", "It said: 550 5.7.1 not you"),
        ("421-busy", "It said: 421-busy"),
        ("cannot connect to mail.example.com:587", "cannot connect to mail.example.com:587"),
        ("5875 octets", "5875 octets"),
        (None, ""),
    ],
)
def test_only_a_server_that_answered_is_quoted(reason: str | None, told: str) -> None:
    assert wording.as_told(reason) == told


def test_nothing_is_ever_called_delivered() -> None:
    badges = [*states.EMAIL_BADGES.values(), *states.CAMPAIGN_BADGES.values()]
    assert not any("deliver" in badge.label.lower() for badge in badges)
