"""Large JSON is parsed on a thread, a little at a time, and the items of its lists are so checked.

The usual parser lets nobody else have the interpreter before it is done, on a thread or not: others
would wait for seconds.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request

T = TypeVar("T")

LARGE_OCTETS = 64 * 1024
ITEMS = 250  # of a list, checked at a time: some milliseconds
AT_ONCE = 2 * 1024  # characters of an object or a list; a text is read at once, which is quick
_DECODER = json.JSONDecoder()
_BLANKS = re.compile(r"[ \t\r\n]*")


class ReadBeside(Request):
    """A request whose JSON keeps nobody waiting."""

    async def json(self) -> Any:
        """What the body says. Raises `ValueError` for what is no JSON, `RecursionError`."""
        if not hasattr(self, "_json"):
            body = await self.body()
            if len(body) <= LARGE_OCTETS:
                self._json = json.loads(body)
            else:
                self._json = await asyncio.to_thread(parsed, body)
        return self._json


def parsed(body: bytes) -> Any:
    """As `json.loads`, which reads all of it in one go. Raises `ValueError`, `RecursionError`."""
    text = body.decode(json.detect_encoding(body), "surrogatepass")
    value, end = _value(text, _past_blanks(text, 0))
    if _past_blanks(text, end) != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def checked(items: object, kind: TypeAdapter[list[T]], *, field: str) -> Iterator[T]:
    """The items of a body's list as values. Raises `RequestValidationError` at a mistake."""
    pieces = [items]
    if isinstance(items, list):
        pieces = [items[first : first + ITEMS] for first in range(0, len(items), ITEMS)]
    for number, piece in enumerate(pieces):
        try:
            yield from kind.validate_python(piece)
        except ValidationError as error:
            raise refused(error, within=(field,), from_item=number * ITEMS) from None


def refused(
    error: ValidationError, *, within: tuple[str, ...] = (), from_item: int = 0
) -> RequestValidationError:
    """What the framework raises for a body that is wrong; in a list, counted from this item on."""
    told = []
    for mistake in error.errors(include_url=False):
        place = list(mistake["loc"])
        if place and isinstance(place[0], int):
            place[0] += from_item
        told.append({**mistake, "loc": ("body", *within, *place)})
    return RequestValidationError(told)


def _value(text: str, at: int) -> tuple[Any, int]:
    """What stands there and where it ends: a small one in one go, of a large one each part."""
    read = _CONTAINERS.get(text[at : at + 1])
    if read is None:
        return _DECODER.raw_decode(text, at)
    try:
        value, used = _DECODER.raw_decode(text[at : at + AT_ONCE])
    except json.JSONDecodeError:
        return read(text, at)
    return value, at + used


def _object(text: str, start: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    at = _past_blanks(text, start + 1)
    if text.startswith("}", at):
        return found, at + 1
    while True:
        if not text.startswith('"', at):
            raise json.JSONDecodeError("Expecting property name", text, at)
        name, at = _DECODER.raw_decode(text, at)
        at = _past_blanks(text, at)
        if not text.startswith(":", at):
            raise json.JSONDecodeError("Expecting ':' delimiter", text, at)
        at = _past_blanks(text, at + 1)
        found[name], at = _value(text, at)
        at, is_over = _past_item(text, at, "}")
        if is_over:
            return found, at


def _list(text: str, start: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    at = _past_blanks(text, start + 1)
    if text.startswith("]", at):
        return found, at + 1
    while True:
        item, at = _value(text, at)
        found.append(item)
        at, is_over = _past_item(text, at, "]")
        if is_over:
            return found, at


_CONTAINERS = {"{": _object, "[": _list}


def _past_item(text: str, at: int, end: str) -> tuple[int, bool]:
    """Where the next one begins; or behind the end."""
    at = _past_blanks(text, at)
    if text.startswith(end, at):
        return at + 1, True
    if not text.startswith(",", at):
        raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
    return _past_blanks(text, at + 1), False


def _past_blanks(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    assert blanks is not None, "it matches nothing at all, too"
    return blanks.end()
