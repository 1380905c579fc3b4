"""The way back when the secret key is lost: what no key opens is emptied, to be entered again.

Only what was told before: a secret that was changed meanwhile stays. A paused sender stays paused.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from paceline.auth.auditing import note
from paceline.auth.secretbox import fingerprint
from paceline.domain.acts import Act
from paceline.domain.lifecycle import SenderState
from paceline.persistence.database import Database
from paceline.persistence.stores import secret_keys
from paceline.persistence.stores import senders as store
from paceline.persistence.stores.session import Session
from paceline.services.resealing import Unreadable
from paceline.settings import SecretSettings

_EMPTIED: dict[str, dict[str, object]] = {
    "smtp_password": {"smtp_password": None},
    "smtp_grant": {"smtp_grant": None},
    "dkim_key": {"dkim_key": store.LOST_KEY},  # signing stays asked for
}
_TO_DO = {
    "smtp_password": "its password has to be entered again",
    "smtp_grant": "its access has to be granted again",
    "dkim_key": "its DKIM key has to be dropped, and made again if its emails shall be signed",
}


async def forget(database: Database, secrets: SecretSettings, lost: Sequence[Unreadable]) -> int:
    """Empty these secrets, and stop their senders with the reason; of how many.

    The key of the settings is noted first as the one that holds: no other is used from here on.
    """
    async with database.transaction() as session:
        await secret_keys.note(session, fingerprint(secrets.key), instead=True)
    forgotten = 0
    for sender in lost:
        async with database.transaction() as session:
            forgotten += await _forget(session, sender)
    return forgotten


async def _forget(session: Session, lost: Unreadable) -> bool:
    now = await store.sender(session, lost.owner_id, lost.id, for_update=True, even_deleted=True)
    same = [name for name, sealed in lost.secrets.items() if now and getattr(now, name) == sealed]
    if now is None or not same:
        return False
    changes: dict[str, object] = {
        "state": SenderState.PAUSED if now.state == SenderState.PAUSED else SenderState.BROKEN,
        "state_reason": reason(same),
        "resting_until": None,
        "host_failures": 0,
        "unreached_since": None,
        "last_check": None,
    }
    for name in same:
        changes |= _EMPTIED[name]
    await store.change_sender(session, lost.owner_id, lost.id, changes)
    told = {"id": lost.id, "forgotten": ", ".join(same)}
    await note(session, lost.owner_id, Act.SENDER_CHANGED, now.from_address, told)
    return True


def reason(columns: Collection[str]) -> str:
    """Why such a sender cannot send, in words."""
    to_do = ", and ".join(_TO_DO[name] for name in columns)
    return f"{to_do}: the secret key that it was sealed with is lost"
