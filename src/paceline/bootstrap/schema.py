"""Migrations, by themselves: `paceline up` waits for them before anything else may start."""

from __future__ import annotations

from paceline.bootstrap.preflight.causes import refusal
from paceline.bootstrap.preflight.findings import Finding, Unfit, Weight
from paceline.persistence import migrate as migrating
from paceline.persistence.database import DatabaseRefused
from paceline.persistence.migrate import Applied
from paceline.persistence.planning import MigrationPlan
from paceline.settings import Settings


def migrate(settings: Settings) -> list[Applied]:
    """Bring the database to the newest schema; what was done. Raises `Unfit` where we may not."""
    try:
        return migrating.upgrade(settings.database.session_url)
    except DatabaseRefused as error:
        finding = Finding(
            about="Schema",
            weight=Weight.WRONG,
            says=f"cannot be brought up to date: {refusal(error)}",
            remedy="migrate as the role that owns the database and its tables",
            settings=("DATABASE_URL",),
        )
        raise Unfit([finding]) from error


def plan(settings: Settings) -> MigrationPlan:
    """What `migrate` would do now."""
    return migrating.plan(settings.database.session_url)
