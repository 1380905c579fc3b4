"""What the browser may show a notice of: kept by the poll of the sidebar, told by notices.js.

Each has a key. The browser tells of keys that were not there before, and of counts that have grown.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import tzinfo

from paceline import clock
from paceline.domain.preferences import Notice
from paceline.persistence.stores.overview import Finished
from paceline.services.status import NeedKind
from paceline.services.views import Overview
from paceline.web.needs import shown
from paceline.web.wording import count

CHOICES = (
    (Notice.FINISHED, "A campaign has finished"),
    (Notice.SENDER, "A sender needs you: its server refuses it, or is away"),
    (Notice.TROUBLE, "Emails failed, or are in doubt"),
)
_OF_SENDERS = frozenset(
    {NeedKind.LOG_IN_REFUSED, NeedKind.SENDER_BROKEN, NeedKind.SERVER_UNREACHED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One notice. `count` not None: it is told when that grows, and `title` follows the number."""

    key: str
    title: str
    text: str
    href: str
    count: int | None = None


def notices(
    chosen: Collection[Notice], overview: Overview, finished: Sequence[Finished], *, zone: tzinfo
) -> list[dict[str, object]]:
    """All that is so now, as notices.js reads it; of what was not chosen, nothing."""
    found: list[Told] = []
    if Notice.FINISHED in chosen:
        found += [_finished(campaign) for campaign in finished]
    if Notice.SENDER in chosen:
        found += [
            Told(
                key=f"sender {need.sender_id} {need.kind}",
                title=(told := shown(need, now=clock.now(), zone=zone)).title,
                text=told.text,
                href=told.href,
            )
            for need in overview.now.status.needs
            if need.kind in _OF_SENDERS
        ]
    if Notice.TROUBLE in chosen:
        found += _trouble(overview)
    return [asdict(told) for told in found]


def _finished(campaign: Finished) -> Told:
    failed = f", {campaign.failed:,} failed" if campaign.failed else ""
    return Told(
        key=f"finished {campaign.id} {campaign.finished_at.timestamp():.3f}",
        title=f"Finished: {campaign.name}",
        text=f"{campaign.sent:,} of {count(campaign.total, 'email')} sent{failed}.",
        href=f"/campaigns/{campaign.id}",
    )


def _trouble(overview: Overview) -> list[Told]:
    return [
        Told(
            key="failed",
            title="failed",
            text="The list says why, and which can be tried again.",
            href="/emails?tab=failed",
            count=overview.failed,
        ),
        Told(
            key="in_doubt",
            title="in doubt",
            text="Nobody knows whether they arrived. Look, and settle them.",
            href="/emails?tab=in_doubt",
            count=overview.in_doubt,
        ),
    ]
