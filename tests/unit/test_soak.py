"""What `make soak` holds for flat, and what it draws and writes."""

from __future__ import annotations

import json
import random
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.soak.__main__ import judged, write
from tests.soak.plot import svg
from tests.soak.run import Soaked
from tests.soak.samples import SERIES
from tests.soak.steady import Allowance, slope, trend

ALLOWANCE = Allowance(share=0.05, amount=1)
CLEAN = {"emails": 9, "lost": 0, "twice": 0, "mistaken": 0, "unfinished": 0}


def _line(*, begin: float = 100, rise: float = 0) -> list[tuple[float, float]]:
    return [(float(at), begin + rise * at) for at in range(100)]


def test_a_level_line_is_flat() -> None:
    assert trend(_line(), ALLOWANCE).is_flat


def test_a_line_that_rises_is_not_flat() -> None:
    seen = trend(_line(rise=0.5), ALLOWANCE)

    assert not seen.is_flat
    assert seen.growth == pytest.approx(0.5 * 49)


def test_what_rises_at_first_and_then_stays_is_flat() -> None:
    warmed = [(at, min(value, 120.0)) for at, value in _line(rise=1)]

    assert trend(warmed, ALLOWANCE).is_flat


def test_what_falls_does_not_grow() -> None:
    assert trend(_line(rise=-0.5), ALLOWANCE).is_flat


def test_a_few_odd_samples_neither_make_nor_hide_a_slope() -> None:
    dice = random.Random(7)
    odd = set(dice.sample(range(100), 15))

    def bent(rise: float) -> list[tuple[float, float]]:
        return [(at, 900.0 if at in odd else value) for at, value in _line(rise=rise)]

    assert trend(bent(0), ALLOWANCE).is_flat
    assert not trend(bent(0.5), ALLOWANCE).is_flat


def test_a_long_run_is_thinned_and_keeps_its_slope() -> None:
    assert slope([(float(at), 2.0 * at) for at in range(5_000)]) == pytest.approx(2)


@pytest.mark.parametrize("points", [[], [(0.0, 1.0)], [(0.0, 1.0), (9.0, 1.0)]])
def test_too_few_samples_say_nothing(points: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="needs two samples"):
        trend(points, ALLOWANCE)


def _soaked(**unlike: object) -> Soaked:
    found = Soaked(seconds=100, top_rate=20, rate=10, counts=dict(CLEAN), is_quiet=True)
    found.samples = [(float(at), dict.fromkeys(SERIES, 50.0)) for at in range(100)]
    found.faults = [(10.0, "worker killed"), (20.0, "Redis wiped")]
    for name, value in unlike.items():
        setattr(found, name, value)
    return found


def test_a_run_where_all_is_well_has_no_problems() -> None:
    assert judged(_soaked())["problems"] == []


@pytest.mark.parametrize(
    ("unlike", "words"),
    [
        ({"counts": {**CLEAN, "twice": 1}}, "1 emails twice"),
        ({"counts": {**CLEAN, "lost": 2}}, "2 emails lost"),
        ({"is_quiet": False}, "came to their end"),
        ({"drains": [(3.0, 0), (60.0, -9)]}, "exited by -9"),
        (
            {"samples": [(float(at), dict.fromkeys(SERIES, at + 1.0)) for at in range(100)]},
            "not flat: api RSS",
        ),
    ],
)
def test_each_thing_that_is_wrong_is_told(unlike: dict[str, object], words: str) -> None:
    assert any(words in problem for problem in judged(_soaked(**unlike))["problems"])


def test_figures_and_plot_are_written_down(tmp_path: Path) -> None:
    found = _soaked()
    write(judged(found), found, tmp_path)

    assert json.loads((tmp_path / "soak.json").read_text())["faults"]["Redis wiped"] == 1
    drawn = ET.parse(tmp_path / "soak.svg").getroot()
    lines = [element for element in drawn if element.tag.endswith("polyline")]
    assert len(lines) == len(SERIES)


def test_a_series_that_nobody_could_tell_is_drawn_empty() -> None:
    assert ET.fromstring(svg("a < b", {"nothing & all": []}, [], 10.0)) is not None
