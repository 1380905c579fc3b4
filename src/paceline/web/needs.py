"""What needs somebody: each in words, with the link or the button that mends it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from paceline.services.status import Need, NeedKind
from paceline.web.wording import count


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """`said`: the server's own words. `button`: what a POST to `post` does; `link`: where to go."""

    title: str
    text: str
    tone: str = "bad"
    icon: str = "circle-alert"
    said: str = ""
    href: str = ""
    link: str = ""
    post: str = ""
    button: str = ""


def shown(need: Need, campaign_id: uuid.UUID | None = None) -> Shown:
    """One need, on the dashboard or on the page of a campaign."""
    sender = f"/senders/{need.sender_id}"
    match need.kind:
        case NeedKind.LOG_IN_REFUSED | NeedKind.SENDER_BROKEN:
            refused = need.kind is NeedKind.LOG_IN_REFUSED
            what = "The log-in of" if refused else "The server refuses"
            return Shown(
                title=f"{what} {need.sender_address}{' is refused' if refused else ''}",
                text="Its emails wait, none has failed. Mend the account, then verify it again.",
                said=need.reason or "",
                href=sender,
                link="Open the sender",
                post=f"{sender}/verify",
                button="Verify again",
            )
        case NeedKind.IN_DOUBT:
            emails = need.count or 0
            path = f"/campaigns/{campaign_id}" if campaign_id else "/emails"
            return Shown(
                title=f"{count(emails, 'email')} {'is' if emails == 1 else 'are'} in doubt",
                text="The connection broke after they were handed over. Only somebody who looks "
                "into the mailbox, or the server’s log, can say whether they arrived.",
                tone="doubt",
                icon="circle-help",
                href=f"{path}?tab=in_doubt",
                link="Settle the doubts",
            )
        case NeedKind.NO_WORKER:
            return Shown(
                title="No worker is running",
                text="What is due waits, and goes out once a worker is there: start one with "
                "paceline worker, or everything with paceline up.",
            )
        case NeedKind.LIMITS_UNAVAILABLE:
            return Shown(
                title="Redis does not answer",
                text="Without it nobody can count the limits, so nothing is sent until it is back.",
            )
