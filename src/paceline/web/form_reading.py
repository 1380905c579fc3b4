"""Reads a posted form, as the two encodings that browsers have for them.

Forms with files are the framework's to read. What is percent-encoded is read here: the standard
library makes an object of each `%41`, which comes to eighty times the form's size.
"""

from __future__ import annotations

import asyncio
from urllib.parse import unquote_to_bytes

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from paceline.errors import InvalidInput
from paceline.web.bodies import MAX_FIELD_OCTETS

MAX_FIELDS = 2_000
PIECE_OCTETS = 64 * 1024  # decoded at a time; others are served in between
URLENCODED = "application/x-www-form-urlencoded"


def media_type(request: Request) -> str:
    """What a body says it is, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_form(request: Request) -> FormData:
    """The fields in their order; none for a body of another kind. Raises `InvalidInput`."""
    if media_type(request) != URLENCODED:
        return await request.form(max_part_size=MAX_FIELD_OCTETS)
    fields = (await request.body()).split(b"&", MAX_FIELDS)
    if len(fields) > MAX_FIELDS:
        raise InvalidInput.of("form", f"has more than {MAX_FIELDS:,} fields")
    pairs: list[tuple[str, str | UploadFile]] = []
    for field in filter(None, fields):
        name, _, value = field.partition(b"=")
        pairs.append((await _decoded(name), await _decoded(value)))
    return FormData(pairs)


async def _decoded(encoded: bytes) -> str:
    if len(encoded) <= PIECE_OCTETS:
        return _octets(encoded).decode(errors="replace")
    pieces, position = [], 0
    while position < len(encoded):
        end = position + PIECE_OCTETS
        cut = encoded.rfind(b"%", end - 2, end)  # not through the middle of a `%41`
        end = cut if cut >= 0 else end
        pieces.append(_octets(encoded[position:end]))
        position = end
        await asyncio.sleep(0)
    return b"".join(pieces).decode(errors="replace")


def _octets(encoded: bytes) -> bytes:
    return unquote_to_bytes(encoded.replace(b"+", b" "))
