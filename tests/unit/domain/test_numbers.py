"""Numbers as people type them: what is unmistakable is read, what could mean two things is not."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.domain.numbers import (
    NotANumber,
    parse_delay,
    parse_hourly_limit,
    parse_seconds,
    parse_whole_number,
)


@pytest.mark.parametrize(("text", "value"), [("5", 5), (" 5 ", 5), ("007", 7), ("-3", -3)])
def test_a_whole_number_is_digits_with_nothing_between(text: str, value: int) -> None:
    assert parse_whole_number(text) == value


NO_WHOLE_NUMBERS = [
    *("", "x", "--1", "1 2", "1.5", "1.0", "1e3", "0x10", "+5", "१०", "５", "²", "½", "1_0", "٣"),
    *("NaN", "Infinity", "5 emails", "5%", "1,5", "15,", ",5", "1\n2", "9" * 40),
]


@pytest.mark.parametrize("text", NO_WHOLE_NUMBERS)
def test_what_is_no_whole_number_is_refused_rather_than_read_as_another(text: str) -> None:
    with pytest.raises(NotANumber, match="must be a whole number"):
        parse_whole_number(text)


@pytest.mark.parametrize("mark", [",", ".", " ", "\u00a0", "\u202f", "'", "’", "_"])
def test_thousands_are_refused_with_the_digits_to_write_instead(mark: str) -> None:
    with pytest.raises(NotANumber, match=r"write 1500, if that is meant"):
        parse_hourly_limit(f"1{mark}500")
    if mark != ".":
        with pytest.raises(NotANumber, match=r"write 1500, if that is meant"):
            parse_seconds(f"1{mark}500")


@pytest.mark.parametrize("text", ["1,5", "1.5", "100,50", ",5"])
def test_a_whole_number_is_not_to_be_mended_into_one_with_a_fraction(text: str) -> None:
    with pytest.raises(NotANumber, match=r"has a fraction: write it without$"):
        parse_hourly_limit(text)


def test_an_empty_limit_is_none() -> None:
    assert parse_hourly_limit("") is None
    assert parse_hourly_limit("  ") is None
    assert parse_hourly_limit("100") == 100


@pytest.mark.parametrize("text", ["0", "-5", "1000001"])
def test_a_limit_out_of_bounds_is_refused(text: str) -> None:
    with pytest.raises(NotANumber, match="must be 1 to 1,000,000"):
        parse_hourly_limit(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", 2000),
        ("0.5", 500),
        (".5", 500),
        ("2.", 2000),
        ("0.500", 500),
        ("12.25", 12_250),
        ("", 0),
        (" 0 ", 0),
        ("86400", 86_400_000),
        ("2s", 2000),
        ("2 s", 2000),
        ("500ms", 500),
        ("1m", 60_000),
        ("1 hour 30 minutes", 5_400_000),
    ],
)
def test_a_delay_is_typed_in_seconds_or_with_its_unit(text: str, value: int) -> None:
    assert parse_seconds(text) == value


@pytest.mark.parametrize("text", ["2", "1,5", "1,5s", "1e3s", "s", "२s", "2 fortnights"])
def test_a_delay_without_a_unit_is_refused_where_nothing_says_seconds(text: str) -> None:
    with pytest.raises(NotANumber, match="write a number and a unit, such as 2s, 500ms or 1h30m"):
        parse_delay(text)


@pytest.mark.parametrize(
    "text",
    ["x", "-1", "86401", "NaN", "Infinity", "1e1", "1e999999999", "१०", "０", "+5", "2 2", "25h"],
)
def test_a_delay_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(NotANumber, match="second"):
        parse_seconds(text)


@pytest.mark.parametrize("text", ["1,5", "0,5", ",5", "12,25"])
def test_a_decimal_comma_is_refused_with_the_number_to_write_instead(text: str) -> None:
    with pytest.raises(NotANumber, match=rf"write 0?{text.replace(',', '.')}, if that is meant"):
        parse_seconds(text)


@pytest.mark.parametrize(
    ("text", "fraction"), [("1.500", "1.5"), ("2.000", "2"), ("1.500s", "1.5")]
)
def test_a_point_that_may_group_thousands_is_asked_about(text: str, fraction: str) -> None:
    with pytest.raises(NotANumber, match=rf"may be {fraction} or [12][05]00: write the one"):
        parse_seconds(text)


@pytest.mark.parametrize("text", ["0.0004", "0.0015", "0.5ms"])
def test_a_delay_finer_than_a_millisecond_is_not_rounded_away(text: str) -> None:
    with pytest.raises(NotANumber, match="whole milliseconds"):
        parse_seconds(text)


@given(st.integers(min_value=0, max_value=86_400_000))
def test_milliseconds_are_exact(milliseconds: int) -> None:
    assert parse_delay(f"{milliseconds}ms") == milliseconds


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_whole_number, parse_hourly_limit, parse_seconds, parse_delay):
        with suppress(NotANumber):
            parse(text)
