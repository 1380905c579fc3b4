"""A recipient's fields as the engine may have them: plain data only.

The engine would hand out an object's methods.
"""

from __future__ import annotations

from collections.abc import Mapping

from paceline.delivery.headers import RenderError

MAX_DEPTH = 4  # of lists inside a recipient's field

_SCALARS = frozenset({str, int, float, bool})


def plain(recipient: Mapping[str, object]) -> dict[str, object]:
    """The recipient's fields, None left out. Raises `RenderError` for anything but plain data."""
    fields: dict[str, object] = {}
    for name, value in recipient.items():
        if type(value) is str:  # nearly always
            fields[name] = value
        elif value is not None:
            fields[name] = _plain_value(name, value, MAX_DEPTH)
    return fields


def on_one_line(fields: Mapping[str, object]) -> dict[str, object]:
    """The fields with each run of white space as one space: headers hold no more."""
    return {
        name: " ".join(value.split()) if type(value) is str else value
        for name, value in fields.items()
    }


def says_something(line: str) -> bool:
    """Whether anybody would see anything: neither white space nor invisible characters are."""
    return any(character.isprintable() and not character.isspace() for character in line)


def _plain_value(name: str, value: object, depth: int) -> object:
    if type(value) in _SCALARS:
        return value
    if depth and isinstance(value, list | tuple):
        # As tuples: of a list or a dict the engine would also hand out the methods that change it.
        return tuple(_plain_value(name, item, depth - 1) for item in value)
    message = f"the merge field {name} is neither text, number nor a list of them"
    raise RenderError("recipient", message, field=name)
