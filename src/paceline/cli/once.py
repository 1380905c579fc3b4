"""The same command run twice schedules once, within a day, however the first run ended.

Create, attach, upload and launch are requests of their own, each with an idempotency key that
follows from what is to be sent: sender, message, pace, list and files, and the start *in words*. So
a second run finds the campaign of the first and goes on where that stopped, from any machine; two
at one moment work on one campaign. Only a run that made a draft itself throws it away, and only
when it was refused: another may be working on one that lost its way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from paceline import clock
from paceline.cli.client import ApiClient, ApiRefused, ApiUnreachable
from paceline.cli.console import note
from paceline.cli.reading import LeadList, Report
from paceline.delivery import missing_images
from paceline.errors import DomainError, InvalidInput, OperationalError, PacelineError

# Not quite a day, so that what is run daily is scheduled daily.
RECOGNISED_FOR = timedelta(hours=23)
# Another list under the same subject so soon may be a mistake: it is said, and done.
SAME_AGAIN = timedelta(minutes=15)
MAX_RUNS = 100  # of one command within a day, those that were thrown away included
_SHOWN_NEWEST = 20
_MAX_LOOKS = 20  # at a draft that others change meanwhile
_NOT_FOUND, _CONFLICT, _OUTDATED = 404, 409, 412
_CHUNK_BYTES = 256 * 1024
_ONCE_MORE = (
    "If that page shows a draft, press Launch there: all else is done. Look before you run the "
    "command with --again once more: if this one was scheduled, that would mail everybody again."
)


class LostTrack(OperationalError):
    """The server stopped answering half-way; the message says what is known, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """When to begin: as it was asked for, and the instant that this means now (None: at once).

    `problem`: that instant has passed. A campaign that was scheduled for it before is still found.
    """

    words: str
    at: datetime | None = None
    problem: InvalidInput | None = None

    def resolved(self) -> str | None:
        """The instant, as the API reads it."""
        if self.problem is not None:
            raise self.problem
        return None if self.at is None else self.at.isoformat()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """All that one command asks for."""

    campaign: Mapping[str, object]  # as the API takes it, without its start
    start: Start
    leads: LeadList
    files: Sequence[Path]
    chosen: Mapping[str, str] = field(default_factory=dict)  # about the list, before any question

    def is_inline(self, file: Path) -> bool:
        """Whether the HTML shows it."""
        return f"cid:{file.name}" in str(self.campaign.get("html", ""))

    def missing_images(self) -> tuple[str, ...]:
        """What is to be said of images that the HTML shows and nobody gave."""
        html = self.campaign.get("html")
        given = {file.name for file in self.files}
        return missing_images(html, given) if isinstance(html, str) else ()

    def key(self) -> str:
        """The same for whoever asks for the same."""
        asked = {
            "campaign": dict(self.campaign),
            "start": " ".join(self.start.words.split()).lower(),
            "list": _digest(self.leads.file),
            "choices": dict(self.chosen),
            "files": [(file.name, _digest(file)) for file in self.files],
        }
        text = json.dumps(asked, sort_keys=True, ensure_ascii=True)
        return f"cli-{hashlib.sha256(text.encode()).hexdigest()[:40]}"


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
    key = order.key()
    for number in range(MAX_RUNS):
        run = _Run(client=client, order=order, tell=tell, key=f"{key}-{number}", again=again)
        if (found := run.to_the_end()) is not None:
            return found
    raise DomainError(
        f"this was scheduled {MAX_RUNS} times within a day; change something about it"
    )


@dataclass(slots=True, kw_only=True)
class _Run:
    client: ApiClient
    order: Order
    tell: Callable[[Report], None]
    key: str
    again: bool
    campaign_id: str = ""
    notes: tuple[str, ...] = ()  # of the server, about the message
    is_ours: bool = False  # made by this very run, for certain
    is_launching: bool = False

    def to_the_end(self) -> Scheduled | None:
        """The campaign under this key, launched. None: it is over and done with, try the next."""
        with self._telling_what_is_known():
            there = self._opened()
            if there is None or _is_old(there):
                return None
            if there["launched_at"] is not None:
                return None if self.again else _found(there)
            return self._completed()

    def _opened(self) -> Mapping[str, Any] | None:
        made = self.client.create_campaign(self.order.campaign, key=f"{self.key}-create")
        self.campaign_id = str(made.body["id"])
        self.notes = tuple(made.body.get("notes", ()))
        self.is_ours = not made.is_replay
        return made.body if self.is_ours else self._look()

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
            if not self.order.leads.takes((*self.notes, *self.order.missing_images())):
                raise DomainError("nothing was scheduled")
            self._start()
            for place, file in enumerate(self.order.files):
                inline = self.order.is_inline(file)
                self.client.attach(
                    self.campaign_id, file, inline=inline, key=f"{self.key}-attach-{place}"
                )
            self._store_list()
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


def same_subject_before(client: ApiClient, campaign: Mapping[str, Any]) -> str | None:
    """What to say when another list has got this very subject minutes ago."""
    since = clock.now() - SAME_AGAIN
    for other in client.newest_campaigns(most=_SHOWN_NEWEST):
        launched_at = other["launched_at"] and datetime.fromisoformat(other["launched_at"])
        if other["id"] == campaign["id"] or launched_at is None or launched_at < since:
            continue
        if (other["subject"], other["sender_id"]) == (campaign["subject"], campaign["sender_id"]):
            return (
                f"note: campaign {other['id']} with the same subject began at "
                f"{_clock_time(other['launched_at'])}, with another list or message; "
                "whoever is on both gets both"
            )
    return None


def already(campaign: Mapping[str, Any]) -> str:
    """What to say of a campaign that an earlier run has scheduled."""
    at = _clock_time(campaign["launched_at"])
    return (
        f"this was already scheduled at {at} as campaign {campaign['id']}: nothing is sent twice "
        "(--again schedules it once more)"
    )


def _found(campaign: Mapping[str, Any]) -> Scheduled:
    if campaign["state"] == "cancelled":
        raise DomainError(
            f"this was scheduled at {_clock_time(campaign['launched_at'])} as campaign "
            f"{campaign['id']}, and was cancelled since; --again schedules it once more"
        )
    return Scheduled(campaign=campaign, was_there=True)


def _is_old(campaign: Mapping[str, Any]) -> bool:
    return datetime.fromisoformat(campaign["created_at"]) < clock.now() - RECOGNISED_FOR


def _clock_time(instant: str) -> str:
    at = datetime.fromisoformat(instant).astimezone()
    is_today = at.date() == clock.now().astimezone().date()
    return f"{at:%H:%M}" if is_today else f"{at:%Y-%m-%d %H:%M}"


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as source:
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
