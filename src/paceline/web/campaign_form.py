"""What may be changed of a campaign, as its pages ask for it: start and pace, or its message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from paceline.delivery import looks_like_html
from paceline.domain.numbers import parse_hourly_limit, parse_seconds
from paceline.domain.when import EMPTY_IT, wrong_with_start
from paceline.services.campaigns import CampaignPatch
from paceline.services.unset import UNSET
from paceline.services.views import CampaignView
from paceline.web.compose_form import PLAIN, RICH, SOURCE, is_html
from paceline.web.forms import Problems, local_input, seconds, wall_time
from paceline.web.outlook import Terms
from paceline.web.wording import zone_named

# A service's names for fields, and ours.
TERMS = {"start_at": "start", "min_delay_ms": "min_delay", "hourly_limit": "hourly_limit"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsForm:
    """Start and pace as they are typed. An empty `start` means right away."""

    start: str = ""
    min_delay: str = "0"
    hourly_limit: str = ""

    @classmethod
    def of(cls, campaign: CampaignView) -> TermsForm:
        """As they are, in the campaign's own zone."""
        return cls(
            start=local_input(campaign.start_at, zone_named(campaign.time_zone))
            if campaign.start_at
            else "",
            min_delay=seconds(campaign.min_delay_ms) or "0",
            hourly_limit=str(campaign.hourly_limit or ""),
        )

    @classmethod
    def read(cls, values: Mapping[str, object], campaign: CampaignView) -> TermsForm:
        """As they were sent; what was not stays."""
        was = cls.of(campaign)
        return cls(**{f.name: _text(values, f.name, getattr(was, f.name)) for f in fields(cls)})

    def terms(self, campaign: CampaignView, problems: Problems, *, now: datetime) -> Terms:
        """What they amount to; what is wrong goes to `problems`. A start left alone stays."""
        start_at = campaign.start_at
        if self.start != TermsForm.of(campaign).start:
            start_at = self._start_at(campaign, problems, now=now)
        return Terms(
            start_at=start_at,
            min_delay_ms=problems.read("min_delay", parse_seconds, self.min_delay) or 0,
            hourly_limit=problems.read("hourly_limit", parse_hourly_limit, self.hourly_limit),
        )

    def _start_at(
        self, campaign: CampaignView, problems: Problems, *, now: datetime
    ) -> datetime | None:
        if not self.start.strip():
            return None
        zone = zone_named(campaign.time_zone)
        start_at = problems.read("start", lambda text: wall_time(text, zone), self.start)
        wrong = wrong_with_start(start_at, now=now, passed=EMPTY_IT) if start_at else None
        if wrong is not None:
            problems.add("start", wrong)
        return start_at


def patch_of(terms: Terms, campaign: CampaignView) -> CampaignPatch:
    """Only what differs."""
    was = Terms.of(campaign)
    return CampaignPatch(
        start_at=UNSET if terms.start_at == was.start_at else terms.start_at,
        min_delay_ms=UNSET if terms.min_delay_ms == was.min_delay_ms else terms.min_delay_ms,
        hourly_limit=UNSET if terms.hourly_limit == was.hourly_limit else terms.hourly_limit,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageForm:
    """Name and message as they are typed, the body in a format as on the compose page.

    `text` is what programs read that show no HTML; empty: it is made from that.
    """

    name: str = ""
    subject: str = ""
    body: str = ""
    format: str = RICH
    text: str = ""

    @classmethod
    def of(cls, campaign: CampaignView) -> MessageForm:
        """As they are."""
        return cls(
            name=campaign.name,
            subject=campaign.subject,
            body=_lines(campaign.text if campaign.html is None else campaign.html),
            format=format_of(campaign.html),
            text=_lines(campaign.text) if campaign.html is not None else "",
        )

    @classmethod
    def read(cls, values: Mapping[str, object], campaign: CampaignView) -> MessageForm:
        """As they were sent; what was not stays."""
        was = cls.of(campaign)
        return cls(**{f.name: _text(values, f.name, getattr(was, f.name)) for f in fields(cls)})

    @property
    def names(self) -> dict[str, str]:
        """A service's names for its fields, and ours."""
        own = {name: name for name in ("name", "subject")}
        return own | {"html": "body", "text": "text" if self.is_html else "body"}

    @property
    def is_html(self) -> bool:
        return is_html(self.format, self.body)

    @property
    def _html(self) -> str:
        return self.body if self.is_html else ""

    @property
    def _text(self) -> str:
        return self.text if self.is_html else self.body

    def patch(self, campaign: CampaignView) -> CampaignPatch:
        """Only what differs."""
        was = MessageForm.of(campaign)
        return CampaignPatch(
            name=UNSET if self.name == was.name else self.name,
            subject=UNSET if self.subject == was.subject else self.subject.strip(),
            text=UNSET if self._text == was._text else self._text or None,
            html=UNSET if self._html == was._html else self._html or None,
        )


def format_of(html: str | None) -> str:
    """How a body was written, as far as it tells: the editor has what it can hold (formats.js)."""
    if html is None:
        return PLAIN
    return RICH if looks_like_html(html) else SOURCE


def _lines(text: str | None) -> str:
    return (text or "").replace("\r\n", "\n")


def _text(values: Mapping[str, object], name: str, default: str) -> str:
    value = values.get(name)
    return value.replace("\r\n", "\n") if isinstance(value, str) else default
