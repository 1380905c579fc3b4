"""Alembic's entry point: runs on the connection that `persistence.migrate` opened."""

from __future__ import annotations

from alembic import context

from paceline.persistence.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transaction_per_migration=False,
)
context.run_migrations()
