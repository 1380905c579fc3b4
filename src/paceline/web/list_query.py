"""The state of a list of emails, which lives in its address: a reload or a shared link keeps it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Literal

from paceline.domain.bounds import MAX_QUERY
from paceline.domain.lifecycle import EmailList, FailureReason, JobState
from paceline.domain.retrying import FailedFilter
from paceline.domain.short_lists import SortBy
from paceline.services.bulk import Action
from paceline.services.selecting import EmailFilter
from paceline.web.listing import (
    MAX_CURSOR_CHARACTERS,
    PAGE_SIZES,
    Column,
    address,
    as_id,
    page_size,
)
from paceline.web.states import TABS

HOME = "/emails"  # the lists of all emails; a campaign's page has its own
DEFAULT_TAB = EmailList.SCHEDULED
YEARS = range(1970, 9999)  # of dates in an address
NAMES = (
    *("tab", "q", "campaign", "sender", "reason", "from", "to"),
    *("sort", "size", "cursor"),
)
_ORDERS = {
    "recipient": ("A to Z", "Z to A"),
    "campaign": ("A to Z", "Z to A"),
    "status": ("in order", "in reverse"),
    "time": ("earliest", "latest"),
}
_BULK = {
    EmailList.SCHEDULED: (Action.RESCHEDULE, Action.CANCEL),
    EmailList.FAILED: (Action.RETRY,),
    EmailList.IN_DOUBT: (Action.MARK_SENT,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """Which emails are listed, in which order, and under which path.

    `since` and `until`, both included, are days of the reader's about the time that the list shows.
    `sort` is a column's key, with `-` in front for the other way round; "" for the list's own
    order, which is `time` for what is scheduled, `-time` otherwise.
    """

    path: str = HOME
    tab: EmailList = DEFAULT_TAB
    q: str = ""
    campaign: uuid.UUID | None = None
    sender: uuid.UUID | None = None
    reason: FailureReason | None = None
    since: date | None = None
    until: date | None = None
    sort: str = ""
    size: int = PAGE_SIZES[0]
    cursor: str = ""
    chosen: bool = False  # the tab is the reader's own choice

    @classmethod
    def read(
        cls,
        values: Mapping[str, str],
        *,
        path: str = HOME,
        campaign: uuid.UUID | None = None,
        default_tab: EmailList = DEFAULT_TAB,
    ) -> ListQuery:
        """From an address, however it was typed: what makes no sense is left out."""
        chosen = values.get("tab", "") in set(EmailList)
        tab = EmailList(values["tab"]) if chosen else default_tab
        reason = values.get("reason", "") if tab is EmailList.FAILED else ""
        return cls(
            path=path,
            tab=tab,
            q=values.get("q", "").strip()[:MAX_QUERY],
            campaign=campaign or as_id(values.get("campaign", "")),
            sender=as_id(values.get("sender", "")),
            reason=FailureReason(reason) if reason in set(FailureReason) else None,
            since=day_of(values.get("from", "")),
            until=day_of(values.get("to", "")),
            sort=_sort(values.get("sort", ""), tab),
            size=page_size(values.get("size", "")),
            cursor=values.get("cursor", "")[:MAX_CURSOR_CHARACTERS],
            chosen=chosen,
        )

    @property
    def states(self) -> frozenset[JobState]:
        """The states that this tab lists."""
        return self.tab.states

    @property
    def filtered(self) -> bool:
        """Whether the reader narrowed the list down."""
        return bool(
            self.q
            or self.sender
            or self.reason
            or self.since
            or self.until
            or (self.campaign and self.is_of_all)
        )

    @property
    def is_of_all(self) -> bool:
        """Whether it is a list of all emails, rather than of one campaign's."""
        return self.path == HOME

    @property
    def by(self) -> SortBy | None:
        """What a short list is sorted by; None: its time."""
        key = self.sort.removeprefix("-")
        return SortBy(key) if key in set(SortBy) else None

    def columns(self, *, is_short: bool) -> tuple[Column, ...]:
        """Those of this list, sorted by whatever one likes where it is short.

        A campaign's own page need not name it. Subjects are filled for each recipient as they are
        shown: there is nothing to sort them by.
        """
        columns = (
            Column(key="recipient", label="Recipient", sort=is_short),
            Column(key="subject", label="Subject", wide_from="md", look="pl-grow"),
            Column(
                key="campaign", label="Campaign", wide_from="xl", look="pl-quiet", sort=is_short
            ),
            Column(key="status", label="Status", sort=is_short),
            Column(
                key="time",
                label=TABS[self.tab].time_heading,
                look="pl-quiet tabular-nums whitespace-nowrap",
                sort=True,
            ),
        )
        return tuple(c for c in columns if c.key != "campaign" or self.is_of_all)

    def orders(self, *, is_short: bool) -> list[tuple[str, str]]:
        """Every way to sort it: what the address says, and in words; the list's own way first."""
        ways = [
            (_sort(sort, self.tab), f"{column.label}, {words}")
            for column in self.columns(is_short=is_short)
            if column.sort
            for sort, words in zip((column.key, f"-{column.key}"), _ORDERS[column.key], strict=True)
        ]
        return sorted(ways, key=lambda way: way[0].removeprefix("-") not in ("", "time"))

    def wanted(self, zone: tzinfo) -> EmailFilter:
        """The same as the services put it, with the days of this zone."""
        return EmailFilter(
            states=self.states,
            q=self.q or None,
            campaign_id=self.campaign,
            sender_id=self.sender,
            failed=FailedFilter(reason=self.reason),
            begin=beginning_of(self.since, zone),
            end=beginning_of(self.until and self.until + timedelta(days=1), zone),
            sort=self.by,
            backwards=bool(self.sort) if self.by is None else self.sort.startswith("-"),
        )

    @property
    def named(self) -> dict[str, str]:
        """All that says which emails these are, for a form or a link about all of them."""
        values = {
            "tab": str(self.tab),
            "q": self.q,
            "campaign": str(self.campaign or ""),
            "sender": str(self.sender or ""),
            "reason": self.reason or "",
            "from": _text(self.since),
            "to": _text(self.until),
            "page": "" if self.is_of_all else "campaign",
        }
        return {name: value for name, value in values.items() if value}

    @property
    def named_and_shown(self) -> dict[str, str]:
        """The same, with the look of the list: to come back to it."""
        return self.named | self._look

    @property
    def bulk(self) -> tuple[Action, ...]:
        """What can be done to many of this list."""
        return _BULK.get(self.tab, ())

    @property
    def export_url(self) -> str:
        """Where all of it is had as CSV."""
        return address("/emails/export", self.named)

    @property
    def fields(self) -> dict[str, str]:
        """What a search in this list keeps."""
        return {"tab": self.tab} | self._look

    @property
    def unfiltered(self) -> str:
        """The address of the whole list."""
        return ListQuery(
            path=self.path,
            tab=self.tab,
            campaign=None if self.is_of_all else self.campaign,
            sort=self.sort,
            size=self.size,
        ).url()

    def on_tab(self, tab: EmailList) -> str:
        """The address of another tab with the same filters."""
        kept = self.reason if tab is EmailList.FAILED else None
        return replace(self, tab=tab, reason=kept, sort="", cursor="").url()

    def after(self, cursor: str) -> str:
        """The address of the page that starts at `cursor`; of the first one when it is empty."""
        return replace(self, cursor=cursor).url()

    def url(self) -> str:
        """The address of exactly this list."""
        values = {
            "tab": self.tab,
            "q": self.q,
            "campaign": str(self.campaign or "") if self.is_of_all else "",
            "sender": str(self.sender or ""),
            "reason": self.reason or "",
            "from": _text(self.since),
            "to": _text(self.until),
            **self._look,
            "cursor": self.cursor,
        }
        return address(self.path, values)

    @property
    def rows_url(self) -> str:
        """Where what moves of this very list is asked for."""
        path, _, query = self.url().partition("?")
        return f"{path}/rows?{query}"

    def of_size(self, size: int) -> str:
        """The address of the list with so many rows on a page."""
        return replace(self, size=size, cursor="").url()

    def sorted_by(self, key: str) -> str:
        """The address of the list sorted by this column; a second time, the other way round."""
        ways = (_own_way(self.tab), _other_way(self.tab)) if key == "time" else (key, f"-{key}")
        way = ways[1] if (self.sort or _own_way(self.tab)) == ways[0] else ways[0]
        return replace(self, sort=_sort(way, self.tab), cursor="").url()

    def direction(self, key: str) -> Literal["ascending", "descending", "none"]:
        """How this column is sorted, in the words of `aria-sort`."""
        sort = self.sort or _own_way(self.tab)
        if sort.removeprefix("-") != key:
            return "none"
        return "descending" if sort.startswith("-") else "ascending"

    @property
    def _look(self) -> dict[str, str]:
        size = "" if self.size == PAGE_SIZES[0] else str(self.size)
        return {name: value for name, value in (("sort", self.sort), ("size", size)) if value}


def _sort(text: str, tab: EmailList) -> str:
    """The order that an address asks for; "" for the list's own, and for none."""
    known = {_other_way(tab), *SortBy, *(f"-{by}" for by in SortBy)}
    return text if text in known else ""


def _own_way(tab: EmailList) -> str:
    return "time" if tab is EmailList.SCHEDULED else "-time"


def _other_way(tab: EmailList) -> str:
    return "-time" if tab is EmailList.SCHEDULED else "time"


def day_of(text: str) -> date | None:
    """A day of an address; None for whatever is none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in YEARS else None


def beginning_of(day: date | None, zone: tzinfo) -> datetime | None:
    """Midnight of that day, in this zone."""
    return None if day is None else datetime.combine(day, time(), zone)


def _text(day: date | None) -> str:
    return "" if day is None else day.isoformat()
