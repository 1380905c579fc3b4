"""Which migrations are to come, and what each does to those who are at work meanwhile."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection

from paceline.errors import SettingsError
from paceline.persistence.migrations.effect import Effect

_MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaIsNewer(SettingsError):
    """A newer version of the program has migrated this database: this one must not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One migration."""

    revision: str
    title: str  # what it is for, in a sentence without its full stop
    effect: Effect

    def __str__(self) -> str:
        return f"{self.revision} ({self.title})"


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationPlan:
    """Where the schema stands, where it goes, and by which steps; none: it is there."""

    at: str | None  # None: there is no schema yet
    to: str
    steps: tuple[Step, ...]


def plan_of(connection: Connection, *, to: str = "head") -> MigrationPlan:
    """Asks the database where it stands. Raises `SchemaIsNewer`."""
    scripts = ScriptDirectory.from_config(alembic_config())
    heads = MigrationContext.configure(connection).get_current_heads()
    known = {script.revision for script in scripts.walk_revisions()}
    for head in heads:
        if head not in known:
            raise SchemaIsNewer(
                f"Schema: is at {head}, which this version knows nothing of; "
                "migrate with the newer version of Paceline"
            )
    missing = scripts.iterate_revisions(to, heads, implicit_base=True)
    steps = tuple(_step(script) for script in missing)[::-1]
    at = heads[0] if heads else None
    return MigrationPlan(at=at, to=steps[-1].revision if steps else str(at), steps=steps)


def all_steps() -> Iterator[Step]:
    """Every migration that there is, in the order in which they run."""
    scripts = ScriptDirectory.from_config(alembic_config())
    yield from map(_step, [*scripts.walk_revisions()][::-1])


def _step(script: Script) -> Step:
    said = inspect.cleandoc(script.module.__doc__ or "").partition("\n\n")[0]
    title = " ".join(said.split()).rstrip(".")
    return Step(revision=script.revision, title=title, effect=script.module.EFFECT)


def alembic_config() -> Config:
    """Alembic's settings, without a file: where the migrations are is all it needs."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config
