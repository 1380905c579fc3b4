"""Migrations, by themselves: `paceline up` waits for them before anything else may start."""

from __future__ import annotations

from paceline.persistence.migrate import upgrade
from paceline.settings import Settings


def migrate(settings: Settings) -> None:
    """Bring the database to the newest schema."""
    upgrade(settings.database.url)
