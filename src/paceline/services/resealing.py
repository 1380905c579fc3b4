"""A change of the secret key: every stored secret is opened, and sealed with the new one.

In small transactions, each secret only if it is still what was read: it can be broken off and begun
again at any time, beside processes that send.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from paceline.auth.secretbox import (
    SecretBox,
    SecretUnreadable,
    dkim_key_label,
    fingerprint,
    smtp_grant_label,
    smtp_password_label,
)
from paceline.persistence.database import Database
from paceline.persistence.stores import secret_keys
from paceline.persistence.stores.secret_keys import SealedSecrets
from paceline.settings import SecretSettings

_LABELS = {
    "smtp_password": smtp_password_label,
    "smtp_grant": smtp_grant_label,
    "dkim_key": dkim_key_label,
}


@dataclass(slots=True)
class Resealed:
    """What was done. `unreadable`: senders of which a secret opens with none of the keys."""

    secrets: int = 0
    unreadable: list[uuid.UUID] = field(default_factory=list)


class Resealing:
    """Of one installation."""

    def __init__(self, database: Database, secrets: SecretSettings) -> None:
        self._database = database
        self._box = SecretBox.of(secrets)
        self._fingerprint = fingerprint(secrets.key)

    async def run(self) -> Resealed:
        """All of them. The key is noted as the one that holds when none was left unreadable."""
        done, last = Resealed(), uuid.UUID(int=0)
        while True:
            async with self._database.transaction() as session:
                batch = await secret_keys.sealed_after(session, last)
                for sender in batch:
                    for column in secret_keys.COLUMNS:
                        sealed = getattr(sender, column)
                        if sealed is None or self._box.is_current(sealed):
                            continue
                        anew = self._anew(sender, column, sealed, done)
                        if anew is not None and await secret_keys.replace_secret(
                            session, sender.id, column, before=sealed, after=anew
                        ):
                            done.secrets += 1
            if not batch:
                break
            last = batch[-1].id
        if not done.unreadable:
            async with self._database.transaction() as session:
                await secret_keys.note(session, self._fingerprint, instead=True)
        return done

    def _anew(
        self, sender: SealedSecrets, column: str, sealed: bytes, done: Resealed
    ) -> bytes | None:
        label = _LABELS[column](owner_id=sender.owner_id, sender_id=sender.id)
        try:
            return self._box.seal(self._box.open(sealed, label=label), label=label)
        except SecretUnreadable:
            if sender.id not in done.unreadable:
                done.unreadable.append(sender.id)
            return None
