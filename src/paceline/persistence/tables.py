"""What every table shares: naming of constraints, common column types, CHECKs from enums."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from sqlalchemy import (
    DDL,
    CheckConstraint,
    DateTime,
    LargeBinary,
    MetaData,
    Text,
    Uuid,
    event,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

from paceline.persistence.searching import CREATE_SEARCHED

_NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class Base(DeclarativeBase):
    """Root of all tables. Instants are `timestamptz`, text is `text`, JSON is `jsonb`."""

    metadata = MetaData(naming_convention=_NAMING)
    type_annotation_map: ClassVar = {
        datetime: DateTime(timezone=True),
        str: Text(),
        bytes: LargeBinary(),
        uuid.UUID: Uuid(),
        dict[str, object]: JSONB(),
    }


# The words of suppressions are made by it.
_SEARCHED = DDL(CREATE_SEARCHED.replace("%", "%%"))  # type: ignore[no-untyped-call]
event.listen(Base.metadata, "before_create", _SEARCHED)

Id = Annotated[uuid.UUID, mapped_column(primary_key=True)]
CreatedAt = Annotated[datetime, mapped_column(server_default=func.now())]


def one_of(column: str, values: type[StrEnum], *, name: str | None = None) -> CheckConstraint:
    """A CHECK that the column holds one of the enum's values (NULL passes, as CHECKs go)."""
    return CheckConstraint(in_list(column, list(values)), name=name or column)


def in_list(column: str, values: list[StrEnum] | frozenset[StrEnum]) -> str:
    """`column IN ('a', 'b')`, sorted, so that models and migrations agree to the letter."""
    listed = ", ".join(f"'{value}'" for value in sorted(values))
    return f"{column} IN ({listed})"
