"""How long a failure waits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.domain.backoff import (
    HOST_CAP,
    RETRY_STEPS,
    host_retry_delay,
    limit_delay,
    retry_delay,
)
from paceline.domain.replies.spans import Span, span_of, stated_wait

ROLLS = st.floats(0, 1, exclude_max=True)


def test_the_steps_are_five_minutes_to_eight_hours() -> None:
    minutes = [retry_delay(attempt, roll=0) / timedelta(minutes=1) for attempt in range(1, 8)]
    assert minutes == [5, 15, 30, 60, 120, 240, 480]


@given(st.integers(1, 1000), ROLLS)
def test_a_retry_never_comes_sooner_than_its_step_nor_much_later(attempt: int, roll: float) -> None:
    step = RETRY_STEPS[min(attempt, 7) - 1]
    assert timedelta(minutes=5) <= step <= retry_delay(attempt, roll=roll) <= step * 1.5


def test_a_retry_comes_when_the_server_says_but_uses_up_no_tries_in_a_moment() -> None:
    moment, long = timedelta(seconds=30), timedelta(hours=3)
    assert retry_delay(1, roll=0, stated=moment) == moment
    assert retry_delay(1, roll=0, stated=timedelta(0)) == timedelta(seconds=5)
    assert retry_delay(2, roll=0, stated=moment) == retry_delay(2, roll=0)
    assert retry_delay(2, roll=0, stated=long) == long
    assert retry_delay(9, roll=0, stated=long) == timedelta(hours=8)
    assert retry_delay(1, roll=0, stated=timedelta(days=99)) == timedelta(days=1)


@given(st.integers(1, 10**9), ROLLS)
def test_a_host_waits_from_seconds_to_five_minutes(failures: int, roll: float) -> None:
    delay = host_retry_delay(failures, roll=roll)
    assert timedelta(seconds=2.5) <= delay <= HOST_CAP


def test_a_hosts_wait_doubles_until_the_cap() -> None:
    seconds = [host_retry_delay(n, roll=0) * 2 / timedelta(seconds=1) for n in range(1, 9)]
    assert seconds == [5, 10, 20, 40, 80, 160, 300, 300]


@pytest.mark.parametrize(("count", "roll"), [(0, 0.5), (-1, 0.5), (1, 1.0), (1, -0.1)])
def test_nonsense_is_refused(count: int, roll: float) -> None:
    for delay in (retry_delay, host_retry_delay):
        with pytest.raises(ValueError, match="must be"):
            delay(count, roll=roll)


@pytest.mark.parametrize(
    ("said", "tries_after_minutes"),
    [
        ("550 Domain has exceeded the max emails per hour", [15, 30, 60, 120]),
        ("Daily user sending limit exceeded.", [60, 120, 240, 480, 720, 1080, 1440]),
        ("over its outgoing quota", [5, 15, 30, 60]),
    ],
)
def test_a_quota_is_tried_again_when_it_may_be_new(
    said: str, tries_after_minutes: list[int]
) -> None:
    waited, tries = timedelta(0), []
    for refusals in range(1, len(tries_after_minutes) + 1):
        waited += limit_delay(refusals, span_of(said), roll=0)
        tries.append(waited)
    assert tries == [timedelta(minutes=minutes) for minutes in tries_after_minutes]


def test_a_limit_by_the_second_is_waited_for_like_a_host_in_trouble() -> None:
    span = span_of("too many emails per second")
    assert limit_delay(1, span, roll=0.5) == host_retry_delay(1, roll=0.5)


@pytest.mark.parametrize("span", [Span.HOUR, Span.DAY, Span.UNSAID])
def test_the_waits_for_a_quota_grow_and_chance_only_adds_to_them(span: Span) -> None:
    least = [limit_delay(n, span, roll=0) for n in range(1, 12)]
    assert least == sorted(least)
    assert least[-1] == timedelta(hours=6)
    assert all(limit_delay(n, span, roll=0.99) > least[n - 1] for n in range(1, 12))


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("450 4.7.1 Throttled: try again in 60 seconds", timedelta(seconds=60)),
        ("421 Too many messages, please retry in 90s", timedelta(seconds=90)),
        ("450 Rate exceeded. Wait 10 minutes before sending more", timedelta(minutes=10)),
        ("550 Relay quota will reset in 11.5 hours.", timedelta(hours=11.5)),
        ("550 Sending is blocked for the next 24 hours", timedelta(hours=24)),
        ("451 4.7.1 Please come back after 5 min", timedelta(minutes=5)),
        ("450 4.2.0 Greylisted for 60 seconds", timedelta(minutes=1)),
        ("450 4.3.2 Please retry your request in 10 minutes", timedelta(minutes=10)),
        ("451 delayed for 300 seconds", timedelta(minutes=5)),
        ("450 try again in one minute", timedelta(minutes=1)),
        ("450 try again in an hour", timedelta(hours=1)),
        ("450 try again in a moment", None),
        ("450 Bitte versuchen Sie es in 5 Minuten erneut", timedelta(minutes=5)),
        ("450 Réessayez dans 10 minutes", timedelta(minutes=10)),
        ("450 Intente de nuevo en 30 segundos", timedelta(seconds=30)),
        ("450 Tente novamente em 15 minutos", timedelta(minutes=15)),
        ("450 Riprova tra 2 ore", timedelta(hours=2)),
        ("450 Spróbuj ponownie za 10 minut", timedelta(minutes=10)),
        ("450 Повторите через 5 минут", timedelta(minutes=5)),
        ("450 请5分钟后重试", timedelta(minutes=5)),
        ("450 請於 30 秒後再試", timedelta(seconds=30)),
        ("450 5分後に再送してください", timedelta(minutes=5)),
        ("450 30초 후 다시 시도", timedelta(seconds=30)),
        ("450 500 Mails in 24 Stunden sind erlaubt, versuchen Sie es erneut", None),
        ("550 not allowed to send more e-mails within 24 hours", None),
        ("450 only 5 recipients per 5 minutes allowed", None),
        ("550 Too many messages sent in the last 60 minutes. Try again later.", None),
        ("421 Try again later (10).", None),
    ],
)
def test_how_long_a_server_asks_to_wait_is_read(said: str, wait: timedelta | None) -> None:
    assert stated_wait(said) == wait


def test_a_stated_wait_is_kept_within_reason() -> None:
    minute = timedelta(minutes=1)
    assert limit_delay(1, Span.UNSAID, roll=0, stated=minute) == minute
    assert limit_delay(1, Span.UNSAID, roll=0.99, stated=minute) > minute
    assert limit_delay(1, Span.DAY, roll=0, stated=timedelta(days=99)) == timedelta(days=1)
    assert host_retry_delay(1, roll=0, stated=minute) == minute
    # Who says "in a second" again and again is asked less and less often.
    assert limit_delay(9, Span.UNSAID, roll=0, stated=timedelta(0)) == host_retry_delay(9, roll=0)


@pytest.mark.parametrize(
    ("said", "span"),
    [
        ("550 User a@b.example has exceeded its 24-hour sending limit.", Span.DAY),
        ("550 sending too many emails - rate overlimit = 83.6 / 1h", Span.HOUR),
        ("451 Sender rate exceeds 100 messages per 1h", Span.HOUR),
        ("450 only 5 recipients per 5 minutes allowed", Span.MOMENT),
        ("462 Send limit reached. Please try again tomorrow", Span.DAY),
        ("450 4.7.1 Ratelimit exceeded", Span.UNSAID),
    ],
)
def test_a_limits_period_is_read(said: str, span: Span) -> None:
    assert span_of(said) is span
