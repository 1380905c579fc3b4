"""What needs somebody: each in words, with the link or the button that mends it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, tzinfo

from paceline.domain.gate import HeldBy
from paceline.services.status import Need, NeedKind, Status
from paceline.web.wording import as_told, at_moment, count, is_reply, unreached


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """`said`: why, in the server's own words where it has any.

    `button`: what a POST to `post` does; `link`: where to go.
    """

    title: str
    text: str
    tone: str = "bad"
    icon: str = "circle-alert"
    said: str = ""
    href: str = ""
    link: str = ""
    post: str = ""
    button: str = ""


_OF_HOLD = {
    HeldBy.SENDER_BROKEN: {NeedKind.LOG_IN_REFUSED, NeedKind.SENDER_BROKEN},
    HeldBy.HOST_RESTING: {NeedKind.SERVER_UNREACHED},
    HeldBy.SERVER_SILENT: {NeedKind.SERVER_UNREACHED},
    HeldBy.NO_WORKER: {NeedKind.NO_WORKER},
    HeldBy.LIMITS_UNAVAILABLE: {NeedKind.LIMITS_UNAVAILABLE},
}


def needs_say(status: Status) -> bool:
    """Whether what holds it is told already, by what somebody has to mend."""
    told = _OF_HOLD.get(status.held_by, set()) if status.held_by else set()
    return any(need.kind in told for need in status.needs)


def _cannot_send(need: Need) -> str:
    if need.kind is NeedKind.LOG_IN_REFUSED:
        return f"The log-in of {need.sender_address} is refused"
    if is_reply(need.reason):
        return f"The server refuses {need.sender_address}"
    return f"{need.sender_address} cannot send"


def shown(
    need: Need, campaign_id: uuid.UUID | None = None, *, now: datetime, zone: tzinfo
) -> Shown:
    """One need, on the dashboard or on the page of a campaign."""
    sender = f"/senders/{need.sender_id}"
    match need.kind:
        case NeedKind.LOG_IN_REFUSED | NeedKind.SENDER_BROKEN:
            return Shown(
                title=_cannot_send(need),
                text="What has not gone out waits. Mend the account, then verify it again.",
                said=as_told(need.reason),
                href=sender,
                link="Open the sender",
                post=f"{sender}/verify",
                button="Verify again",
            )
        case NeedKind.SERVER_UNREACHED:
            again = f"tried again {at_moment(need.at, now=now, zone=zone)}" if need.at else "tried"
            return Shown(
                title=unreached(need.host, need.since, now=now, zone=zone),
                text=f"What {need.sender_address} has to send waits; the server is {again}. If it "
                "should answer, look at its name, its port and the way there.",
                said=as_told(need.reason),
                href=sender,
                link="Open the sender",
                post=f"{sender}/verify",
                button="Verify again",
            )
        case NeedKind.IN_DOUBT:
            emails = need.count or 0
            it, was = ("it", "was") if emails == 1 else ("they", "were")
            path = f"/campaigns/{campaign_id}" if campaign_id else "/emails"
            return Shown(
                title=f"{count(emails, 'email')} {'is' if emails == 1 else 'are'} in doubt",
                text=f"The connection broke after {it} {was} handed over. Only somebody who looks "
                f"into the mailbox, or the server’s log, can say whether {it} arrived.",
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
                title="Redis does not answer, or refuses writes",
                text="Without it nobody can count the limits, so nothing is sent until it does: "
                "paceline doctor says what is wrong.",
            )
