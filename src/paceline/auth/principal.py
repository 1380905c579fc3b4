"""The person on whose behalf something is done. Every service scopes its work by `user_id`."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from paceline.persistence.stores.identity import UserRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Someone whose identity has been proven, by a key or by a session."""

    user_id: uuid.UUID
    email: str | None
    name: str
    is_admin: bool

    @classmethod
    def of(cls, user: UserRecord) -> Principal:
        """The principal that a stored user is."""
        return cls(user_id=user.id, email=user.email, name=user.name, is_admin=user.is_admin)
