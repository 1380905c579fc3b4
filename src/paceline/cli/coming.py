"""What a migration would do, for a person and for a program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from paceline.persistence.migrations.effect import BEFORE_ANY_RELEASE, Effect, Lock
from paceline.persistence.planning import MigrationPlan, Step

_WAITS = {
    Lock.ROW_EXCLUSIVE: "everybody goes on, but for those rows",
    Lock.SHARE: "nobody writes it",
    Lock.SHARE_ROW_EXCLUSIVE: "nobody writes it",
    Lock.ACCESS_EXCLUSIVE: "nobody reads or writes it",
}


def in_json(plan: MigrationPlan) -> dict[str, Any]:
    """For a program: locks by their names in PostgreSQL."""
    migrations = [
        {
            "number": step.revision,
            "title": step.title,
            **asdict(step.effect),
            "older_code_goes_on": not step.effect.contracts,
        }
        for step in plan.steps
    ]
    return {"at": plan.at, "to": plan.to, "migrations": migrations}


def lines(plan: MigrationPlan) -> Iterator[str]:
    """For a person."""
    if not plan.steps:
        yield f"nothing to do: the schema is at {plan.at}"
    elif plan.at is None:
        yield f"there is no schema yet: {counted(len(plan.steps))} make it, to {plan.to}"
        yield from (f"{step.revision}  {step.title}" for step in plan.steps)
    else:
        yield f"the schema is at {plan.at}: {counted(len(plan.steps))} to come, to {plan.to}"
        for step in plan.steps:
            yield from _of_step(step)


def counted(migrations: int) -> str:
    return "1 migration" if migrations == 1 else f"{migrations} migrations"


def _of_step(step: Step) -> Iterator[str]:
    effect = step.effect
    yield f"{step.revision}  {step.title}"
    for table, lock in effect.locks.items():
        yield f"      {table}: {_of_table(effect, table, lock)}"
    if not effect.locks:
        yield "      nobody waits: it makes only what is new"
    yield f"      {_of_older_code(effect)}"


def _of_table(effect: Effect, table: str, lock: Lock) -> str:
    done = [
        words
        for words, tables in (
            ("all its rows are rewritten", effect.rewrites),
            ("all its rows are read", effect.reads),
            ("some of its rows are written", effect.backfills),
        )
        if table in tables
    ]
    takes_long = effect.rewrites or effect.reads or effect.backfills
    waits = f"{_WAITS[lock]} {'meanwhile' if takes_long else 'for a moment'} ({lock} lock)"
    return "; ".join([*done, waits])


def _of_older_code(effect: Effect) -> str:
    if not effect.contracts:
        return "older code goes on beside it"
    gone = ", ".join(effect.contracts)
    if effect.goes_on == BEFORE_ANY_RELEASE:
        return f"stop older code first: it takes away {gone}"
    return f"stop code older than {effect.goes_on} first: it takes away {gone}"
