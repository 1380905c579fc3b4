"""The state of a list of emails, which lives in its address: a reload or a shared link keeps it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from paceline.domain.bounds import MAX_QUERY
from paceline.domain.lifecycle import EmailList, JobState

DEFAULT_TAB = EmailList.SCHEDULED
MAX_CURSOR_CHARACTERS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """Which emails are listed, and under which path."""

    path: str = "/"
    tab: EmailList = DEFAULT_TAB
    q: str = ""
    campaign: uuid.UUID | None = None
    sender: uuid.UUID | None = None
    cursor: str = ""

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
            campaign=campaign or _id(values.get("campaign", "")),
            sender=_id(values.get("sender", "")),
            cursor=values.get("cursor", "")[:MAX_CURSOR_CHARACTERS],
        )

    @property
    def states(self) -> frozenset[JobState]:
        """The states that this tab lists."""
        return self.tab.states

    @property
    def filtered(self) -> bool:
        """Whether the reader narrowed the list down."""
        return bool(self.q or self.sender or (self.campaign and self.path == "/"))

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
        query = urlencode({name: value for name, value in values.items() if value})
        return f"{self.path}?{query}"


def _id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
