"""The person on whose behalf something is done. Every service scopes its work by `user_id`."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from paceline.auth.admission import Admission
from paceline.domain.preferences import DEFAULTS, Preferences
from paceline.domain.scopes import Scope
from paceline.persistence.stores.identity import UserRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Someone whose identity has been proven, by a key or by a session.

    `scope` is how far the key reaches, `key_name` what it is called; a session has no name, and
    reaches as far as its person may.
    """

    user_id: uuid.UUID
    email: str | None
    name: str
    is_admin: bool
    scope: Scope = Scope.ADMIN
    key_name: str | None = None
    preferences: Preferences = DEFAULTS
    avatar_version: str | None = None  # None: no picture

    @property
    def actor(self) -> str:
        """Who it was, in words, for whoever asks later."""
        who = self.email or self.name
        return who if self.key_name is None else f"{who}, by API key “{self.key_name}”"

    @classmethod
    def of(
        cls,
        user: UserRecord,
        admission: Admission = Admission(),  # noqa: B008 - frozen
        *,
        scope: Scope = Scope.ADMIN,
        key_name: str | None = None,
    ) -> Principal:
        """The principal that a stored user is under these rules."""
        return cls(
            user_id=user.id,
            email=user.email,
            name=user.name,
            is_admin=user.is_admin or admission.administers(user.email),
            scope=scope,
            key_name=key_name,
            preferences=user.preferences,
            avatar_version=user.avatar_version,
        )
