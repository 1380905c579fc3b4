"""Turns that transactions take by a name, until they are over."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession


async def take_turn(session: AsyncSession, name: str) -> None:
    """Wait for the transaction that has this turn, and have it until this one is over."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
