"""A hundred thousand bad inputs find nothing.

One run, with a seed that never changes; `make fuzz` takes a fresh one each time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random

import pytest

from tests.fuzz.families import families
from tests.fuzz.hunting import Family, Found, Judge, Wrong, hunt, pure, table

SEED = 1
LEAST = 100_000


def test_a_hundred_thousand_bad_inputs_find_nothing(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tallies = [hunt(family, seed=SEED) for family in families(database_url).values()]
    with capsys.disabled():
        print(f"\n{table(tallies)}")
    assert sum(tally.tried for tally in tallies) >= LEAST
    assert {tally.family.name: tally.rare() for tally in tallies if tally.rare()} == {}


def family(judge: Judge, *, make: Callable[[Random], object] | None = None) -> Family:
    return Family(
        name="odd",
        cases=50,
        outcomes=frozenset({"ok"}),
        make=make or (lambda dice: dice.randrange(10**9)),
        open=pure(judge),
    )


def judge_that_dislikes_sevens(number: int) -> str:
    if number % 7 == 0:
        raise ValueError("a seven")
    return "ok"


def test_what_is_found_is_named_with_its_seed_and_can_be_had_again() -> None:
    with pytest.raises(Found, match="ValueError: a seven") as found:
        hunt(family(judge_that_dislikes_sevens), seed=3)
    told = re.search(r"--family odd --seed 3 --case (\d+)\n  input: (\d+)", str(found.value))
    assert told is not None
    assert Random(f"3/odd/{told[1]}").randrange(10**9) == int(told[2])
    assert int(told[2]) % 7 == 0


def test_an_input_counts_once_however_often_it_is_made() -> None:
    few = family(lambda _: "ok", make=lambda dice: dice.randrange(10))
    with pytest.raises(Wrong, match="only 10 of 150 inputs differ"):
        hunt(few, seed=1)


def test_an_outcome_that_never_comes_is_noticed() -> None:
    promised = replace(family(lambda _: "ok"), outcomes=frozenset({"ok", "refused"}))
    assert hunt(promised, seed=1).rare() == ["refused"]


def test_what_a_family_opened_is_closed_when_something_is_found() -> None:
    closed = []

    @contextmanager
    def opened() -> Iterator[Judge]:
        try:
            yield judge_that_dislikes_sevens
        finally:
            closed.append(True)

    with pytest.raises(Found):
        hunt(replace(family(judge_that_dislikes_sevens), open=opened), seed=3)
    assert closed == [True]
