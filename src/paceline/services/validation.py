"""Checks what people hand in, all of it at once, under the names that they used.

Each check notes what is wrong and what to do about it, and goes on; `Problems.raise_if_any` ends
the request with the whole list, before anything was stored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from paceline import clock
from paceline.delivery import NO_BODY, MessageTemplate, has_words, remarks
from paceline.domain.addresses import Address, InvalidAddress, parse_address
from paceline.domain.bounds import (
    MAX_BODY_OCTETS,
    MAX_EXPIRY_HOURS,
    MAX_NAME,
    MAX_PROBLEMS,
    MAX_SUBJECT,
)
from paceline.domain.numbers import wrong_with_hourly_limit, wrong_with_min_delay
from paceline.domain.when import HAS_PASSED, wrong_with_start
from paceline.errors import FieldProblem, InvalidInput

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NOT_IN_BODIES = re.compile("[\x00\ud800-\udfff]")
_ZONE_NAME = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*")
_INT4_MAX = 2**31 - 1
_STAND_IN = "-"  # for a part that was refused, where the others are looked at
_EMPTIED = 2_000  # characters that an emptied message may have


def _shows_something(html: str) -> bool:
    """What an editor leaves of an emptied message (`<p><br></p>`) is no message."""
    long = len(html) > _EMPTIED  # then it is not worth the reading
    return long or "<img" in html.lower() or has_words(html)


class Problems:
    """What was found wrong so far."""

    def __init__(self) -> None:
        self.found: list[FieldProblem] = []

    def add(self, field: str, message: str) -> None:
        """Note one problem; past `MAX_PROBLEMS` nobody reads on."""
        if len(self.found) < MAX_PROBLEMS:
            self.found.append(FieldProblem(field, message))

    def extend(self, problems: Sequence[FieldProblem]) -> None:
        """Note several."""
        for problem in problems:
            self.add(problem.field, problem.message)

    def raise_if_any(self) -> None:
        """Raises `InvalidInput` with everything that was noted."""
        if self.found:
            raise InvalidInput(self.found)

    def name(self, field: str, value: str | None, *, required: bool = True) -> str | None:
        """One line of text that people will read."""
        value = None if value is None else value.strip()
        if not value:
            if required:
                self.add(field, "is missing")
            return None
        if _CONTROL.search(value):
            self.add(field, "cannot hold line breaks or control characters")
        elif len(value) > MAX_NAME:
            self.add(field, f"is longer than {MAX_NAME} characters")
        return value

    def address(self, field: str, value: str) -> Address | None:
        """One email address."""
        try:
            return parse_address(value)
        except InvalidAddress as error:
            self.add(field, str(error))
            return None

    def hourly_limit(self, field: str, value: int | None) -> None:
        """Emails in one hour; None is no limit."""
        wrong = wrong_with_hourly_limit(value)
        if wrong is not None:
            self.add(field, wrong)

    def min_delay_ms(self, field: str, value: int) -> None:
        """The least time between two emails."""
        wrong = wrong_with_min_delay(value)
        if wrong is not None:
            self.add(field, wrong)

    def expiry(self, field: str, value: int) -> None:
        """How long to go on trying what is refused for now."""
        self.whole_number(field, value, least=1, most=MAX_EXPIRY_HOURS)

    def whole_number(self, field: str, value: int, *, least: int, most: int) -> None:
        """Within bounds."""
        if not least <= value <= min(most, _INT4_MAX):
            self.add(field, f"must be {least} to {most}")

    def instant(
        self, field: str, value: datetime | None, *, passed: str = HAS_PASSED
    ) -> datetime | None:
        """A moment to send at, with its offset; None is now."""
        if value is None:
            return None
        if value.tzinfo is None or value.utcoffset() is None:
            self.add(field, "give an offset, e.g. 2026-11-25T10:00:00+01:00")
            return None
        wrong = wrong_with_start(value, now=clock.now(), passed=passed)
        if wrong is not None:
            self.add(field, wrong)
        return value

    def time_zone(self, field: str, value: str) -> None:
        """A name from the IANA data base."""
        try:
            if not _ZONE_NAME.fullmatch(value):
                raise ZoneInfoNotFoundError
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.add(field, "names no zone that is known; an example is Europe/Berlin")

    def template(self, subject: str, text: str | None, html: str | None) -> MessageTemplate | None:
        """The message, compiled. Of one that has something wrong all parts are looked at."""
        before = len(self.found)
        self._message(subject, text, html)
        wrong = {problem.field for problem in self.found[before:]}
        subject = _STAND_IN if "subject" in wrong else subject
        text = _STAND_IN if "text" in wrong else text
        html = _STAND_IN if "html" in wrong else html
        try:
            compiled = MessageTemplate.compile(subject=subject, text=text, html=html)
        except InvalidInput as invalid:
            self.extend(invalid.problems)
            # Whoever has to change the message anyway is told the rest as well.
            for remark in remarks(subject=subject, text=text, html=html):
                part, _, said = remark.partition(", " if ", line " in remark else ": ")
                self.add(part, said)
            return None
        return None if wrong else compiled

    def message(self, subject: str, text: str | None, html: str | None) -> None:
        """The message of a single email, which is taken literally."""
        self._message(subject, text, html)

    def _message(self, subject: str, text: str | None, html: str | None) -> None:
        if not subject.strip():
            self.add("subject", "is missing")
        elif "\r" in subject or "\n" in subject:
            self.add("subject", "cannot hold a line break: put everything on one line")
        elif _CONTROL.search(subject):
            self.add("subject", "cannot hold control characters")
        elif len(subject.encode()) > MAX_SUBJECT:
            self.add("subject", f"is longer than {MAX_SUBJECT} octets")
        if not (text and text.strip()) and not (html and _shows_something(html)):
            self.add("text", NO_BODY)
        for field, body in (("text", text), ("html", html)):
            if body and _NOT_IN_BODIES.search(body):
                self.add(field, "cannot hold NUL, or half of a surrogate pair")
            elif body and len(body.encode()) > MAX_BODY_OCTETS:
                self.add(field, f"is larger than {MAX_BODY_OCTETS >> 20} MiB")
