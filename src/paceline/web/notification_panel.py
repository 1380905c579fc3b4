"""What the settings page shows of notifications."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from paceline.domain.notifications import STALLED_MINUTES, Channel, Kind
from paceline.persistence.stores.notification_settings import LastMessage
from paceline.services.notification_settings import NotificationView
from paceline.services.views import SenderView

KINDS = (
    (Kind.CAMPAIGN_DONE, "A campaign is done, with its counts"),
    (Kind.LIMIT_REACHED, "A sender or a campaign waits for the next hour (once a day each)"),
    (Kind.SENDER_BROKEN, "A sender sends nothing until somebody mends it"),
    (Kind.DOUBTS, "Emails are in doubt and need a decision"),
    (Kind.NOTHING_GOES, f"Mail is due and none has left for {STALLED_MINUTES} minutes"),
)
WAYS = {Channel.HOOK: "web hook", Channel.EMAIL: "email"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """For the template."""

    form: Mapping[str, str]
    boxes: Sequence[tuple[str, str, bool]]
    senders: Sequence[tuple[str, str]]
    hook: str | None
    is_on: bool
    troubles: Sequence[str]


def box(kind: Kind) -> str:
    """The name of its field."""
    return f"notify_{kind}"


def panel(
    view: NotificationView,
    senders: Sequence[SenderView],
    typed: tuple[Mapping[str, str], Collection[Kind]] | None,
) -> Panel:
    """As it is kept, or as it was typed."""
    kept = {
        "hook_url": "",
        "email_to": view.email_to or "",
        "email_sender_id": str(view.email_sender_id or ""),
    }
    form, chosen = typed or (kept, view.kinds)
    return Panel(
        form=form,
        boxes=[(box(kind), label, kind in chosen) for kind, label in KINDS],
        senders=[("", "None"), *((str(s.id), f"{s.name} ({s.from_address})") for s in senders)],
        hook=view.hook,
        is_on=view.is_on,
        troubles=[_trouble(message) for message in view.last if message.last_error],
    )


def _trouble(last: LastMessage) -> str:
    way = WAYS.get(Channel(last.channel), last.channel)
    then = "It was given up." if last.given_up_at else "It is tried again."
    return f"The last message by {way} was not taken: {last.last_error} {then}"
