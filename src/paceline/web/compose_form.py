"""The fields of the compose page as they are typed, and what they amount to."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import available_timezones

from starlette.datastructures import FormData

from paceline.delivery import NO_BODY, MessageTemplate, looks_like_html
from paceline.domain.numbers import parse_hourly_limit, parse_seconds
from paceline.domain.when import HAS_PASSED
from paceline.errors import FieldProblem, InvalidInput
from paceline.services import campaign_rules
from paceline.services.campaigns import NewCampaign
from paceline.services.drafts import NAMES
from paceline.web import reading_form
from paceline.web.forms import (
    Problems,
    local_input,
    text_of,
    wall_time,
)
from paceline.web.timetable import Pace
from paceline.web.wording import zone_named

# A service's names for fields, and ours.
FIELDS = {
    "name": "name",
    "sender_id": "sender_id",
    "subject": "subject",
    "text": "body",
    "html": "body",
    "start_at": "start",
    "time_zone": "time_zone",
    "min_delay_ms": "min_delay",
    "hourly_limit": "hourly_limit",
    "file": "file",
    "addresses": "addresses",
    **reading_form.FIELDS,
}
NOW, LATER = "now", "later"
# How the body is written. Rich text is HTML, unless it has not a single tag: without scripts the
# field is a plain one.
RICH, SOURCE, PLAIN = "rich", "html", "text"
PASSED = "has passed; choose a later time, or “Right away”"
NOBODY = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeForm:
    """What stands in the fields."""

    name: str = ""
    sender_id: str = ""
    subject: str = ""
    body: str = ""
    format: str = RICH
    when: str = NOW
    start: str = ""
    time_zone: str = "UTC"
    min_delay: str = "2"
    hourly_limit: str = "100"

    @classmethod
    def empty(cls, *, now: datetime, zone: tzinfo) -> ComposeForm:
        """A new one, for a reader in `zone`."""
        return cls(time_zone=str(zone), start=tomorrow_at(10, now=now, zone=zone))

    @classmethod
    def read(cls, form: FormData) -> ComposeForm:
        """What was posted."""
        read = cls(**{f.name: text_of(form, f.name, str(f.default)) for f in fields(cls)})
        return read._sensible()

    @classmethod
    def of(cls, draft: object) -> ComposeForm:
        """What was kept."""
        return cls(**{f.name: getattr(draft, f.name) for f in fields(cls)})._sensible()

    def _sensible(self) -> ComposeForm:
        when = self.when if self.when in (NOW, LATER) else LATER
        style = self.format if self.format in (RICH, SOURCE, PLAIN) else RICH
        return replace(self, when=when, format=style, time_zone=self.time_zone or "UTC")

    @property
    def is_html(self) -> bool:
        """Whether the body is HTML, rather than plain text."""
        return is_html(self.format, self.body)

    @property
    def html(self) -> str | None:
        """The body, where it is HTML."""
        return self.body if self.is_html else None

    @property
    def zone(self) -> tzinfo:
        """The chosen zone; UTC where the name makes no sense."""
        return zone_named(self.time_zone)

    def start_at(self, problems: Problems) -> datetime | None:
        """The instant of the start; None means as soon as it is launched."""
        if self.when == NOW:
            return None
        return problems.read("start", lambda text: wall_time(text, self.zone), self.start)

    def pace(self, problems: Problems) -> Pace:
        """Delay and limit, with nonsense noted and left out."""
        return Pace(
            min_delay_ms=problems.read("min_delay", parse_seconds, self.min_delay) or 0,
            hourly_limit=problems.read("hourly_limit", parse_hourly_limit, self.hourly_limit),
        )

    def message(self) -> MessageTemplate | None:
        """The message, as far as it is written: a list is read with an eye on it."""
        html = self.is_html
        for subject in (self.subject.strip() or "-", "-"):
            with suppress(InvalidInput):
                return MessageTemplate.compile(
                    subject=subject,
                    text=None if html else self.body,
                    html=self.body if html else None,
                )
        return None

    def as_new(self, problems: Problems) -> NewCampaign | None:
        """A new campaign, or None with the problems noted."""
        sender_id = problems.read("sender_id", _sender_id, self.sender_id)
        start_at = self.start_at(problems)
        pace = self.pace(problems)
        body = self.body.strip()
        is_html = self.is_html
        new = NewCampaign(
            name=self.name.strip() or None,
            sender_id=sender_id or NOBODY,
            subject=self.subject.strip(),
            text=None if is_html else body,
            html=body if is_html else None,
            start_at=start_at,
            time_zone=self.time_zone,
            min_delay_ms=pace.min_delay_ms,
            hourly_limit=pace.hourly_limit,
        )
        # What a service would say, beside what only the form can: all of it at once.
        problems.take(map(_in_words_of_the_form, campaign_rules.wrong_with(new)), names=FIELDS)
        return None if problems else new


def is_html(format: str, body: str) -> bool:
    """Whether a body that is written in this format is HTML, rather than plain text."""
    if format == PLAIN:
        return False
    return (format == SOURCE and bool(body.strip())) or looks_like_html(body)


def typed_of(form: FormData) -> dict[str, str]:
    """The fields of a draft that were posted; what was not is left as it was."""
    return {name: text_of(form, name) for name in NAMES if isinstance(form.get(name), str)}


def _in_words_of_the_form(problem: FieldProblem) -> FieldProblem:
    """The form has one field for the body, and no null."""
    message = problem.message.replace(HAS_PASSED, PASSED).replace(NO_BODY, "is missing")
    return replace(problem, message=message)


def _sender_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise ValueError("choose a sender") from None


def tomorrow_at(hour: int, *, now: datetime, zone: tzinfo) -> str:
    """Tomorrow at a full hour, as an input field wants it."""
    return _at(now.astimezone(zone) + timedelta(days=1), hour)


def quick_picks(*, now: datetime, zone: tzinfo) -> list[tuple[str, str]]:
    """(label, value of the field) for the usual starts, in the reader's zone."""
    local = now.astimezone(zone)
    monday = local + timedelta(days=7 - local.weekday())
    return [
        ("In an hour", local_input(now + timedelta(hours=1), zone)),
        ("Tomorrow 10:00", tomorrow_at(10, now=now, zone=zone)),
        ("Tomorrow 15:00", tomorrow_at(15, now=now, zone=zone)),
        ("Monday 09:00", _at(monday, 9)),
    ]


def _at(day: datetime, hour: int) -> str:
    return datetime.combine(day.date(), time(hour)).strftime("%Y-%m-%dT%H:%M")


@cache
def zones() -> tuple[str, ...]:
    """The zones to choose from: places, and UTC."""
    places = (name for name in available_timezones() if "/" in name)
    return (
        "UTC",
        *sorted(name for name in places if not name.startswith(("Etc/", "posix", "right"))),
    )
