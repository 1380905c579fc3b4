"""The only door to `prometheus_client`: figures as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client import CONTENT_TYPE_LATEST, GC_COLLECTOR, PROCESS_COLLECTOR, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector, CollectorRegistry

from paceline.observability.figures import Figures, Spread

__all__ = ["CONTENT_TYPE", "Metric", "gauge", "of_process", "text"]

CONTENT_TYPE = CONTENT_TYPE_LATEST

Labelled = Mapping[tuple[str, ...], float]


class _Ready(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def text(families: Iterable[Metric]) -> bytes:
    """Families, and what the operating system says of this process, as one answer."""
    registry = CollectorRegistry(auto_describe=False)
    for collector in (_Ready(families), PROCESS_COLLECTOR, GC_COLLECTOR):
        registry.register(collector)
    return generate_latest(registry)


def gauge(name: str, says: str, values: Labelled, labels: Sequence[str] = ()) -> Metric:
    """What is so now; `values` by the values of `labels`, in their order."""
    family = GaugeMetricFamily(name, says, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def of_process(figures: Figures) -> Iterator[Metric]:
    """What a process has counted of its own work."""
    yield _counter(
        "paceline_attempts",
        "Attempts that ended, by how, and by what became of the email",
        {(outcome, state): n for (outcome, state), n in figures.attempts.items()},
        ("outcome", "state"),
    )
    yield _histogram(
        "paceline_lateness_seconds",
        "From the moment an email could go until the next hop took it, by PostgreSQL's clock",
        {(): figures.lateness},
    )
    yield _histogram(
        "paceline_ledger_seconds",
        "Statements of the ledger, each for many emails",
        {(name,): spread for name, spread in figures.statements.items()},
        ("statement",),
    )
    yield _counter(
        "paceline_recovered",
        "Emails taken back from workers whose leases ran out, by what became of them",
        {(state,): n for state, n in figures.recovered.items()},
        ("state",),
    )
    yield _counter(
        "paceline_requests",
        "Requests answered, by class of status",
        {(status,): n for status, n in figures.requests.items()},
        ("status",),
    )
    yield _histogram(
        "paceline_request_seconds", "How long answers to requests took", {(): figures.answers}
    )
    yield _histogram(
        "paceline_loop_lag_seconds",
        "How much later than asked for the event loop came back",
        {(): figures.loop},
    )
    uses = figures.pools()
    yield gauge(
        "paceline_pool_used",
        "Connections to PostgreSQL in use",
        {(pool,): use.used for pool, use in uses.items()},
        ("pool",),
    )
    yield gauge(
        "paceline_pool_most",
        "Connections to PostgreSQL that there may be",
        {(pool,): use.most for pool, use in uses.items()},
        ("pool",),
    )


def _counter(name: str, says: str, values: Labelled, labels: Sequence[str]) -> Metric:
    family = CounterMetricFamily(name, says, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def _histogram(
    name: str, says: str, spreads: Mapping[tuple[str, ...], Spread], labels: Sequence[str] = ()
) -> Metric:
    family = HistogramMetricFamily(name, says, labels=labels)
    for key, spread in spreads.items():
        bounds = [f"{bound:g}" for bound in spread.bounds] + ["+Inf"]
        cumulated = list(accumulate(spread.counts))
        family.add_metric(key, list(zip(bounds, cumulated, strict=True)), sum_value=spread.total)
    return family
