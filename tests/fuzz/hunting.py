"""Judges generated bad inputs one by one, and stops at the first that is not handled soundly.

Each input comes from a seed of its own, `seed/family/number`, so that one can be had again without
the others. Only inputs that differ from all before them count.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import logging
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias

from tests.bounded_work import interrupted

MAX_CPU_SECONDS = 4.0  # for one input; the slowest that is meant to be possible takes a tenth
MAX_WALL_SECONDS = 60  # then it hangs, however busy the machine is
MAX_SHOWN = 4_000  # characters of an input that is reported
TRIES_PER_CASE = 3  # as many inputs are made, at most, for each that is new

Judge: TypeAlias = Callable[[Any], str]
"""Feeds an input to the product and says in a word what became of it. Raises what is wrong."""


class Wrong(AssertionError):
    """The product did something with an input that it must not do."""


class Hung(Exception):
    """It did not come back."""


class Found(AssertionError):
    """An input that finds a bug, with how to have it again."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """A kind of bad input: how one is made, what judges it, and how it may end.

    Each of `outcomes` must come in one of two hundred cases, or the inputs would all take one road.
    """

    name: str
    cases: int  # distinct ones in one run
    outcomes: frozenset[str]
    make: Callable[[Random], Any]
    open: Callable[[], AbstractContextManager[Judge]]


@dataclass
class Tally:
    """What was really tried."""

    family: Family
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    seen: set[bytes] = field(default_factory=set)

    @property
    def tried(self) -> int:
        """Distinct inputs that were judged."""
        return len(self.seen)

    def rare(self) -> list[str]:
        """Outcomes that the family promises and that (nearly) never came."""
        least = max(1, self.tried // 200)
        return sorted(word for word in self.family.outcomes if self.outcomes[word] < least)


def pure(judge: Judge) -> Callable[[], AbstractContextManager[Judge]]:
    """For a judge that needs nothing around it."""
    return lambda: contextlib.nullcontext(judge)


def hold(condition: object, why: str) -> None:
    """Raises `Wrong` unless it holds."""
    if not condition:
        raise Wrong(why)


def hunt(family: Family, *, seed: int, seconds: float | None = None) -> Tally:
    """Judges `family.cases` distinct inputs, or as many as `seconds` allow. Raises `Found`."""
    tally, begun = Tally(family), time.monotonic()
    with _quiet(), family.open() as judge:
        for number in itertools.count():
            if seconds is None and tally.tried == family.cases:
                break
            if seconds is not None and time.monotonic() - begun >= seconds:
                break
            if seconds is None and number >= family.cases * TRIES_PER_CASE:
                raise Wrong(f"{family.name}: only {tally.tried} of {number} inputs differ")
            given = made(family, seed, number)
            digest = _digest(given)
            if digest not in tally.seen:
                tally.outcomes[judged(judge, given, family, seed, number)] += 1
                tally.seen.add(digest)
    tally.seconds = time.monotonic() - begun
    return tally


def made(family: Family, seed: int, number: int) -> Any:
    """One input."""
    return family.make(Random(f"{seed}/{family.name}/{number}"))


def judged(judge: Judge, given: Any, family: Family, seed: int, number: int) -> str:
    """What became of one input. Raises `Found`, with the input in its message."""
    began = time.process_time()
    try:
        with _alarm():
            outcome = judge(given)
        spent = time.process_time() - began
        hold(spent < MAX_CPU_SECONDS, f"took {spent:.1f} s of the processor")
    # Whatever comes out of the product that its own door does not promise is what we are after.
    except Exception as error:
        again = f"python -m tests.fuzz --family {family.name} --seed {seed} --case {number}"
        what = f"{type(error).__name__}: {error}"
        raise Found(f"{family.name}: {what}\n  again: {again}\n  input: {shown(given)}") from error
    return outcome


def shown(given: Any) -> str:
    """An input in full, or both its ends; ASCII, whatever is in it."""
    text = ascii(given)
    if len(text) <= MAX_SHOWN:
        return text
    return f"{text[: MAX_SHOWN // 2]} … {len(text)} characters … {text[-MAX_SHOWN // 2 :]}"


def table(tallies: list[Tally]) -> str:
    """What was tried, by family, with what became of it."""
    lines = [f"{'family':<12}{'inputs':>9}{'seconds':>9}   outcomes"]
    for tally in tallies:
        ends = ", ".join(f"{word} {count:,}" for word, count in tally.outcomes.most_common())
        lines.append(f"{tally.family.name:<12}{tally.tried:>9,}{tally.seconds:>9.1f}   {ends}")
    total, seconds = sum(t.tried for t in tallies), sum(t.seconds for t in tallies)
    return "\n".join([*lines, f"{'all':<12}{total:>9,}{seconds:>9.1f}"])


def _digest(given: Any) -> bytes:
    return hashlib.blake2s(ascii(given).encode("ascii"), digest_size=8).digest()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What the product logs about bad input would be a hundred thousand lines."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    error = Hung(f"did not come back within {MAX_WALL_SECONDS} s")
    with interrupted(signal.ITIMER_REAL, signal.SIGALRM, MAX_WALL_SECONDS, error):
        yield
