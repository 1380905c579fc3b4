"""What a process counts of itself."""

from __future__ import annotations

from paceline.domain.lifecycle import JobState
from paceline.observability.exposition import of_process, text
from paceline.observability.figures import Figures, Spread


def test_a_spread_counts_under_the_smallest_bound_that_holds() -> None:
    spread = Spread((0.1, 1.0))
    for seconds in (0.1, 0.5, 1.0, 7.0):
        spread.note(seconds)
    assert spread.counts == [1, 2, 1]
    assert spread.total == 8.6


def test_bounds_are_told_cumulated_as_prometheus_reads_them() -> None:
    figures = Figures()
    figures.recorded(
        [("sent", JobState.SENT), ("sent", JobState.SENT), (None, JobState.SCHEDULED)],
        late=[0.3, -0.01, None],
    )
    told = text(of_process(figures)).decode()
    assert 'paceline_lateness_seconds_bucket{le="0.1"} 1.0' in told
    assert 'paceline_lateness_seconds_bucket{le="0.5"} 2.0' in told
    assert 'paceline_lateness_seconds_bucket{le="+Inf"} 2.0' in told
    assert "paceline_lateness_seconds_count 2.0" in told
    assert 'paceline_attempts_total{outcome="sent",state="sent"} 2.0' in told
    assert 'paceline_attempts_total{outcome="handed_back",state="scheduled"} 1.0' in told


def test_each_kind_is_told_at_nought_before_the_first_of_it() -> None:
    told = text(of_process(Figures())).decode()
    assert 'paceline_attempts_total{outcome="rejected",state="failed"} 0.0' in told
    assert 'paceline_recovered_total{state="in_doubt"} 0.0' in told
    assert 'paceline_requests_total{status="5xx"} 0.0' in told
