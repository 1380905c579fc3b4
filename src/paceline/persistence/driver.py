"""The bare driver's types, for what goes past SQLAlchemy."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import asyncpg

if TYPE_CHECKING:  # only the stubs know that these are generic
    Driver: TypeAlias = asyncpg.Connection[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    Driver = asyncpg.Connection
    Pool = asyncpg.Pool
