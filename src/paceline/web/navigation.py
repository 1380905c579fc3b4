"""The sidebar: every screen that exists, in its group. A new screen is one line in `GROUPS`."""

from __future__ import annotations

from dataclasses import dataclass

from paceline.web.access import Viewer
from paceline.web.states import TABS


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One link. `key` is the `section` that its pages name; `count` a key of the counts."""

    key: str
    label: str
    icon: str
    path: str
    count: str = ""
    for_admins: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Links that belong together. `label` is "" for those that need none."""

    label: str
    entries: tuple[Entry, ...]


LIST_ICONS = {
    "scheduled": "calendar-clock",
    "sent": "send",
    "failed": "circle-alert",
    "in_doubt": "circle-help",
    "cancelled": "ban",
}


def _lists() -> tuple[Entry, ...]:
    """One per list of emails, with its count."""
    return tuple(
        Entry(
            key=f"emails-{key}",
            label=tab.label,
            icon=LIST_ICONS.get(key, "mail"),
            path=f"/emails?tab={key}",
            count=key,
        )
        for key, tab in TABS.items()
    )


NEEDS = "needs"  # the count of what needs somebody
DRAFTS = "drafts"  # of what is being written

GROUPS = (
    Group(
        label="",
        entries=(Entry(key="dashboard", label="Dashboard", icon="gauge", path="/", count=NEEDS),),
    ),
    Group(label="Emails", entries=_lists()),
    Group(
        label="Sending",
        entries=(
            Entry(key="campaigns", label="Campaigns", icon="megaphone", path="/campaigns"),
            Entry(key="drafts", label="Drafts", icon="file-pen", path="/drafts", count=DRAFTS),
            Entry(key="senders", label="Senders", icon="at-sign", path="/senders"),
            Entry(key="suppressions", label="Suppressions", icon="user-x", path="/suppressions"),
        ),
    ),
    Group(
        label="You",
        entries=(
            Entry(key="settings", label="Settings", icon="settings", path="/settings"),
            Entry(key="api-keys", label="API keys", icon="key-round", path="/api-keys"),
            Entry(key="audit-log", label="Audit log", icon="scroll-text", path="/audit-log"),
        ),
    ),
    Group(
        label="This installation",
        entries=(
            Entry(key="users", label="Users", icon="users", path="/users", for_admins=True),
            Entry(key="queue", label="Queue", icon="list-ordered", path="/queue", for_admins=True),
            Entry(
                key="inbox", label="Dev inbox", icon="flask-conical", path="/inbox", for_admins=True
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaletteEntry:
    """One line of the palette. `words`: by which it is found, too."""

    label: str
    icon: str
    path: str
    words: str = ""


_DEEDS = (
    PaletteEntry(
        label="New campaign", icon="pencil-line", path="/compose", words="compose write email send"
    ),
    PaletteEntry(label="Add a sender", icon="plus", path="/senders/new", words="smtp account"),
    PaletteEntry(
        label="Add suppressions",
        icon="plus",
        path="/suppressions/new",
        words="unsubscribe opt out import",
    ),
)


_DEEDS_OF_ADMINS = (
    PaletteEntry(
        label="Invite somebody", icon="plus", path="/users#invite", words="user person link access"
    ),
)


def palette_for(viewer: Viewer) -> tuple[PaletteEntry, ...]:
    """Every screen of the sidebar that this person may see, and what is done often."""
    screens = (
        PaletteEntry(label=entry.label, icon=entry.icon, path=entry.path, words=group.label)
        for group in groups_for(viewer)
        for entry in group.entries
    )
    return (*screens, *_DEEDS, *(_DEEDS_OF_ADMINS if viewer.principal.is_admin else ()))


def groups_for(viewer: Viewer) -> tuple[Group, ...]:
    """What this person may see; a group of nothing is left out."""
    is_admin = viewer.principal.is_admin
    shown = (
        Group(
            label=group.label,
            entries=tuple(e for e in group.entries if is_admin or not e.for_admins),
        )
        for group in GROUPS
    )
    return tuple(group for group in shown if group.entries)
