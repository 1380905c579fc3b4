"""One command for many emails: those that somebody ticked, or all that match a list's filters.

Done in pieces, a transaction for each campaign in it, in the lock order of all commands. It says
what was done and, by reason, what was not. Asked again, it finds done what is done.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from paceline.auth.acting import who
from paceline.auth.auditing import complete, note
from paceline.domain.acts import Act
from paceline.domain.decisions import Decision
from paceline.domain.identifiers import new_id
from paceline.domain.lifecycle import UNFINISHED, WAITING, CampaignState, JobState
from paceline.persistence.database import Database
from paceline.persistence.lanes import signal
from paceline.persistence.stores import bulk as store
from paceline.persistence.stores import campaigns, retrying, senders
from paceline.persistence.stores import seen as seen_by
from paceline.persistence.stores.campaigns import CampaignRecord
from paceline.persistence.stores.session import Session
from paceline.services.deciding import decided
from paceline.services.ports import Bell, Settle
from paceline.services.selecting import EmailFilter, all_of, selection_of
from paceline.services.validation import Problems

MAX_IDS = 1_000
MAX_EMAILS = 100_000  # of one command; what is left is said, and done when it is asked again


class Action(StrEnum):
    """What can be done to many at once."""

    CANCEL = "cancel"
    RESCHEDULE = "reschedule"
    RETRY = "retry"
    MARK_SENT = "mark_sent"


class NotDone(StrEnum):
    """Why nothing was done to an email."""

    NOT_FOUND = "not_found"
    ON_ITS_WAY = "on_its_way"
    SENT = "sent"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    CANCELLED = "cancelled"
    WAITING = "waiting"
    TRIED_BEFORE = "tried_before"  # it waits for its next try, whose time is not a person's
    CAMPAIGN_DRAFT = "campaign_draft"  # until it is launched, its start is the campaign's
    CAMPAIGN_MOVING = "campaign_moving"
    CAMPAIGN_CANCELLED = "campaign_cancelled"
    SENDER_DELETED = "sender_deleted"
    SUPPRESSED = "suppressed"
    DOUBTFUL = "doubtful"  # an attempt of it has no certain end: it may have arrived
    REMOVED = "removed"  # what it said is kept no longer


_MEANT = {
    Action.CANCEL: UNFINISHED,
    Action.RESCHEDULE: UNFINISHED,
    Action.RETRY: frozenset({JobState.FAILED}),
    Action.MARK_SENT: frozenset({JobState.IN_DOUBT}),
}
_NOTED = {
    Action.CANCEL: Decision.CANCELLED,
    Action.RESCHEDULE: Decision.MOVED,
    Action.MARK_SENT: Decision.MARKED_SENT,
}
_STATES = {
    JobState.SCHEDULED: NotDone.WAITING,
    JobState.DEFERRED: NotDone.WAITING,
    JobState.CLAIMED: NotDone.ON_ITS_WAY,
    JobState.SENDING: NotDone.ON_ITS_WAY,
    JobState.SENT: NotDone.SENT,
    JobState.FAILED: NotDone.FAILED,
    JobState.IN_DOUBT: NotDone.IN_DOUBT,
    JobState.CANCELLED: NotDone.CANCELLED,
}
_ACTS = {
    Action.CANCEL: Act.EMAILS_CANCELLED,
    Action.RESCHEDULE: Act.EMAILS_MOVED,
    Action.RETRY: Act.EMAILS_RETRIED,
    Action.MARK_SENT: Act.EMAILS_MARKED_SENT,
}
Group = tuple[uuid.UUID | None, uuid.UUID]
"""(campaign, sender): what one transaction is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to do to which emails: to `ids`, or to all that match `wanted`.

    `scheduled_at` is what they are rescheduled to. Of all that match, what could not be seen at
    `seen` (`EmailQueries.snapshot`) is not meant: whoever decided could not know of it.
    """

    action: Action
    ids: tuple[uuid.UUID, ...] | None = None
    wanted: EmailFilter | None = None
    scheduled_at: datetime | None = None
    seen: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkReport:
    """What was done. `complete` False: more match, and are done when the same is asked again."""

    done: int = 0
    not_done: Mapping[NotDone, int] = field(default_factory=dict)
    complete: bool = True


class Bulk:
    """The emails of an owner, many at once."""

    def __init__(self, database: Database, bell: Bell) -> None:
        self._database = database
        self._bell = bell

    async def run(
        self,
        owner_id: uuid.UUID,
        command: Command,
        *,
        run: uuid.UUID | None = None,
        settle: Settle[BulkReport] | None = None,
    ) -> BulkReport:
        """Do it, and say what was done. Raises `InvalidInput`, and `NotFound` for a campaign.

        `run` names the request: a retry that is repeated takes up no email twice.
        """
        _check(command)
        run = run or new_id()
        tally: Counter[NotDone] = Counter()
        done, seen, is_whole = 0, 0, True
        rung: set[uuid.UUID] = set()
        entry: int | None = None
        async for groups, missing in self._pieces(owner_id, command):
            tally[NotDone.NOT_FOUND] += missing
            for group, ids in groups.items():
                async with self._database.transaction() as session:
                    if entry is None:
                        act = _ACTS[command.action]
                        entry = await note(session, owner_id, act, _meant(command))
                    came = await _carry_out(session, owner_id, command, group, ids, run)
                done += came.done
                tally.update(came.not_done)
                rung |= {group[1]} if came.done else set()
                seen += len(ids)
            if seen >= MAX_EMAILS:
                is_whole = False
                break
        told = {why: count for why, count in tally.items() if count}
        report = BulkReport(done=done, not_done=told, complete=is_whole)
        async with self._database.transaction() as session:
            if entry is not None:
                await complete(session, entry, {"done": done, "not_done": sum(told.values())})
            if settle is not None:
                await settle(session, report)
        if rung:
            await self._bell.ring(sorted(rung))
        return report

    async def _pieces(
        self, owner_id: uuid.UUID, command: Command
    ) -> AsyncIterator[tuple[dict[Group, list[uuid.UUID]], int]]:
        """By campaign and sender; and how many of the ids are none of the owner's emails."""
        if command.ids is not None:
            ids = list(dict.fromkeys(command.ids))
            async with self._database.transaction() as session:
                found = await store.places(session, owner_id, ids)
            yield _grouped(found), len(ids) - len(found)
            return
        assert command.wanted is not None, "checked"
        meant = replace(
            command.wanted, states=command.wanted.states & _MEANT[command.action], backwards=False
        )
        async with self._database.transaction() as session:
            selection = await selection_of(session, owner_id, meant)
        async for records in all_of(self._database, owner_id, selection if meant.states else None):
            # Those that were moved a moment ago come again, at their new place.
            left = [r for r in records if r.scheduled_at != command.scheduled_at]
            if command.seen is not None:
                async with self._database.transaction() as session:
                    known = await seen_by.seen(session, command.seen, [r.id for r in left])
                left = [r for r in left if r.id in known]
            yield _grouped([(r.id, r.campaign_id, r.sender_id) for r in left]), 0


def _meant(command: Command) -> str:
    return "chosen emails" if command.ids is not None else "all emails that match a filter"


def _check(command: Command) -> None:
    problems = Problems()
    if (command.ids is None) == (command.wanted is None):
        problems.add("ids", "give either ids or a filter")
    if command.ids is not None and not 1 <= len(command.ids) <= MAX_IDS:
        problems.add("ids", f"must be 1 to {MAX_IDS:,} of them; use a filter for more")
    if command.action is Action.RESCHEDULE:
        if command.scheduled_at is None:
            problems.add("scheduled_at", "is needed to reschedule")
        problems.instant("scheduled_at", command.scheduled_at)
    elif command.scheduled_at is not None:
        problems.add("scheduled_at", "is for rescheduling only")
    if command.seen is not None and not seen_by.is_snapshot(command.seen):
        problems.add("seen", "is no moment that a page was made at: load it anew")
    problems.raise_if_any()


def _grouped(
    found: Sequence[tuple[uuid.UUID, uuid.UUID | None, uuid.UUID]],
) -> dict[Group, list[uuid.UUID]]:
    groups: dict[Group, list[uuid.UUID]] = defaultdict(list)
    for email_id, campaign_id, sender_id in found:
        groups[campaign_id, sender_id].append(email_id)
    return groups


async def _carry_out(
    session: Session,
    owner_id: uuid.UUID,
    command: Command,
    group: Group,
    ids: list[uuid.UUID],
    run: uuid.UUID,
) -> BulkReport:
    campaign_id, sender_id = group
    campaign = None
    if campaign_id is not None:
        await campaigns.take_turns(session, campaign_id)
        campaign = await campaigns.campaign(session, owner_id, campaign_id)
        if campaign is None:  # thrown away meanwhile
            return BulkReport(not_done={NotDone.NOT_FOUND: len(ids)})
        refused = _refused(command.action, campaign)
        if refused is not None:
            return BulkReport(not_done={refused: len(ids)})
    if command.action is Action.RETRY:
        if not await senders.is_kept(session, sender_id):
            return BulkReport(not_done={NotDone.SENDER_DELETED: len(ids)})
        return await _retry(session, owner_id, group, ids, run)
    states = await store.hold_still(session, owner_id, ids)
    able = [email_id for email_id, state in states.items() if state in _able(command.action)]
    left = [state for state in states.values() if state not in _able(command.action)]
    others = Counter(_why_not(command.action, state) for state in left)
    others[NotDone.NOT_FOUND] += len(ids) - len(states)
    if able:
        # Before the rows change: a trigger then takes the campaign's.
        await signal(session, sender_id, command.scheduled_at)
        others[NotDone.DOUBTFUL] += (doubtful := await _change(session, command, able))
        return BulkReport(done=len(able) - doubtful, not_done=+others)
    return BulkReport(not_done=+others)


def _refused(action: Action, campaign: CampaignRecord) -> NotDone | None:
    if action is Action.RESCHEDULE and campaign.state == CampaignState.DRAFT:
        return NotDone.CAMPAIGN_DRAFT
    if action is Action.RESCHEDULE and campaign.moving_to is not None:
        return NotDone.CAMPAIGN_MOVING
    if action is Action.RETRY and campaign.state == CampaignState.CANCELLED:
        return NotDone.CAMPAIGN_CANCELLED
    return None


def _able(action: Action) -> frozenset[JobState]:
    match action:
        case Action.CANCEL:
            return WAITING
        case Action.RESCHEDULE:
            return frozenset({JobState.SCHEDULED})
        case _:
            return _MEANT[action]


def _why_not(action: Action, state: JobState) -> NotDone:
    if action is Action.RESCHEDULE and state is JobState.DEFERRED:
        return NotDone.TRIED_BEFORE
    return _STATES[state]


async def _change(session: Session, command: Command, ids: list[uuid.UUID]) -> int:
    """How many are in doubt instead."""
    detail = None
    if command.scheduled_at is not None:
        detail = {"scheduled_at": [None, command.scheduled_at.isoformat()]}
    noted = _NOTED[command.action]
    await decided(session, ids, noted, detail)
    match command.action:
        case Action.CANCEL:
            return await store.cancel(session, ids)
        case Action.RESCHEDULE:
            assert command.scheduled_at is not None, "checked"
            await store.reschedule(session, ids, command.scheduled_at)
        case _:
            await store.settle_as_sent(session, ids)
    return 0


async def _retry(
    session: Session,
    owner_id: uuid.UUID,
    group: Group,
    ids: list[uuid.UUID],
    run: uuid.UUID,
) -> BulkReport:
    campaign_id, sender_id = group
    chunk = await retrying.retry_these(session, owner_id, ids, run=run, actor=who().actor)
    stay = chunk.suppressed + chunk.doubtful
    done = chunk.seen - stay  # with those that this request had taken up before it was cut short
    if chunk.retried:
        if campaign_id is not None:
            await campaigns.reopen(session, campaign_id)
        await signal(session, sender_id)
    others: Counter[NotDone] = Counter()
    others[NotDone.SUPPRESSED] = chunk.suppressed
    others[NotDone.DOUBTFUL] = chunk.doubtful
    if chunk.seen < len(ids):
        states = await store.states_of(session, owner_id, ids)
        rest = Counter(_STATES[s] for s in states.values() if s is not JobState.FAILED)
        failed = sum(s is JobState.FAILED for s in states.values())
        others[NotDone.REMOVED] = failed - stay
        rest[NotDone.WAITING] -= chunk.retried
        others.update(rest)
        others[NotDone.NOT_FOUND] += len(ids) - len(states)
    return BulkReport(done=done, not_done=+others)
