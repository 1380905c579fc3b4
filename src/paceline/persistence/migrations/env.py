"""Alembic's entry point: runs on the connection of `persistence.migrate`, in its transaction."""

from __future__ import annotations

from alembic import context

from paceline.persistence import models  # so that the tables are known
from paceline.persistence.tables import Base

assert models.User.metadata is Base.metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transaction_per_migration=False,
)
context.run_migrations()
