"""Who sends: a stored sender unsealed, as the account to log in with and the key that signs.

The one place that opens what is sealed of a sender. What comes of it is never stored or logged.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from paceline.auth.secretbox import (
    SecretBox,
    SecretUnreadable,
    dkim_key_label,
    smtp_grant_label,
    smtp_password_label,
)
from paceline.delivery import Account, Auth, DkimKey, DkimSigner, Grant, Security
from paceline.domain.providers import idempotency_header
from paceline.persistence.standing import SenderAccount


class Keyed(Protocol):
    """A row that may hold a DKIM key."""

    @property
    def owner_id(self) -> uuid.UUID: ...
    @property
    def dkim_selector(self) -> str | None: ...
    @property
    def dkim_domain(self) -> str | None: ...
    @property
    def dkim_key(self) -> bytes | None: ...


class Reachable(Protocol):
    """A row that says how to reach a sender's server."""

    @property
    def owner_id(self) -> uuid.UUID: ...
    @property
    def smtp_host(self) -> str: ...
    @property
    def smtp_port(self) -> int: ...
    @property
    def smtp_security(self) -> str: ...
    @property
    def smtp_auth(self) -> str: ...
    @property
    def smtp_username(self) -> str | None: ...
    @property
    def smtp_password(self) -> bytes | None: ...
    @property
    def smtp_grant(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A sender ready to send: its account, what its emails carry in From, and what signs them."""

    owner_id: uuid.UUID
    account: Account
    from_address: str
    from_name: str | None
    signer: DkimSigner | None  # None: they go unsigned, and the server may sign them
    idempotency_header: str | None  # by which its server drops a second copy
    as_of: datetime  # what its server says of it is no news about a sender changed since
    account_version: int  # another one, another account


def identity_of(
    secrets: SecretBox, sender_id: uuid.UUID, row: SenderAccount, *, as_of: datetime
) -> Identity:
    """The sender with its password and its key unsealed. Raises `SecretUnreadable`."""
    return Identity(
        owner_id=row.owner_id,
        account=account_of(secrets, sender_id, row),
        from_address=row.from_address,
        from_name=row.from_name,
        signer=signer_of(secrets, sender_id, row),
        idempotency_header=idempotency_header(row.smtp_host),
        as_of=as_of,
        account_version=row.account_version,
    )


def account_of(secrets: SecretBox, sender_id: uuid.UUID, row: Reachable) -> Account:
    """How to reach the sender's server. Raises `SecretUnreadable`."""
    password = None
    if row.smtp_password is not None:
        label = smtp_password_label(owner_id=row.owner_id, sender_id=sender_id)
        password = secrets.open(row.smtp_password, label=label)
    grant = None
    if row.smtp_grant is not None:
        label = smtp_grant_label(owner_id=row.owner_id, sender_id=sender_id)
        grant = Grant(**json.loads(secrets.open(row.smtp_grant, label=label)), of=sender_id)
    return Account(
        host=row.smtp_host,
        port=row.smtp_port,
        security=Security(row.smtp_security),
        auth=Auth(row.smtp_auth),
        username=row.smtp_username,
        password=password,
        grant=grant,
    )


def key_of(secrets: SecretBox, sender_id: uuid.UUID, row: Keyed) -> DkimKey | None:
    """The sender's DKIM key; None where it has none. Raises `SecretUnreadable`."""
    if row.dkim_key is None:
        return None
    if not row.dkim_key:  # forgotten with the secret key that opened it
        raise SecretUnreadable("its DKIM key is lost: drop it, and make another")
    label = dkim_key_label(owner_id=row.owner_id, sender_id=sender_id)
    return DkimKey.load(secrets.open(row.dkim_key, label=label))


def signer_of(secrets: SecretBox, sender_id: uuid.UUID, row: Keyed) -> DkimSigner | None:
    """What signs the sender's emails; None when they go unsigned. Raises `SecretUnreadable`."""
    key = key_of(secrets, sender_id, row)
    if key is None or row.dkim_selector is None or row.dkim_domain is None:
        return None
    return DkimSigner(key, selector=row.dkim_selector, domain=row.dkim_domain)
