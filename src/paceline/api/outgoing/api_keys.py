"""API keys, as far as they may be shown."""

from __future__ import annotations

import uuid
from datetime import datetime

from paceline.api.outgoing.base import Shown
from paceline.domain.scopes import Scope


class ApiKeyOut(Shown):
    """An API key, as far as it may be shown."""

    id: uuid.UUID
    name: str
    prefix: str
    scope: Scope
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    has_expired: bool
