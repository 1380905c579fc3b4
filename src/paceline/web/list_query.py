"""The state of a list of emails, which lives in its address: a reload or a shared link keeps it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from paceline.domain.bounds import MAX_QUERY
from paceline.domain.lifecycle import EmailList, JobState
from paceline.services.bulk import Action
from paceline.services.selecting import EmailFilter
from paceline.web.listing import MAX_CURSOR_CHARACTERS, Column, address, as_id
from paceline.web.states import TABS

DEFAULT_TAB = EmailList.SCHEDULED
_BULK = {
    EmailList.SCHEDULED: Action.CANCEL,
    EmailList.FAILED: Action.RETRY,
    EmailList.IN_DOUBT: Action.MARK_SENT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """Which emails are listed, and under which path."""

    path: str = "/"
    tab: EmailList = DEFAULT_TAB
    q: str = ""
    campaign: uuid.UUID | None = None
    sender: uuid.UUID | None = None
    cursor: str = ""
    chosen: bool = False  # the tab is the reader's own choice

    @classmethod
    def read(
        cls,
        values: dict[str, str],
        *,
        path: str = "/",
        campaign: uuid.UUID | None = None,
        default_tab: EmailList = DEFAULT_TAB,
    ) -> ListQuery:
        """From an address, however it was typed: what makes no sense is left out."""
        tab = values.get("tab", default_tab)
        return cls(
            path=path,
            tab=EmailList(tab) if tab in set(EmailList) else default_tab,
            q=values.get("q", "").strip()[:MAX_QUERY],
            campaign=campaign or as_id(values.get("campaign", "")),
            sender=as_id(values.get("sender", "")),
            cursor=values.get("cursor", "")[:MAX_CURSOR_CHARACTERS],
            chosen=tab == values.get("tab") and tab in set(EmailList),
        )

    @property
    def states(self) -> frozenset[JobState]:
        """The states that this tab lists."""
        return self.tab.states

    @property
    def filtered(self) -> bool:
        """Whether the reader narrowed the list down."""
        return bool(self.q or self.sender or (self.campaign and self.path == "/"))

    @property
    def columns(self) -> tuple[Column, ...]:
        """Those of this list; a campaign's own page need not name it."""
        columns = (
            Column(key="recipient", label="Recipient"),
            Column(key="subject", label="Subject", wide_from="md", look="pl-grow"),
            Column(key="campaign", label="Campaign", wide_from="xl", look="pl-quiet"),
            Column(key="status", label="Status"),
            Column(
                key="time",
                label=TABS[self.tab].time_heading,
                look="pl-quiet tabular-nums whitespace-nowrap",
            ),
        )
        return tuple(c for c in columns if c.key != "campaign" or self.path == "/")

    @property
    def wanted(self) -> EmailFilter:
        """The same as the services put it."""
        return EmailFilter(
            states=self.states,
            q=self.q or None,
            campaign_id=self.campaign,
            sender_id=self.sender,
        )

    @property
    def named(self) -> dict[str, str]:
        """All that says which emails these are, for a form or a link about all of them."""
        values = {
            "tab": str(self.tab),
            "q": self.q,
            "campaign": str(self.campaign or ""),
            "sender": str(self.sender or ""),
            "page": "" if self.path == "/" else "campaign",
        }
        return {name: value for name, value in values.items() if value}

    @property
    def bulk(self) -> Action | None:
        """What can be done to many of this list."""
        return _BULK.get(self.tab)

    @property
    def export_url(self) -> str:
        """Where all of it is had as CSV."""
        return address("/emails/export", self.named)

    @property
    def fields(self) -> dict[str, str]:
        """What a search in this list keeps."""
        return {"tab": self.tab}

    @property
    def unfiltered(self) -> str:
        """The address of the whole list."""
        return replace(self, q="", sender=None, campaign=None, cursor="").url()

    def on_tab(self, tab: EmailList) -> str:
        """The address of another tab with the same filters."""
        return replace(self, tab=tab, cursor="").url()

    def after(self, cursor: str) -> str:
        """The address of the page that starts at `cursor`; of the first one when it is empty."""
        return replace(self, cursor=cursor).url()

    def url(self) -> str:
        """The address of exactly this list."""
        values = {
            "tab": self.tab,
            "q": self.q,
            "campaign": str(self.campaign or "") if self.path == "/" else "",
            "sender": str(self.sender or ""),
            "cursor": self.cursor,
        }
        return address(self.path, values)
