"""Addresses that are not mailed."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from pydantic import Field

from paceline.api.outgoing.base import Shown
from paceline.api.outgoing.tables import RefusedRowOut, ShapeOut


class AddedOut(Shown):
    """How many were not on the list yet."""

    added: int


class SuppressionOut(Shown):
    """One address that must not be mailed. After a hard bounce, the email's id and the reply."""

    address: str = Field(validation_alias="address_key")
    reason: str
    created_at: datetime
    note: str | None
    added_by: str | None
    reply: str | None
    email_id: uuid.UUID | None


class SuppressionReportOut(Shown):
    """What became of each row of a file: rows = added + known + the invalid ones. `known` were on
    the list already, or further up in the file."""

    rows: int
    added: int
    known: int
    invalid: tuple[RefusedRowOut, ...]
    shape: ShapeOut | None
    notes: tuple[str, ...]


class RemovalOut(Shown):
    """An address that was taken off the list. `detail`: its reason, since when, the note."""

    address: str = Field(validation_alias="subject")
    removed_at: datetime = Field(validation_alias="at")
    removed_by: str = Field(validation_alias="actor")
    detail: dict[str, Any]
