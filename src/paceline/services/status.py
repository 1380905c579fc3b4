"""What is so: with a campaign, with a sender, with all that an owner has.

One value says it to pages, API and command line, so that they cannot disagree: emails are going
out, the next one goes at a time, or it is held, until when and by what; and what only a person can
mend. It follows from the same rules as "why not yet?" about one email (`waiting.py`).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from paceline.domain.gate import HeldBy
from paceline.domain.lifecycle import CampaignState, JobState, SenderState
from paceline.persistence.stores.queues import QueueRecord
from paceline.persistence.stores.senders import SenderRecord
from paceline.services.waiting import Surroundings, hold_of_next, silence

# RFC 4954 §6: codes that say that the log-in was refused.
_LOG_IN_REFUSED = re.compile(r"(?<!\d)53[0458](?!\d)")
# A server that is restarted is back by then, and nobody has to look after it.
UNREACHED_FOR_LONG = timedelta(minutes=10)
_TRIED = frozenset({HeldBy.HOST_RESTING, HeldBy.SERVER_SILENT, None})
_JUST_NEXT = frozenset({HeldBy.SCHEDULE, HeldBy.RETRY})
_HELD_BY_STATE = {
    CampaignState.DRAFT: HeldBy.CAMPAIGN_DRAFT,
    CampaignState.PAUSED: HeldBy.CAMPAIGN_PAUSED,
}
# Which of several that have no end is told of all: the one that most needs somebody.
_WORST_FIRST = (
    HeldBy.NO_WORKER,
    HeldBy.LIMITS_UNAVAILABLE,
    HeldBy.SENDER_BROKEN,
    HeldBy.SERVER_SILENT,
    HeldBy.SENDER_PAUSED,
    HeldBy.CAMPAIGN_PAUSED,
    HeldBy.CAMPAIGN_DRAFT,
)


class Activity(StrEnum):
    """What the emails do."""

    NOTHING = "nothing"  # none waits
    SENDING = "sending"  # one is on its way, or goes any moment
    NEXT = "next"  # the next one waits for its time
    HELD = "held"  # its time has come, or will; something else holds it


class NeedKind(StrEnum):
    """What waits for a person, the most urgent first."""

    NO_WORKER = "no_worker"
    LIMITS_UNAVAILABLE = "limits_unavailable"
    LOG_IN_REFUSED = "log_in_refused"
    SENDER_BROKEN = "sender_broken"
    SERVER_UNREACHED = "server_unreached"
    IN_DOUBT = "in_doubt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Something that only a person can mend. `reason`: in the server's words.

    `host`: a server that cannot be reached, `since` when, and `at`: when it is tried again.
    """

    kind: NeedKind
    sender_id: uuid.UUID | None = None
    sender_address: str | None = None
    reason: str | None = None
    count: int | None = None  # emails
    host: str | None = None
    since: datetime | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What is so, and what has to be done about it.

    `at`: when the next one goes, or until when it is held (None: until somebody lets it go).
    `host`: the server that it waits for because it cannot be reached, and `since` when.
    """

    activity: Activity = Activity.NOTHING
    held_by: HeldBy | None = None
    reason: str | None = None
    at: datetime | None = None
    host: str | None = None
    since: datetime | None = None
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """An hourly limit and what is used of it in this UTC hour (None: nobody can say)."""

    limit: int
    used: int | None

    @property
    def share(self) -> float:
        """From 0 to 1 and beyond."""
        return (self.used or 0) / self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignAllowance:
    """A running campaign's hourly limit."""

    campaign_id: uuid.UUID
    name: str
    hourly: Allowance


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderStatus:
    """One sender with its limits. `hourly` None: it has no hourly limit."""

    sender_id: uuid.UUID
    name: str
    address: str
    state: SenderState
    hourly: Allowance | None
    min_delay_ms: int
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerStatus:
    """All that an owner has, and each sender, the newest first."""

    status: Status
    senders: tuple[SenderStatus, ...]
    is_worked: bool
    limits_answer: bool

    @property
    def each(self) -> tuple[Status, ...]:
        """That of all, and that of each sender."""
        return (self.status, *(sender.status for sender in self.senders))


def of_queue(queue: QueueRecord, around: Surroundings, *, now: datetime) -> Status:
    """What is so with one queue, without what it needs."""
    state = None if queue.campaign_state is None else CampaignState(queue.campaign_state)
    if state in _HELD_BY_STATE:
        return Status(activity=Activity.HELD, held_by=_HELD_BY_STATE[state])
    if queue.state is None or queue.due_at is None or state not in (None, CampaignState.ACTIVE):
        return _on_its_way(queue, now=now) or Status()
    held = hold_of_next(queue, JobState(queue.state), queue.due_at, around, now=now)
    if held.held_by is None:
        return _on_its_way(queue, now=now) or Status(activity=Activity.SENDING)
    activity = Activity.NEXT if held.held_by in _JUST_NEXT else Activity.HELD
    if activity is Activity.NEXT and queue.on_their_way:
        return _on_its_way(queue, now=now) or Status(activity=Activity.SENDING)
    status = Status(activity=activity, held_by=held.held_by, reason=held.reason, at=held.release_at)
    if held.held_by is HeldBy.HOST_RESTING and queue.unreached_since is not None:
        return replace(status, host=queue.sender_host, since=queue.unreached_since)
    return status


def _on_its_way(queue: QueueRecord, *, now: datetime) -> Status | None:
    """While one of them moves, nothing holds them up."""
    if not queue.on_their_way or queue.first_since is None or queue.last_since is None:
        return None
    silent = silence(queue.first_since, now=now) if silence(queue.last_since, now=now) else None
    if silent is None:
        return Status(activity=Activity.SENDING)
    return Status(activity=Activity.HELD, held_by=silent.held_by, reason=silent.reason)


def of_campaign(
    queue: QueueRecord, around: Surroundings, *, in_doubt: int, now: datetime
) -> Status:
    """What is so with a campaign."""
    status = of_queue(queue, around, now=now)
    needs = [_broken(queue.sender_id, queue.sender_address, queue.sender_state_reason)]
    if status.held_by is not HeldBy.SENDER_BROKEN:
        needs = []
    needs += _of_surroundings(status)
    needs += _unreached(queue, status, now=now)
    needs += [Need(kind=NeedKind.IN_DOUBT, count=in_doubt)] if in_doubt else []
    return replace(status, needs=_in_order(needs))


def of_all(
    senders: Sequence[SenderRecord],
    queues: Sequence[QueueRecord],
    around: Surroundings,
    *,
    in_doubt: int,
    is_any_drafted: bool,
    now: datetime,
) -> OwnerStatus:
    """What is so with all that an owner has."""
    by_sender: dict[uuid.UUID, list[Status]] = {sender.id: [] for sender in senders}
    unreached: list[Need] = []
    for queue in queues:
        found = of_queue(queue, around, now=now)
        by_sender.setdefault(queue.sender_id, []).append(found)
        unreached += _unreached(queue, found, now=now)
    each = tuple(_of_sender(sender, by_sender[sender.id], around) for sender in senders)
    status = together(status for found in by_sender.values() for status in found)
    if status.activity is Activity.NOTHING and is_any_drafted:
        status = Status(activity=Activity.HELD, held_by=HeldBy.CAMPAIGN_DRAFT)
    needs = [need for sender in each for need in sender.status.needs if need.sender_id]
    needs += {need for sender in each for need in sender.status.needs if not need.sender_id}
    needs += {need.sender_id: need for need in unreached}.values()
    needs += [Need(kind=NeedKind.IN_DOUBT, count=in_doubt)] if in_doubt else []
    return OwnerStatus(
        status=replace(status, needs=_in_order(needs)),
        senders=each,
        is_worked=around.is_worked,
        limits_answer=around.limits_answer,
    )


def campaigns_limited(
    queues: Sequence[QueueRecord], around: Surroundings
) -> tuple[CampaignAllowance, ...]:
    """The hourly limits of campaigns that are running, the fullest first."""
    limited = [
        CampaignAllowance(
            campaign_id=queue.campaign_id,
            name=queue.campaign_name or "",
            hourly=Allowance(
                limit=queue.campaign_hourly_limit,
                used=around.used.get(queue.campaign_id, 0) if around.limits_answer else None,
            ),
        )
        for queue in queues
        if queue.campaign_id
        and queue.campaign_hourly_limit
        and queue.campaign_state == CampaignState.ACTIVE
    ]
    return tuple(sorted(limited, key=lambda campaign: -campaign.hourly.share))


def together(statuses: Iterable[Status]) -> Status:
    """Of several queues: one that sends, else the one that is next, else the worst."""
    found = [status for status in statuses if status.activity is not Activity.NOTHING]
    sending = [status for status in found if status.activity is Activity.SENDING]
    if sending:
        return sending[0]
    timed = [(status.at, index) for index, status in enumerate(found) if status.at is not None]
    if timed:
        return found[min(timed)[1]]
    return min(found, key=_badness, default=Status())


def _badness(status: Status) -> int:
    held_by = status.held_by
    return _WORST_FIRST.index(held_by) if held_by in _WORST_FIRST else len(_WORST_FIRST)


def _of_sender(
    sender: SenderRecord, queues: Sequence[Status], around: Surroundings
) -> SenderStatus:
    status = together(queues)
    needs = [*{need for queue in queues for need in _of_surroundings(queue)}]
    if sender.state == SenderState.BROKEN:
        needs.append(_broken(sender.id, sender.from_address, sender.state_reason))
    used = around.used.get(sender.id, 0) if around.limits_answer else None
    limit = sender.hourly_limit
    return SenderStatus(
        sender_id=sender.id,
        name=sender.name,
        address=sender.from_address,
        state=SenderState(sender.state),
        hourly=None if limit is None else Allowance(limit=limit, used=used),
        min_delay_ms=sender.min_delay_ms,
        status=replace(status, needs=_in_order(needs)),
    )


def _of_surroundings(status: Status) -> list[Need]:
    if status.held_by is HeldBy.NO_WORKER:
        return [Need(kind=NeedKind.NO_WORKER)]
    if status.held_by is HeldBy.LIMITS_UNAVAILABLE:
        return [Need(kind=NeedKind.LIMITS_UNAVAILABLE)]
    return []


def _broken(sender_id: uuid.UUID, address: str, reason: str | None) -> Need:
    is_log_in = _LOG_IN_REFUSED.search(reason or "") is not None
    return Need(
        kind=NeedKind.LOG_IN_REFUSED if is_log_in else NeedKind.SENDER_BROKEN,
        sender_id=sender_id,
        sender_address=address,
        reason=reason,
    )


def _unreached(queue: QueueRecord, status: Status, *, now: datetime) -> list[Need]:
    """Of a server that has been away for long, also while it is tried once more."""
    since, is_tried = queue.unreached_since, status.held_by in _TRIED
    is_idle = status.activity is Activity.NOTHING or queue.sender_state != SenderState.ACTIVE
    if since is None or now - since < UNREACHED_FOR_LONG or is_idle or not is_tried:
        return []
    need = Need(
        kind=NeedKind.SERVER_UNREACHED,
        sender_id=queue.sender_id,
        sender_address=queue.sender_address,
        reason=queue.sender_state_reason,
        host=queue.sender_host,
        since=since,
        at=status.at,
    )
    return [need]


def _in_order(needs: Iterable[Need]) -> tuple[Need, ...]:
    order = list(NeedKind)
    return tuple(sorted(needs, key=lambda need: order.index(need.kind)))
