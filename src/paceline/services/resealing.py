"""A change of the secret key: every stored secret is opened, and sealed with the new one.

In small transactions, each secret only if it is still what was read: it can be broken off and begun
again at any time, beside processes that send. The new key is noted before the first of them: no
process begins any more that has the old one alone. One that still runs may seal with it behind our
back, which is looked for until nothing is found, and by every later run.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from paceline.auth.secretbox import (
    SecretBox,
    SecretUnreadable,
    dkim_key_label,
    fingerprint,
    hook_url_label,
    smtp_grant_label,
    smtp_password_label,
)
from paceline.persistence.database import Database
from paceline.persistence.stores import notification_settings, secret_keys
from paceline.persistence.stores.secret_keys import SealedSecrets
from paceline.persistence.stores.session import Session
from paceline.settings import SecretSettings

_LABELS = {
    "smtp_password": smtp_password_label,
    "smtp_grant": smtp_grant_label,
    "dkim_key": dkim_key_label,
}
MAX_PASSES = 4  # over all senders: the first does the work, the last finds nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A sender, and those of its secrets that open with none of the keys, by their columns."""

    id: uuid.UUID
    owner_id: uuid.UUID
    from_address: str
    secrets: Mapping[str, bytes]


@dataclass(slots=True)
class Resealed:
    """What was done. `unreadable`: senders of which a secret opens with none of the keys.

    `settled`: a whole pass found nothing that a retired key opens.
    """

    secrets: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)
    settled: bool = False


class Resealing:
    """Of one installation."""

    def __init__(self, database: Database, secrets: SecretSettings) -> None:
        self._database = database
        self._box = SecretBox.of(secrets)
        self._fingerprint = fingerprint(secrets.key)
        self._ours = {fingerprint(key) for key in (secrets.key, *secrets.retired)}

    async def run(self) -> Resealed:
        """All of them. The key is noted as the one that holds, unless it is a stranger's."""
        await self._note(only_in_turn=True)
        done = Resealed()
        for _ in range(MAX_PASSES):
            done.unreadable.clear()
            done.settled = await self._pass(done) == 0
            if done.settled:
                break
        if not done.unreadable:
            await self._note()
        return done

    async def _note(self, *, only_in_turn: bool = False) -> None:
        """`only_in_turn`: where it follows one of our own, or opens something."""
        async with self._database.transaction() as session:
            if only_in_turn:
                noted = await secret_keys.noted(session)
                if noted is None:
                    named = await secret_keys.key_ids(session)
                    in_turn = any(self._box.knows(key_id) for key_id in named)
                else:
                    in_turn = noted in self._ours
                if not in_turn:
                    return
            await secret_keys.note(session, self._fingerprint, instead=True)

    async def _pass(self, done: Resealed) -> int:
        """Over all senders and web hooks; how many secrets a retired key opened."""
        return await self._pass_senders(done) + await self._pass_hooks(done)

    async def _pass_hooks(self, done: Resealed) -> int:
        """One that no key opens is left: its owner is told, and enters it again."""
        opened, last = 0, uuid.UUID(int=0)
        while True:
            async with self._database.transaction() as session:
                batch = await notification_settings.hooks_after(session, last)
                for owner_id, sealed in batch:
                    anew = self._anew(sealed, hook_url_label(owner_id=owner_id))
                    if anew is not None:
                        opened += 1
                        done.secrets += await notification_settings.replace_hook(
                            session, owner_id, before=sealed, after=anew
                        )
            if not batch:
                return opened
            last = batch[-1][0]

    def _anew(self, sealed: bytes, label: str) -> bytes | None:
        """Sealed with the key that seals today; None: it is already, or nothing opens it."""
        if self._box.is_current(sealed):
            return None
        try:
            return self._box.seal(self._box.open(sealed, label=label), label=label)
        except SecretUnreadable:
            return None

    async def _pass_senders(self, done: Resealed) -> int:
        opened, last = 0, uuid.UUID(int=0)
        while True:
            async with self._database.transaction() as session:
                batch = await secret_keys.sealed_after(session, last)
                for sender in batch:
                    opened += await self._reseal(session, sender, done)
            if not batch:
                return opened
            last = batch[-1].id

    async def _reseal(self, session: Session, sender: SealedSecrets, done: Resealed) -> int:
        opened, lost = 0, dict[str, bytes]()
        for column in secret_keys.COLUMNS:
            sealed = getattr(sender, column)
            if not sealed or self._box.is_current(sealed):  # none, or one that was given up
                continue
            label = _LABELS[column](owner_id=sender.owner_id, sender_id=sender.id)
            try:
                anew = self._box.seal(self._box.open(sealed, label=label), label=label)
            except SecretUnreadable:
                lost[column] = sealed
                continue
            opened += 1
            done.secrets += await secret_keys.replace_secret(
                session, sender.id, column, before=sealed, after=anew
            )
        if lost:
            done.unreadable.append(
                Unreadable(
                    id=sender.id,
                    owner_id=sender.owner_id,
                    from_address=sender.from_address,
                    secrets=lost,
                )
            )
        return opened
