"""What lists have in common: columns that are declared once, the state in the address, a selection.

Drawn by `templates/kit/list.html`. A list of emails has tabs besides (`list_query.py`).
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import urlencode

from starlette.datastructures import FormData

from paceline.domain.bounds import MAX_QUERY

MAX_CURSOR_CHARACTERS = 500
PAGE_SIZES = (25, 50, 100)
MAX_SELECTED = 1_000  # one by one; more than a page is "all that match"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column. `wide_from`: shown from this width of the window on, always when empty.

    On a phone a row is a block: its first cell on a line of its own, then those with `line`, then
    the others beside each other.
    """

    key: str
    label: str
    wide_from: Literal["", "sm", "md", "lg", "xl"] = ""
    sort: bool = False
    align: Literal["start", "end"] = "start"
    line: bool = False
    look: str = ""  # further classes of its cells

    @property
    def classes(self) -> str:
        """Of the heading and of each cell."""
        wide = f"pl-from-{self.wide_from}" if self.wide_from else ""
        end = "pl-end" if self.align == "end" else ""
        return " ".join(filter(None, (wide, end)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListState:
    """Which rows are listed, in which order, as the address says it.

    `sort` is a column's key, with `-` in front for the other way round.
    """

    path: str
    filters: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""
    cursor: str = ""
    size: int = PAGE_SIZES[0]

    @classmethod
    def read(
        cls,
        values: Mapping[str, str],
        *,
        path: str,
        filters: Collection[str] = (),
        sorts: Collection[str] = (),
    ) -> ListState:
        """From an address, however it was typed: what makes no sense is left out."""
        sort, size = values.get("sort", ""), values.get("size", "")
        return cls(
            path=path,
            filters={name: values.get(name, "").strip()[:MAX_QUERY] for name in filters},
            sort=sort if sort.removeprefix("-") in sorts else "",
            cursor=values.get("cursor", "")[:MAX_CURSOR_CHARACTERS],
            size=page_size(size),
        )

    @property
    def q(self) -> str:
        """What is searched for."""
        return self.filters.get("q", "")

    @property
    def filtered(self) -> bool:
        """Whether the reader narrowed the list down."""
        return any(self.filters.values())

    @property
    def fields(self) -> dict[str, str]:
        """What the address holds besides its path, without the place in the list."""
        values = {**self.filters, "sort": self.sort, "size": str(self.size)}
        if self.size == PAGE_SIZES[0]:
            del values["size"]
        return {name: value for name, value in values.items() if value}

    @property
    def unfiltered(self) -> str:
        """The address of the whole list."""
        return replace(self, filters={}, cursor="").url()

    def url(self) -> str:
        """The address of exactly this list."""
        return address(self.path, {**self.fields, "cursor": self.cursor})

    def after(self, cursor: str) -> str:
        """The address of the page that starts at `cursor`; of the first one when it is empty."""
        return replace(self, cursor=cursor).url()

    def sorted_by(self, key: str) -> str:
        """The address of the list sorted by this column; a second time, the other way round."""
        return replace(self, sort=f"-{key}" if self.sort == key else key, cursor="").url()

    def of_size(self, size: int) -> str:
        """The address of the list with so many rows on a page."""
        return replace(self, size=size, cursor="").url()

    def direction(self, key: str) -> Literal["ascending", "descending", "none"]:
        """How this column is sorted, in the words of `aria-sort`."""
        if self.sort.removeprefix("-") != key:
            return "none"
        return "descending" if self.sort.startswith("-") else "ascending"


def page_size(text: str) -> int:
    """One of the sizes on offer, or the smallest."""
    return next((size for size in PAGE_SIZES if str(size) == text), PAGE_SIZES[0])


def address(path: str, values: Mapping[str, str]) -> str:
    """A path with the values that are not empty as its query."""
    query = urlencode({name: value for name, value in values.items() if value})
    return f"{path}?{query}" if query else path


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows that somebody ticked, or all that match the list's filters."""

    ids: tuple[uuid.UUID, ...]
    everything: bool

    @classmethod
    def read(cls, form: FormData) -> Selection:
        """What a list's bar of actions sent; what is no id is left out."""
        ids = dict.fromkeys(_ids(form.getlist("selected")[:MAX_SELECTED]))
        return cls(ids=tuple(ids), everything=form.get("everything") == "yes")

    def __bool__(self) -> bool:
        return self.everything or bool(self.ids)


def as_id(text: object) -> uuid.UUID | None:
    """An id as it stands in an address or a form; None for whatever is none."""
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None


def _ids(values: Collection[object]) -> list[uuid.UUID]:
    return [found for found in map(as_id, values) if found is not None]
