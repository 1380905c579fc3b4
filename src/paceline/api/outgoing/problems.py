"""What went wrong, as it is answered."""

from __future__ import annotations

from paceline.api.outgoing.base import Shown
from paceline.api.outgoing.tables import ShapeOut


class FieldProblemOut(Shown):
    """One thing that is wrong with one field, named as the caller wrote it."""

    field: str
    message: str


class ProblemOut(Shown):
    """What went wrong, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblemOut] = []  # noqa: RUF012  # pydantic copies it
    shape: ShapeOut | None = None  # where a question about a table is open
    made: str | None = None  # by the first request under an Idempotency-Key: where that is
