"""Which key secrets are sealed with, and the sealed secrets of all senders, for a change of keys.

Of all owners: whoever changes the key of an installation changes it for everybody.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, text, union, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.models import SecretKey, Sender

BATCH = 200  # senders
COLUMNS = ("smtp_password", "smtp_grant", "dkim_key")


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSecrets:
    """One sender's."""

    id: uuid.UUID
    owner_id: uuid.UUID
    from_address: str
    smtp_password: bytes | None
    smtp_grant: bytes | None
    dkim_key: bytes | None


async def noted(session: AsyncSession) -> bytes | None:
    """The fingerprint of the key that secrets are sealed with; None: nobody has said so yet."""
    return (await session.execute(select(SecretKey.fingerprint))).scalar_one_or_none()


async def note(session: AsyncSession, fingerprint: bytes, *, instead: bool = False) -> None:
    """Say so; the first one holds, unless another takes its place (`instead`)."""
    statement = insert(SecretKey).values(fingerprint=fingerprint)
    if instead:
        again = {"fingerprint": fingerprint, "noted_at": func.now()}
        await session.execute(
            statement.on_conflict_do_update(index_elements=[SecretKey.singleton], set_=again)
        )
    else:
        await session.execute(statement.on_conflict_do_nothing())


async def key_ids(session: AsyncSession) -> set[bytes]:
    """Which keys the stored secrets name (`auth.secretbox`): octets two to five of each."""
    columns = [getattr(Sender, name) for name in COLUMNS]
    named = union(
        *(
            select(func.substring(column, text("2"), text("4"))).where(
                func.octet_length(column) > 0
            )
            for column in columns
        )
    )
    return {bytes(key_id) for key_id in (await session.execute(named)).scalars()}


async def sealed_after(session: AsyncSession, sender_id: uuid.UUID) -> Sequence[SealedSecrets]:
    """The next ones, in the order of their ids."""
    told = (Sender.id, Sender.owner_id, Sender.from_address)
    fields = (*told, *(getattr(Sender, name) for name in COLUMNS))
    found = await session.execute(
        select(*fields).where(Sender.id > sender_id).order_by(Sender.id).limit(BATCH)
    )
    return [SealedSecrets(**row._mapping) for row in found]


async def replace_secret(
    session: AsyncSession, sender_id: uuid.UUID, column: str, *, before: bytes, after: bytes
) -> bool:
    """Store it sealed anew, unless it was changed meanwhile."""
    field = getattr(Sender, column)
    changed = await session.execute(
        update(Sender).where(Sender.id == sender_id, field == before).values({column: after})
    )
    return bool(getattr(changed, "rowcount", 0))
