"""One figure as several runs gave it: the median, and how far the runs lie apart."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What each run measured. `aim` is what was to be reached, `beside` what went with it."""

    name: str
    unit: str
    values: tuple[float, ...]
    aim: str = ""
    beside: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> str:
        if len(self.values) == 1:
            return ""
        return f"{shown(min(self.values))}–{shown(max(self.values))}"

    @property
    def details(self) -> str:
        return ", ".join(f"{k} {shown(statistics.median(v))}" for k, v in self.beside.items())


@dataclass(slots=True)
class Table:
    """Figures that belong together, printed as they come."""

    title: str
    explained: str
    figures: list[Figure] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        print(f"\n{self.title}", flush=True)

    def add(
        self,
        name: str,
        unit: str,
        values: Sequence[float],
        *,
        aim: str = "",
        beside: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        more = {key: tuple(numbers) for key, numbers in (beside or {}).items()}
        figure = Figure(name=name, unit=unit, values=tuple(values), aim=aim, beside=more)
        self.figures.append(figure)
        label = f"{name} [{unit}]"
        print(f"  {label:<64}{shown(figure.median):>9}  {figure.spread:<16}{aim}".rstrip())
        if figure.details:
            print(f"      {figure.details}", flush=True)

    def add_runs(
        self, name: str, unit: str, runs: Sequence[Mapping[str, float]], *, aim: str = ""
    ) -> None:
        """Runs of several figures each: the one that is called `unit`, the others beside it."""
        columns = {key: [run[key] for run in runs] for key in runs[0]}
        self.add(name, unit, columns.pop(unit), aim=aim, beside=columns)

    def add_pairs(
        self, names: tuple[str, str], unit: str, pairs: Sequence[tuple[float, float]], *, aim: str
    ) -> None:
        """Two that took turns, and how many times the second's figure the first one reaches."""
        for name, values in zip(names, zip(*pairs, strict=True), strict=True):
            self.add(name, unit, values)
        self.add("ratio", "×", [first / second for first, second in pairs], aim=aim)

    def leave_out(self, what: str, why: str) -> None:
        """Say that a row is missing, and why."""
        self.left_out.append(f"{what}: {why}")
        print(f"  {what}: left out ({why})", flush=True)


def shown(value: float) -> str:
    """Three digits that mean something, or whole numbers."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"
