"""Reads what people typed into fields, and collects what is wrong with it, field by field.

Services check their inputs themselves; what is read here is only what a form spells differently:
a wall time and a zone for an instant. Numbers are read by `domain/numbers.py`, as elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import TypeVar

from starlette.datastructures import FormData

from paceline.errors import FieldProblem

T = TypeVar("T")


@dataclass(slots=True)
class Problems:
    """What is wrong, by the name of the form's field. `""` holds what belongs to no field."""

    by_field: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.by_field)

    def add(self, name: str, message: str) -> None:
        """Note one problem. The first of a field stays: the others often follow from it."""
        self.by_field.setdefault(name, _sentence(message))

    def take(self, problems: Iterable[FieldProblem], *, names: Mapping[str, str]) -> None:
        """Note a service's problems under the form's names; unknown names go to the top."""
        for problem in problems:
            name = names.get(problem.field.partition("[")[0].partition(".")[0])
            if name is None:
                self.add("", f"{problem.field} {problem.message}")
            elif problem.message.startswith("line ") and name in self.by_field:
                self.by_field[name] += " " + _sentence(problem.message)  # one of several places
            else:
                self.add(name, problem.message)

    def read(self, name: str, parse: Callable[[str], T], text: str) -> T | None:
        """`parse(text)`, or None with its complaint noted."""
        try:
            return parse(text)
        except ValueError as error:
            self.add(name, str(error))
            return None


def _sentence(message: str) -> str:
    message = message.strip()
    return message[:1].upper() + message[1:] + ("" if message.endswith((".", "!", "?")) else ".")


def digest_of(told: Sequence[str]) -> str:
    """What tells these words from others, so that who has read them can say so; "" for none."""
    if not told:
        return ""
    return hashlib.blake2s("\n".join(told).encode(), digest_size=12).hexdigest()


def text_of(form: FormData, name: str, default: str = "") -> str:
    """A field's text with line ends as `\\n`; the default when it is missing, or is a file."""
    value = form.get(name)
    return value.replace("\r\n", "\n") if isinstance(value, str) else default


def seconds(value: int) -> str:
    """Milliseconds as `parse_seconds` reads them."""
    return f"{value / 1000:f}".rstrip("0").rstrip(".")


def wall_time(text: str, zone: tzinfo) -> datetime:
    """What `<input type=datetime-local>` sends, in `zone`, as an instant in UTC.

    A time that the clocks skip in spring counts as the hour after; of one that they show twice in
    autumn the first is meant.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("choose a date and a time") from None
    if moment.tzinfo is not None:
        raise ValueError("carries a zone of its own; choose the zone beside it")
    try:
        return moment.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        raise ValueError("is too far away") from None


def local_input(at: datetime, zone: tzinfo) -> str:
    """An instant as `<input type=datetime-local>` wants it."""
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M")
