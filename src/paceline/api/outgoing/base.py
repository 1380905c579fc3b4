"""What all answers are made of: views as they are shown, pages of them."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


class Shown(BaseModel):
    """Base of what goes out, read from the services' views."""

    model_config = ConfigDict(from_attributes=True)


class PageOut(Shown, Generic[T]):
    """A list: some items, and the cursors of the next ones and of those before (null: none).

    Lists of emails are walked both ways, all others forwards only.
    """

    items: list[T]
    next_cursor: str | None
    previous_cursor: str | None = None


class AllowanceOut(Shown):
    """An hourly limit, and what is used of it in this UTC hour (null: nobody can say)."""

    limit: int
    used: int | None
