"""The type of a transaction's session, for those who only pass it on to a store."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession as Session

__all__ = ["Session"]
