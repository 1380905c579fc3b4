"""A sender's cap on connections holds over all workers: who keeps how many after a turn."""

from __future__ import annotations

import pytest

from paceline.sending.neighbours import Neighbours


@pytest.mark.parametrize(
    ("others", "one_at_a_time", "kept"),
    [
        (0, False, None),
        (0, True, None),
        (1, False, 0),
        (1, True, 1),
        (3, True, 1),
        (4, True, 0),  # five workers would keep five
        (None, True, 0),
        (None, False, 0),
    ],
)
def test_what_all_workers_keep_fits_under_the_cap(
    others: int | None, one_at_a_time: bool, kept: int | None
) -> None:
    neighbours = Neighbours(lambda: None, others)
    assert neighbours.kept(most=4, one_at_a_time=one_at_a_time) == kept


def test_what_a_worker_kept_while_it_was_alone_goes_when_another_comes() -> None:
    gone: list[str] = []
    neighbours = Neighbours(lambda: gone.append("all"))
    neighbours.heard(0)
    assert not gone
    neighbours.heard(1)
    assert gone == ["all"]
    neighbours.heard(2)
    assert gone == ["all"]
