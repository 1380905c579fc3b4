"""The two parameters of every list."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from paceline.domain.bounds import MAX_PAGE

Cursor = Annotated[
    str | None, Query(max_length=600, description="`next_cursor` or `previous_cursor` of a page")
]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Items of one page")]
