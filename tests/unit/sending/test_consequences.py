"""What follows from the end of an attempt: for the email, its address, its sender, its limits."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from paceline.delivery import Kind, Phase, Reply, Result, Scope
from paceline.domain.lifecycle import FailureReason, JobState
from paceline.persistence.ledger import Attempt
from paceline.sending.consequences import (
    MAX_DEFERRALS,
    MAX_SPARED,
    SPARED_AT_MAIL_FOR,
    Consequence,
    History,
    SenderEffect,
    consequence,
    released,
    unsendable,
)

ATTEMPT = Attempt(uuid.uuid4(), 1)
EXPIRES_AFTER = timedelta(days=3)
NEW = History(deferrals=0, tries=0, age=timedelta(0), expires_after=EXPIRES_AFTER)
DOT = datetime(2026, 11, 25, tzinfo=UTC)


def result(
    kind: Kind,
    *,
    phase: Phase = Phase.DOT,
    code: int | None = None,
    enhanced: str | None = None,
    text: str = "as it said",
    scope: Scope = Scope.MESSAGE,
) -> Result:
    reply = None if code is None else Reply(code=code, enhanced=enhanced, text=text)
    written = DOT if phase is Phase.DOT and kind is not Kind.FENCED else None
    return Result(
        kind=kind, phase=phase, reply=reply, detail="detail", scope=scope, dot_written_at=written
    )


def decide(ended: Result, history: History = NEW) -> Consequence:
    return consequence(ATTEMPT, ended, history, roll=0.5)


def test_an_accepted_email_is_sent_and_counts_against_the_limits() -> None:
    decided = decide(result(Kind.SENT, code=250, enhanced="2.0.0"))
    assert decided.outcome.state is JobState.SENT
    assert decided.left


def test_a_connection_lost_after_the_dot_is_doubt_and_keeps_its_booking() -> None:
    decided = decide(result(Kind.IN_DOUBT))
    assert decided.outcome.state is JobState.IN_DOUBT
    assert decided.left


def test_a_fenced_attempt_leaves_the_email_as_it_was() -> None:
    decided = decide(result(Kind.FENCED))
    assert decided.outcome.state is JobState.SCHEDULED
    assert decided.outcome.retry_in is None
    assert not decided.left


def test_a_refusal_for_now_waits_and_uses_up_one_try() -> None:
    decided = decide(result(Kind.REJECTED, phase=Phase.RCPT, code=451))
    assert decided.outcome.state is JobState.DEFERRED
    assert decided.outcome.is_deferral
    assert decided.outcome.retry_in == timedelta(minutes=5) * 1.25
    assert not decided.left


@pytest.mark.parametrize(
    ("age", "wait"),
    [
        (timedelta(0), timedelta(hours=1)),
        (timedelta(minutes=40), timedelta(minutes=20)),
        (timedelta(hours=2), timedelta(minutes=5)),  # as if nothing were asked for
    ],
)
def test_a_wait_that_a_server_asks_for_is_none_beyond_the_time_of_an_email(
    age: timedelta, wait: timedelta
) -> None:
    full = result(Kind.REJECTED, phase=Phase.RCPT, code=451, text="try again in 24 hours")
    impatient = replace(NEW, age=age, expires_after=timedelta(hours=1))
    assert decide(full, impatient).outcome.retry_in == wait * 1.25


def test_each_refusal_for_now_waits_longer_than_the_one_before() -> None:
    ended = result(Kind.REJECTED, phase=Phase.RCPT, code=451)
    waits = [
        decide(ended, replace(NEW, deferrals=n, age=timedelta(0))).outcome.retry_in or timedelta(0)
        for n in range(MAX_DEFERRALS)
    ]
    assert waits == sorted(set(waits))


def test_after_the_last_try_the_email_has_failed_for_that_reason() -> None:
    ended = result(Kind.REJECTED, phase=Phase.RCPT, code=451)
    decided = decide(ended, replace(NEW, deferrals=MAX_DEFERRALS, age=timedelta(hours=1)))
    assert decided.outcome.failure_reason is FailureReason.ATTEMPTS_EXHAUSTED


@pytest.mark.parametrize(("hours", "tries"), [(1, 5), (2, 6), (6, 7)])
def test_an_email_expires_once_it_has_waited_so_long_after_refusals_of_its_own(
    hours: int, tries: int
) -> None:
    # 5, 15, 30, 60, 120 and 240 minutes after one another.
    ended = result(Kind.REJECTED, phase=Phase.RCPT, code=451)
    impatient = replace(NEW, expires_after=timedelta(hours=hours))
    reasons = [
        decide(ended, replace(impatient, deferrals=n)).outcome.failure_reason for n in range(tries)
    ]
    assert reasons == [None] * (tries - 1) + [FailureReason.EXPIRED]


def test_an_email_that_waited_for_days_for_its_sender_has_all_its_tries_of_its_own() -> None:
    ended = result(Kind.REJECTED, phase=Phase.RCPT, code=451)
    waited = replace(NEW, tries=60, age=10 * EXPIRES_AFTER)
    for deferrals in range(MAX_DEFERRALS):
        assert decide(ended, replace(waited, deferrals=deferrals)).outcome.is_deferral


def test_no_such_mailbox_fails_and_suppresses() -> None:
    decided = decide(result(Kind.REJECTED, phase=Phase.RCPT, code=550, enhanced="5.1.1"))
    assert decided.outcome.failure_reason is FailureReason.HARD_BOUNCE
    assert decided.outcome.suppress


def test_a_refusal_by_policy_fails_and_suppresses_nobody() -> None:
    decided = decide(result(Kind.REJECTED, code=550, enhanced="5.7.1"))
    assert decided.outcome.failure_reason is FailureReason.REJECTED
    assert not decided.outcome.suppress
    assert decided.sender is SenderEffect.SUSPECT
    assert decided.left  # the provider has seen it, and will have counted it


def test_a_refusal_by_policy_of_one_recipient_is_no_suspicion_of_its_sender() -> None:
    decided = decide(result(Kind.REJECTED, phase=Phase.RCPT, code=554, enhanced="5.7.1"))
    assert decided.outcome.failure_reason is FailureReason.REJECTED
    assert decided.sender is SenderEffect.SHUNNED


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("try again in 5 seconds", timedelta(seconds=5)),
        ("try again in 5 hours", timedelta(minutes=1)),  # its sender rests that long
        ("busy", timedelta(minutes=1)),
    ],
)
def test_an_email_that_is_spared_goes_behind_the_others_no_longer_than_is_asked_for(
    said: str, wait: timedelta
) -> None:
    busy = result(Kind.REJECTED, phase=Phase.RCPT, code=450, enhanced="4.3.2", text=said)
    decided = decide(busy)
    assert decided.sender is SenderEffect.REST
    assert not decided.outcome.is_deferral
    assert decided.outcome.retry_in == wait


def test_an_email_that_is_refused_for_now_is_tried_when_the_server_says() -> None:
    busy = result(Kind.REJECTED, phase=Phase.RCPT, code=450, enhanced="4.2.1", text="wait 30 s")
    first, second = (decide(busy, replace(NEW, deferrals=n)).outcome for n in (0, 1))
    assert first.is_deferral
    assert first.retry_in is not None
    assert first.retry_in < timedelta(minutes=1)
    assert second.retry_in is not None
    assert second.retry_in >= timedelta(minutes=15)


@pytest.mark.parametrize("code", [535, 530])
def test_a_refused_log_in_stops_the_sender_and_fails_nobody(code: int) -> None:
    decided = decide(result(Kind.REJECTED, phase=Phase.AUTH, code=code, scope=Scope.SENDER))
    assert decided.sender is SenderEffect.BREAK
    assert decided.outcome.state is JobState.SCHEDULED
    assert not decided.outcome.is_deferral


def test_an_email_that_a_server_hangs_up_on_at_mail_goes_behind_the_others() -> None:
    decided = decide(result(Kind.NOT_SENT, phase=Phase.MAIL, scope=Scope.HOST))
    assert decided.sender is SenderEffect.REST
    assert decided.outcome.state is JobState.SCHEDULED
    assert decided.outcome.retry_in == timedelta(minutes=1)
    assert not decided.outcome.is_deferral


@pytest.mark.parametrize("phase", [Phase.AUTH, Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.DOT])
def test_a_quota_that_is_used_up_fails_nobody_and_uses_up_no_try(phase: Phase) -> None:
    old = replace(NEW, deferrals=MAX_DEFERRALS, age=EXPIRES_AFTER)
    decided = decide(result(Kind.REJECTED, phase=phase, code=550, enhanced="5.4.5"), old)
    assert decided.outcome.state is JobState.DEFERRED
    assert not decided.outcome.is_deferral
    assert decided.sender is SenderEffect.LIMIT


def test_a_quota_met_at_one_email_puts_it_behind_the_others_each_time_further() -> None:
    ended = result(Kind.REJECTED, phase=Phase.RCPT, code=550, enhanced="5.4.5")
    waits = [decide(ended, replace(NEW, tries=n)).outcome.retry_in for n in (0, 1, 2, 80)]
    assert waits == [timedelta(minutes=n) for n in (1, 2, 3, 60)]


def test_an_email_that_meets_a_quota_at_every_one_of_a_hundred_tries_uses_up_its_own() -> None:
    ended = result(Kind.REJECTED, phase=Phase.RCPT, code=550, enhanced="5.4.5")
    assert not decide(ended, replace(NEW, tries=MAX_SPARED - 1)).outcome.is_deferral
    assert decide(ended, replace(NEW, tries=MAX_SPARED)).outcome.is_deferral
    # What was charged to it before was none of what it was spared.
    also_greylisted = replace(NEW, tries=MAX_SPARED + 1, deferrals=2)
    assert not decide(ended, also_greylisted).outcome.is_deferral


def test_a_number_of_attempts_says_nothing_of_an_email_that_only_waited_for_its_turn() -> None:
    ended = result(Kind.REJECTED, phase=Phase.RCPT, code=550, enhanced="5.4.5")
    claimed_often = Attempt(ATTEMPT.email_id, 5 * MAX_SPARED)  # and handed back, or retried since
    decided = consequence(claimed_often, ended, replace(NEW, age=EXPIRES_AFTER), roll=0.5)
    assert decided.outcome.state is JobState.SCHEDULED
    assert decided.outcome.retry_in == timedelta(minutes=1)


AT_MAIL = [
    result(Kind.REJECTED, phase=Phase.MAIL, code=452, enhanced="4.3.1", scope=Scope.HOST),
    result(Kind.REJECTED, phase=Phase.MAIL, code=451, scope=Scope.HOST),
    result(Kind.REJECTED, phase=Phase.MAIL, code=421, scope=Scope.HOST),
    result(Kind.REJECTED, phase=Phase.MAIL, code=550, enhanced="5.4.5", scope=Scope.SENDER),
    result(Kind.REJECTED, phase=Phase.MAIL, code=452, enhanced="4.5.3", scope=Scope.HOST),
    result(Kind.NOT_SENT, phase=Phase.MAIL, scope=Scope.HOST),
]


@pytest.mark.parametrize("ended", AT_MAIL)
def test_what_one_email_meets_at_mail_for_days_and_a_hundred_times_ends(ended: Result) -> None:
    history = replace(NEW, tries=MAX_SPARED, age=SPARED_AT_MAIL_FOR)
    for _ in range(MAX_DEFERRALS):
        decided = decide(ended, history)
        assert decided.outcome.is_deferral
        history = replace(
            history, tries=history.tries + 1, deferrals=history.deferrals + 1, age=EXPIRES_AFTER * 9
        )
    decided = decide(ended, history)
    assert decided.outcome.failure_reason is FailureReason.ATTEMPTS_EXHAUSTED
    assert decided.sender is decide(ended).sender  # it says of the sender what it did before


@pytest.mark.parametrize("ended", AT_MAIL)
@pytest.mark.parametrize(
    "history",
    [
        replace(NEW, tries=MAX_SPARED - 1, age=SPARED_AT_MAIL_FOR * 9),  # a quota, many emails
        replace(NEW, tries=MAX_SPARED * 9, age=SPARED_AT_MAIL_FOR - timedelta(minutes=1)),
    ],
)
def test_what_all_meet_at_mail_for_days_fails_nobody(ended: Result, history: History) -> None:
    decided = decide(ended, history)
    assert decided.outcome.state is JobState.SCHEDULED
    assert not decided.outcome.is_deferral


@pytest.mark.parametrize("phase", [Phase.CONNECT, Phase.GREETING, Phase.EHLO, Phase.TLS])
def test_a_server_that_is_away_for_months_fails_nobody(phase: Phase) -> None:
    old = replace(NEW, tries=MAX_SPARED * 9, age=SPARED_AT_MAIL_FOR * 9)
    assert decide(result(Kind.NOT_SENT, phase=phase, scope=Scope.HOST), old).outcome.state is (
        JobState.SCHEDULED
    )


def test_a_connection_that_has_had_its_share_is_nobodys_fault() -> None:
    ended = result(Kind.REJECTED, phase=Phase.DOT, code=452, enhanced="4.4.5")
    decided = decide(ended._replace(worn=True))
    assert decided.outcome.state is JobState.SCHEDULED
    assert decided.outcome.retry_in is None
    assert decided.sender is SenderEffect.NONE


def test_a_new_connection_that_is_refused_like_a_worn_one_lets_the_sender_rest() -> None:
    decided = decide(result(Kind.REJECTED, phase=Phase.MAIL, code=452, enhanced="4.4.5"))
    assert decided.outcome.state is JobState.SCHEDULED
    assert decided.sender is SenderEffect.REST


@pytest.mark.parametrize("phase", [Phase.CONNECT, Phase.GREETING, Phase.EHLO, Phase.AUTH])
def test_a_connection_that_is_refused_may_be_one_too_many(phase: Phase) -> None:
    decided = decide(result(Kind.REJECTED, phase=phase, code=421, scope=Scope.HOST))
    assert decided.sender is SenderEffect.CROWD
    assert decided.outcome.retry_in is None


@pytest.mark.parametrize("phase", [Phase.GREETING, Phase.EHLO, Phase.AUTH])
@pytest.mark.parametrize("said", ["Service not available", "server busy", "no"])
def test_a_server_that_is_busy_for_a_new_connection_may_have_one_too_many(
    phase: Phase, said: str
) -> None:
    ended = result(Kind.REJECTED, phase=phase, code=421, scope=Scope.HOST)
    assert ended.reply is not None
    decided = decide(ended._replace(reply=ended.reply._replace(text=said)))
    assert decided.sender is SenderEffect.CROWD


@pytest.mark.parametrize("code", [450, 504])
def test_a_name_of_ours_that_is_refused_at_a_recipient_fails_nobody(code: int) -> None:
    ended = result(Kind.REJECTED, phase=Phase.RCPT, code=code)
    assert ended.reply is not None
    said = ended.reply._replace(text="<host1>: Helo command rejected: no such host")
    decided = decide(ended._replace(reply=said))
    assert decided.sender is SenderEffect.BREAK
    assert decided.outcome.state is JobState.SCHEDULED


def test_a_server_that_is_away_lets_the_sender_rest() -> None:
    decided = decide(result(Kind.NOT_SENT, phase=Phase.CONNECT, scope=Scope.HOST))
    assert decided.sender is SenderEffect.CROWD  # it rests, unless another connection works
    assert decided.outcome.state is JobState.SCHEDULED


def test_a_421_lets_the_sender_rest_and_uses_up_no_try() -> None:
    ended = result(Kind.REJECTED, phase=Phase.MAIL, code=421, scope=Scope.HOST)
    decided = decide(ended, replace(NEW, deferrals=2, age=timedelta(0)))
    assert decided.sender is SenderEffect.REST
    assert decided.outcome.state is JobState.DEFERRED
    assert not decided.outcome.is_deferral


@pytest.mark.parametrize("phase", [Phase.RCPT, Phase.DATA, Phase.DOT])
def test_a_421_to_one_recipient_lets_the_sender_rest_and_that_email_wait_behind_the_others(
    phase: Phase,
) -> None:
    decided = decide(result(Kind.REJECTED, phase=phase, code=421, scope=Scope.HOST))
    assert decided.sender is SenderEffect.REST
    assert decided.outcome.state is JobState.DEFERRED
    assert decided.outcome.is_deferral
    assert decided.left == (phase is Phase.DOT)


def test_an_email_that_always_gets_a_421_comes_to_an_end() -> None:
    old = replace(NEW, deferrals=MAX_DEFERRALS)
    decided = decide(result(Kind.REJECTED, phase=Phase.RCPT, code=421, scope=Scope.HOST), old)
    assert decided.outcome.failure_reason is FailureReason.ATTEMPTS_EXHAUSTED


def test_an_email_that_cannot_be_made_fails_with_the_reason() -> None:
    decided = unsendable(ATTEMPT, "no value for {{ name }}")
    assert decided.outcome.state is JobState.FAILED
    assert decided.outcome.reply_text == "no value for {{ name }}"
    assert not decided.left


def test_what_was_not_begun_waits_as_it_did_before() -> None:
    assert released(ATTEMPT, deferrals=0).state is JobState.SCHEDULED
    assert released(ATTEMPT, deferrals=1).state is JobState.DEFERRED
    assert released(ATTEMPT, deferrals=0).evidence is None


def test_an_account_that_is_refused_where_others_were_not_is_accused_and_fails_nobody() -> None:
    ended = result(Kind.REJECTED, phase=Phase.RCPT, code=554, enhanced="5.7.60")
    decided = decide(ended._replace(worn=True))
    assert decided.sender is SenderEffect.ACCUSED
    assert decided.outcome.state is JobState.SCHEDULED
    assert decided.outcome.retry_in == timedelta(minutes=1)
    assert decide(ended).sender is SenderEffect.BREAK
