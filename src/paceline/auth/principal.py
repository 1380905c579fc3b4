"""The person on whose behalf something is done. Every service scopes its work by `user_id`."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from paceline.domain.scopes import Scope
from paceline.persistence.stores.identity import UserRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Someone whose identity has been proven, by a key or by a session.

    `scope` is how far the key reaches; a session reaches as far as its person may.
    """

    user_id: uuid.UUID
    email: str | None
    name: str
    is_admin: bool
    scope: Scope = Scope.ADMIN

    @classmethod
    def of(cls, user: UserRecord, *, scope: Scope = Scope.ADMIN) -> Principal:
        """The principal that a stored user is."""
        return cls(
            user_id=user.id, email=user.email, name=user.name, is_admin=user.is_admin, scope=scope
        )
