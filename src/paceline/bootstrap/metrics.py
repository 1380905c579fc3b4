"""`/metrics` of a process: what it has counted, what it stands on and, of the API, the whole.

Who may read it is `Readers`' to say. The whole is looked at by the API alone, at most every few
seconds, and by nobody twice at once; without PostgreSQL the rest is told all the same.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from paceline.domain.gate import HeldBy
from paceline.domain.lifecycle import CampaignState, SenderState
from paceline.errors import OperationalError
from paceline.observability.exposition import Metric, gauge, of_process, text
from paceline.observability.figures import Figures
from paceline.observability.probing import PROBE_SECONDS, answer_of
from paceline.persistence.database import Database
from paceline.persistence.stores import installation_figures
from paceline.persistence.stores.installation_figures import InstallationFigures
from paceline.settings import ApiSettings, is_loopback, is_this_machine

KEPT_SECONDS = 5.0
OTHER = "other"  # a word that this version does not know: a newer one wrote it
EMAILS = ("draft", "scheduled", "deferred", "in_flight", "sent", "failed", "in_doubt", "cancelled")

Probe = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """Who may read: whoever brings the token; where there is none, this machine alone."""

    token: str | None
    only_this_machine: bool

    @classmethod
    def of_api(cls, api: ApiSettings) -> Readers:
        """Behind a proxy everybody comes from this machine: it has to be called that, too."""
        return cls(token=api.metrics_token, only_this_machine=api.only_this_machine)

    @classmethod
    def of_worker(cls, api: ApiSettings) -> Readers:
        """Its health checks listen where the API would."""
        return cls(token=api.metrics_token, only_this_machine=is_loopback(api.host))

    def refusal(self, *, authorization: str, host: str) -> int | None:
        """None: let in. 401: another token is needed; 404: it is closed, and not there.

        A page of somebody else's in a browser here may give this machine a name of its own.
        """
        if self.token is not None:
            scheme, _, given = authorization.partition(" ")
            fits = hmac.compare_digest(given.strip().encode(), self.token.encode())
            return None if scheme.lower() == "bearer" and fits else 401
        return None if self.only_this_machine and is_this_machine(f"http://{host}") else 404


class Metrics:
    """Of one process. `whole`: where to look for what is to be told of the installation as well."""

    def __init__(
        self,
        figures: Figures,
        *,
        readers: Readers,
        probes: Mapping[str, Probe],
        whole: Database | None = None,
    ) -> None:
        self._readers = readers
        self._figures = figures
        self._probes = probes
        self._whole = whole
        self._turn = asyncio.Lock()
        self._kept: tuple[float, list[Metric]] = (float("-inf"), [])

    async def read(self, authorization: str, host: str) -> bytes | int:
        """As Prometheus reads it, for who sends these headers; else the status of a refusal."""
        refused = self._readers.refusal(authorization=authorization, host=host)
        if refused is not None:
            return refused
        return text([*of_process(self._figures), *await self._around()])

    async def _around(self) -> list[Metric]:
        async with self._turn:  # the second who asks is given what the first has found
            looked_at, families = self._kept
            if time.monotonic() - looked_at >= KEPT_SECONDS:
                families = [*await self._of_servers(), *await self._of_installation()]
                self._kept = (time.monotonic(), families)
            return families

    async def _of_servers(self) -> list[Metric]:
        took: dict[tuple[str, ...], float | None] = {
            (name,): await _timed(probe) for name, probe in self._probes.items()
        }
        there = {key: seconds for key, seconds in took.items() if seconds is not None}
        return [
            gauge(
                "paceline_server_up",
                "Whether what it stands on answers",
                {key: float(key in there) for key in took},
                ("server",),
            ),
            gauge("paceline_server_seconds", "How long it took to answer", there, ("server",)),
        ]

    async def _of_installation(self) -> list[Metric]:
        if self._whole is None:
            return []
        try:
            async with asyncio.timeout(PROBE_SECONDS), self._whole.transaction() as session:
                found = await installation_figures.look(session)
        except (OperationalError, TimeoutError):
            return []  # an alert on its absence is an alert on PostgreSQL
        return list(_of(found))


async def _timed(probe: Probe) -> float | None:
    """Seconds; None: no answer, or one that is no help."""
    began = time.perf_counter()
    answer = await answer_of(probe)
    return time.perf_counter() - began if answer == "ok" else None


def _of(found: InstallationFigures) -> Iterator[Metric]:
    yield gauge(
        "paceline_emails",
        "Emails by state; of single ones the first 100,000",
        _by(EMAILS, found.emails),
        ("state",),
    )
    yield gauge("paceline_campaigns", "By state", _by(CampaignState, found.campaigns), ("state",))
    yield gauge("paceline_senders", "By state", _by(SenderState, found.senders), ("state",))
    yield gauge(
        "paceline_lanes",
        "Senders' lanes; stuck: nobody has woken it for 15 seconds",
        _by(("asleep", "awake", "stuck"), found.lanes),
        ("state",),
    )
    yield gauge("paceline_holds", "Lanes by what holds them", _by(HeldBy, found.holds), ("reason",))
    yield gauge("paceline_workers", "Worker processes that live", {(): found.workers})
    yield gauge(
        "paceline_oldest_due_seconds",
        "For how long the oldest email that is due and that nothing holds has been due",
        {(): found.oldest_due_seconds},
    )


def _by(known: Iterable[str], found: Mapping[str, int]) -> dict[tuple[str, ...], float]:
    """Each that is known, also at nought: a rule cannot be about what is absent."""
    counted: dict[tuple[str, ...], float] = {(str(name),): 0.0 for name in known}
    for name, n in found.items():
        key = (name,) if (name,) in counted else (OTHER,)
        counted[key] = counted.get(key, 0.0) + n
    return counted
