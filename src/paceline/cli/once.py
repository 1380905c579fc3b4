"""The same command run twice schedules once, within a day, however the first run ended.

Create, attach, upload and launch are requests of their own, each with an idempotency key that
follows from who writes to whom about what: sender, subject, the list's content and the start *in
words*. So a second run finds the campaign of the first and goes on where that stopped, from any
machine; two at one moment work on one campaign. Whatever else is asked for makes no other run of
it: launched with something else, it is told and asked about; a draft with something else is thrown
away in its favour. One with the same is left alone by all but the run that made it, and thrown away
only when it was refused: another may be working on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from paceline import clock
from paceline.cli.client import ApiClient, ApiRefused, ApiUnreachable
from paceline.cli.console import note
from paceline.cli.once_more import ask_about_other, ask_about_repeats, clock_time
from paceline.cli.order import Order
from paceline.cli.reading import Report
from paceline.errors import DomainError, OperationalError, PacelineError

# Not quite a day, so that what is run daily is scheduled daily.
RECOGNISED_FOR = timedelta(hours=23)
MAX_RUNS = 100  # of one command within a day, those that were thrown away included
_MAX_LOOKS = 20  # at a draft that others change meanwhile
_NOT_FOUND, _CONFLICT, _OUTDATED = 404, 409, 412
_ONCE_MORE = (
    "If that page shows a draft, press Launch there: all else is done. Look before you run the "
    "command with --again once more: if this one was scheduled, that would mail everybody again."
)


class LostTrack(OperationalError):
    """The server stopped answering half-way; the message says what is known, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """The campaign as it is now; `was_there`: an earlier run has scheduled it."""

    campaign: Mapping[str, Any]
    was_there: bool = False


def scheduled(
    client: ApiClient, order: Order, *, tell: Callable[[Report], None], again: bool = False
) -> Scheduled:
    """The one campaign of this command, launched: made, finished or found.

    `tell` is given the report of the list before the launch; `again`: one more than there is.
    Raises `DomainError` with nothing scheduled, and `LostTrack`.
    """
    key, variant = order.key(), order.variant()
    other: Mapping[str, Any] | None = None
    for number in range(MAX_RUNS):
        run = _Run(
            client=client,
            order=order,
            tell=tell,
            key=f"cli-{key}-{number}",
            variant=variant,
            again=again,
        )
        if other is not None and not again:
            again = run.again = run.is_meant_beside(other)
        if (found := run.to_the_end()) is not None:
            return found
        other = run.other or other
    raise DomainError(f"this was run {MAX_RUNS} times within a day; change the list or the subject")


@dataclass(slots=True, kw_only=True)
class _Run:
    client: ApiClient
    order: Order
    tell: Callable[[Report], None]
    key: str
    variant: str
    again: bool
    campaign_id: str = ""
    is_other: bool = False  # what is there under this key was asked for otherwise
    other: Mapping[str, Any] | None = None  # and was launched
    notes: tuple[str, ...] = ()  # of the server, about the message
    is_ours: bool = False  # made by this very run, for certain
    is_launching: bool = False

    def to_the_end(self) -> Scheduled | None:
        """The campaign under this key, launched. None: it is over and done with, try the next."""
        with self._telling_what_is_known():
            there = self._opened()
            if there is None or _is_old(there):
                return None
            if self.is_other:
                self._make_way(there)
                return None
            if there["launched_at"] is not None:
                return None if self.again else _found(there)
            return self._completed()

    def is_meant_beside(self, other: Mapping[str, Any]) -> bool:
        """Whether to schedule this although `other` was, which differs: asked before it is made.

        False: it is there already. Raises `DomainError` if it is not meant.
        """
        with self._telling_what_is_known():
            if self.client.is_used(f"{self.key}-create"):
                return False
            order = self.order
            ask_about_other(self.client, order.campaign, order.files, other, asks=order.leads.asks)
            return True

    def _opened(self) -> Mapping[str, Any] | None:
        try:
            made = self.client.create_campaign(
                self.order.campaign, variant=self.variant, key=f"{self.key}-create"
            )
        except ApiRefused as refused:
            if not refused.is_about_the_key:
                raise
            return self._opened_otherwise(refused.made)
        self.campaign_id = str(made.body["id"])
        self.notes = tuple(made.body.get("notes", ()))
        self.is_ours = not made.is_replay
        return made.body if self.is_ours else self._look()

    def _opened_otherwise(self, made: str | None) -> Mapping[str, Any] | None:
        """What another run made, for the same list and subject, but with other options."""
        if made is None:
            raise DomainError(
                "the same list and subject are being scheduled with other options right now, or "
                f"that was cut short: see {self.client.campaigns_page}\n"
                "Nothing was scheduled by this run"
            )
        self.campaign_id, self.is_other = made.rpartition("/")[2], True
        return self._look()

    def _make_way(self, there: Mapping[str, Any]) -> None:
        """A draft with other options is thrown away, so that no late request launches it."""
        if there["launched_at"] is None:
            try:
                self.client.discard(self.campaign_id)
            except ApiRefused as refused:
                if refused.status not in (_NOT_FOUND, _CONFLICT):
                    raise
                if (now := self._look()) is None:
                    return
                there = now
            else:
                note("an earlier run with other options left a draft: this one takes its place")
                return
        self.other = there

    def _look(self) -> dict[str, Any] | None:
        """As it is now; None: thrown away."""
        try:
            return self.client.campaign(self.campaign_id)
        except ApiRefused as refused:
            if refused.status == _NOT_FOUND:
                return None
            raise

    def _completed(self) -> Scheduled | None:
        try:
            if not self.order.leads.takes((*self.notes, *self.order.notes())):
                raise DomainError("nothing was scheduled")
            self._start()
            for place, file in enumerate(self.order.files):
                inline = self.order.is_inline(file)
                self.client.attach(
                    self.campaign_id, file, inline=inline, key=f"{self.key}-attach-{place}"
                )
            self._store_list()
            if not self.again:
                subject, asks = str(self.order.campaign["subject"]), self.order.leads.asks
                ask_about_repeats(self.client, self.campaign_id, subject=subject, asks=asks)
            launched = self._launched()
        except DomainError as refused:
            return self._refused(refused)
        return Scheduled(campaign=launched)

    def _start(self) -> None:
        """What an earlier run has set stands, unless it has passed meanwhile.

        Another may set it, or launch the campaign, at this very moment: only what was looked at is
        changed.
        """
        start = self.order.start
        for _ in range(_MAX_LOOKS):
            seen = self.client.version(self.campaign_id)
            set_before = seen.body["start_at"] and datetime.fromisoformat(seen.body["start_at"])
            if seen.body["launched_at"] or (set_before and set_before > clock.now()):
                return
            start_at = start.resolved()
            if start_at is None and set_before is None:
                return
            try:
                self.client.set_start(seen, start_at)
            except ApiRefused as refused:
                if refused.status != _OUTDATED:
                    raise
            else:
                return
        raise ApiUnreachable("the draft is being changed all the time")

    def _launched(self) -> Mapping[str, Any]:
        self.is_launching = True
        try:
            return self.client.launch(self.campaign_id, key=f"{self.key}-launch")
        except ApiUnreachable:
            with suppress(PacelineError):  # what was lost first is what is told
                there = self.client.campaign(self.campaign_id, patiently=False)
                if there["launched_at"] is not None:
                    return there
            raise

    def _store_list(self) -> None:
        leads = self.order.leads

        def upload(chosen: Mapping[str, str]) -> Report:
            key = f"{self.key}-upload"
            return self.client.upload(self.campaign_id, leads.file, chosen, key=key)

        try:
            report = leads.settled(upload)
        except ApiRefused as refused:
            there = self._look() if refused.is_about_the_key else None
            if there is not None and there["total"]:
                return  # an earlier run has stored it, with other answers to what was asked
            raise
        self.tell(report)
        if not report["accepted"]:
            raise DomainError(
                f"{leads.file.name} holds no recipient to accept; nothing was scheduled"
            )
        if not (leads.goes_on(report.get("notes", ())) and leads.is_sure(report)):
            raise DomainError("nothing was scheduled")

    def _refused(self, refused: DomainError) -> Scheduled | None:
        """Refused for good, or overtaken by another run of the same command."""
        if isinstance(refused, ApiRefused) and refused.status in (_NOT_FOUND, _CONFLICT):
            there = self._look()
            if there is None:
                if self.is_ours:
                    raise DomainError(
                        "the draft of this run was thrown away meanwhile, by somebody or by a run "
                        "with other options; this run has scheduled nothing"
                    )
                return None
            if there["launched_at"] is not None:
                return _found(there)
        if self.is_ours:
            with suppress(PacelineError):  # what went wrong first is what is told
                self.client.discard(self.campaign_id)
        raise refused

    @contextmanager
    def _telling_what_is_known(self) -> Iterator[None]:
        try:
            yield
        except ApiUnreachable as lost:
            raise LostTrack(f"{lost}\n{self._known(lost)}") from lost
        except KeyboardInterrupt:
            if self.campaign_id:
                note(self._known(None))
            raise

    def _known(self, lost: ApiUnreachable | None) -> str:
        safe = "Running the same command again is safe: it goes on where this stopped."
        if self.is_launching:
            page = self.client.page(self.campaign_id)
            if self.again:  # the next run would find it launched, and make another
                return f"It may have been scheduled: see {page}\n{_ONCE_MORE}"
            return f"It may have been scheduled: see {page}\n{safe} Nothing is sent twice."
        if self.campaign_id:
            page = self.client.page(self.campaign_id)
            return f"Nothing was scheduled yet; a draft is kept at {page}\n{safe}"
        if lost is not None and not lost.may_be_done:
            return "Nothing was scheduled."
        return f"Nothing was scheduled yet; a draft may have been made. {safe}"


def already(campaign: Mapping[str, Any]) -> str:
    """What to say of a campaign that an earlier run has scheduled."""
    at = clock_time(campaign["launched_at"])
    return (
        f"this was already scheduled at {at} as campaign {campaign['id']}: nothing is sent twice "
        "(--again schedules it once more)"
    )


def _found(campaign: Mapping[str, Any]) -> Scheduled:
    if campaign["state"] == "cancelled":
        raise DomainError(
            f"this was scheduled at {clock_time(campaign['launched_at'])} as campaign "
            f"{campaign['id']}, and was cancelled since; --again schedules it once more"
        )
    return Scheduled(campaign=campaign, was_there=True)


def _is_old(campaign: Mapping[str, Any]) -> bool:
    return datetime.fromisoformat(campaign["created_at"]) < clock.now() - RECOGNISED_FOR
