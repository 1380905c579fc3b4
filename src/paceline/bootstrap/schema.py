"""Migrations, by themselves: `paceline up` waits for them before anything else may start."""

from __future__ import annotations

from paceline.persistence import migrate as migrating
from paceline.persistence.migrate import Applied
from paceline.persistence.planning import MigrationPlan
from paceline.settings import Settings


def migrate(settings: Settings) -> list[Applied]:
    """Bring the database to the newest schema; what was done."""
    return migrating.upgrade(settings.database.url)


def plan(settings: Settings) -> MigrationPlan:
    """What `migrate` would do now."""
    return migrating.plan(settings.database.url)
