"""Tells "leave it as it is" from "set it to nothing" in patches."""

from __future__ import annotations

from dataclasses import fields
from enum import Enum
from typing import Any, Final, TypeAlias, TypeVar

T = TypeVar("T")


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
Maybe: TypeAlias = T | Unset


def changes_of(patch: Any) -> dict[str, Any]:
    """The fields of a patch (a dataclass) that are set."""
    values = {field.name: getattr(patch, field.name) for field in fields(patch)}
    return {name: value for name, value in values.items() if value is not UNSET}
