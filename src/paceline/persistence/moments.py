"""What time it is where it counts: by PostgreSQL's clock, which also says what is due.

The clock of a host that serves the API may be wrong. It is for what people read.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

NOW: ColumnElement[datetime] = func.clock_timestamp()
"""As the value of a column."""


async def now(session: AsyncSession) -> datetime:
    """The same as a value, for what is worked out of it."""
    return (await session.execute(select(NOW))).scalar_one()
