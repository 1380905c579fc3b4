"""Reads numbers as people type them, in a form or on a command line: one way, and no guessing.

A comma is a decimal mark here and a thousands separator there, so a number with one is refused
rather than read as ten times, or a thousandth, of what was meant. Pure; raises `NotANumber`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

from paceline.domain.bounds import MAX_HOURLY_LIMIT, MAX_MIN_DELAY_MS
from paceline.domain.when import InvalidWhen, parse_duration
from paceline.errors import DomainError

_MAX_DIGITS = 12
_MAX_SHOWN = 20  # characters of what was typed that a message repeats
_DIGITS = re.compile(r"-?[0-9]+")
_DECIMAL = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_DECIMAL_COMMA = re.compile(r"([0-9]*),([0-9]+)")
# Groups of three digits, by whatever sign: `1,000`, `1.000`, `1 000`, `1'000`, `1_000`.
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:[.,'\u2019_\s][0-9]{3})+")
_POINT_OR_GROUP = re.compile(r"(?<![0-9.])([1-9][0-9]{0,2})\.([0-9]{3})(?![0-9])")
_UNIT_AT_THE_END = re.compile(r"[0-9].*[A-Za-z]", re.DOTALL)


class NotANumber(DomainError, ValueError):
    """What was typed is no such number; the message says how to write one."""


def wrong_with_hourly_limit(value: int | None) -> str | None:
    """Why there cannot be such a limit, or None: the same for what is typed and what is sent."""
    if value is None or 1 <= value <= MAX_HOURLY_LIMIT:
        return None
    return f"must be 1 to {MAX_HOURLY_LIMIT:,}; leave it empty for no limit"


def wrong_with_min_delay(milliseconds: int | Decimal) -> str | None:
    """Why there cannot be such a delay, or None; in words for whichever unit it came in."""
    if 0 <= milliseconds <= MAX_MIN_DELAY_MS:
        return None
    most = f"{MAX_MIN_DELAY_MS // 1000} seconds ({MAX_MIN_DELAY_MS} milliseconds)"
    return f"must be between 0 and a day: {most}"


def parse_whole_number(text: str) -> int:
    """Digits 0 to 9, and nothing between them. The bounds are the caller's to check."""
    text = text.strip()
    if not _DIGITS.fullmatch(text):
        raise NotANumber(f"must be a whole number in the digits 0 to 9{_instead(text, whole=True)}")
    if len(text) > _MAX_DIGITS:
        raise NotANumber(f"must be a whole number of at most {_MAX_DIGITS} digits")
    return int(text)


def parse_hourly_limit(text: str) -> int | None:
    """Emails in an hour, at least 1; nothing typed is no limit."""
    if not text.strip():
        return None
    limit = parse_whole_number(text)
    if wrong := wrong_with_hourly_limit(limit):
        raise NotANumber(wrong)
    return limit


def parse_delay(text: str) -> int:
    """A delay with its units (`500ms`, `2s`, `1h30m`) in milliseconds; nothing typed is none."""
    text = text.strip()
    if not text:
        return 0
    _refuse_point_or_group(text)
    try:
        microseconds = parse_duration(text) // timedelta(microseconds=1)
    except InvalidWhen as error:
        raise NotANumber(str(error)) from error
    return _within_a_day(Decimal(microseconds) / 1000)


def parse_seconds(text: str) -> int:
    """The same for a field that speaks of seconds: `2` and `0.5` are some, too."""
    text = text.strip()
    if not text or _UNIT_AT_THE_END.fullmatch(text):
        return parse_delay(text)
    if not _DECIMAL.fullmatch(text) or len(text) > 2 * _MAX_DIGITS:
        raise NotANumber(f"must be a number of seconds, like 2 or 0.5{_instead(text)}")
    _refuse_point_or_group(text)
    return _within_a_day(Decimal(text) * 1000)


def _refuse_point_or_group(text: str) -> None:
    if matched := _POINT_OR_GROUP.search(text):
        whole, thousandths = matched.groups()
        fraction = f"{whole}.{thousandths}".rstrip("0").rstrip(".")
        raise NotANumber(
            f"“{matched[0]}” may be {fraction} or {whole}{thousandths}: write the one that is meant"
        )


def _within_a_day(milliseconds: Decimal) -> int:
    if wrong := wrong_with_min_delay(milliseconds):
        raise NotANumber(wrong)
    if milliseconds % 1:
        raise NotANumber("must be whole milliseconds: three digits after the point at most")
    return int(milliseconds)


def _instead(text: str, *, whole: bool = False) -> str:
    """What the typist may have meant, as it is written without a doubt."""
    shown = text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"
    if _GROUPED.fullmatch(text):
        plain = re.sub(r"[^0-9]", "", text)
        return f"; “{shown}” has a mark in it: write {plain}, if that is meant"
    if whole and (_DECIMAL.fullmatch(text) or _DECIMAL_COMMA.fullmatch(text)):
        return f"; “{shown}” has a fraction: write it without"
    if matched := _DECIMAL_COMMA.fullmatch(text):
        return f"; “{shown}” has a comma: write {matched[1] or 0}.{matched[2]}, if that is meant"
    return f"; “{shown}” is none" if text else ""
