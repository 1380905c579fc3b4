"""Who acts, and from where: set at each door, read where something is written down.

A context variable, so that a use case need not be told by each of its callers: whoever proves who
they are has said it for all that follows in that request. Where nobody has, Paceline itself acts.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from paceline.auth.principal import Principal

PACELINE = "Paceline"
COMMAND_LINE = "command line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """`actor` is in words, with the name of an API key; `user_id` None: no user of ours."""

    actor: str = PACELINE
    user_id: uuid.UUID | None = None
    address: str | None = None  # of the other end of the connection


_acting: ContextVar[Acting] = ContextVar("acting", default=Acting())  # noqa: B039 - frozen


def who() -> Acting:
    """Who acts just now."""
    return _acting.get()


def become(principal: Principal) -> None:
    """From here on in this request, it is this person, or their key."""
    _acting.set(replace(_acting.get(), actor=principal.actor, user_id=principal.user_id))


@contextmanager
def acting(actor: str = PACELINE, *, address: str | None = None) -> Iterator[None]:
    """What is done inside is done by `actor`, until somebody proves who they are."""
    token = _acting.set(Acting(actor=actor, address=address))
    try:
        yield
    finally:
        _acting.reset(token)


def address_of(scope: Mapping[str, Any]) -> str | None:
    """The other end of an ASGI connection."""
    client = scope.get("client")
    return client[0] if client else None
