"""Keeps the refresh token that a provider gave in place of the one that was used.

Microsoft gives a new one with each access token; the one that a person entered ends after 90 days.
"""

from __future__ import annotations

import json
import logging

from paceline.auth.secretbox import SecretBox, smtp_grant_label
from paceline.delivery import Grant
from paceline.errors import OperationalError
from paceline.observability.troubles import Trouble
from paceline.persistence.standing import Standing

log = logging.getLogger(__name__)


class KeptGrants:
    """Writes to senders, as workers and checks find out."""

    def __init__(self, standing: Standing, secrets: SecretBox) -> None:
        self._standing = standing
        self._secrets = secrets
        self._trouble = Trouble(log, "new refresh tokens could not be stored")

    async def keep(self, grant: Grant, used: str, given: str) -> None:
        """Store `given`, unless another than `used` is stored by now. Never raises for the world's
        faults: the old one is still good for a while."""
        if grant.of is None:
            return
        try:
            row = await self._standing.grant(grant.of)
            if row is None:
                return
            label = smtp_grant_label(owner_id=row.owner_id, sender_id=grant.of)
            stored = json.loads(self._secrets.open(row.sealed, label=label))
            if (stored["client_id"], stored["refresh_token"]) != (grant.client_id, used):
                return
            sealed = self._secrets.seal(json.dumps({**stored, "refresh_token": given}), label=label)
            await self._standing.replace_grant(grant.of, before=row.sealed, after=sealed)
        except OperationalError as error:
            self._trouble.met(error)
        else:
            self._trouble.over()
