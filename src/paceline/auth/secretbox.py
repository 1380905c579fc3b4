"""Secrets at rest: AES-256-GCM, each value bound to the row and column that it belongs to.

A ciphertext moved to another row does not open there. The key comes from the settings, never from
the database; each value names the key it was sealed with, so that keys can be changed one by one.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from paceline.errors import OperationalError
from paceline.settings import SecretSettings

KEY_BYTES = 32
_VERSION = b"\x01"
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12
_HEAD_BYTES = len(_VERSION) + _KEY_ID_BYTES + _NONCE_BYTES


class SecretUnreadable(OperationalError):
    """A stored secret cannot be opened: it was sealed with another key, or tampered with."""


def smtp_password_label(*, owner_id: uuid.UUID, sender_id: uuid.UUID) -> str:
    """Where a sender's password belongs."""
    return f"owner:{owner_id}:sender:{sender_id}:smtp_password"


def smtp_grant_label(*, owner_id: uuid.UUID, sender_id: uuid.UUID) -> str:
    """Where a sender's grant for access tokens belongs."""
    return f"owner:{owner_id}:sender:{sender_id}:smtp_grant"


def dkim_key_label(*, owner_id: uuid.UUID, sender_id: uuid.UUID) -> str:
    """Where a sender's DKIM key belongs."""
    return f"owner:{owner_id}:sender:{sender_id}:dkim_key"


def hook_url_label(*, owner_id: uuid.UUID) -> str:
    """Where the address of an owner's web hook belongs."""
    return f"owner:{owner_id}:notifications:hook_url"


class SecretBox:
    """Seals with `key`; opens what was sealed with it or with one of the `retired` ones."""

    def __init__(self, key: bytes, *, retired: Sequence[bytes] = ()) -> None:
        self._key_id = _key_id(key)
        self._ciphers = {_key_id(k): AESGCM(_checked(k)) for k in (key, *retired)}

    @classmethod
    def of(cls, secrets: SecretSettings) -> SecretBox:
        """With the keys of the settings."""
        return cls(secrets.key, retired=secrets.retired)

    def is_current(self, sealed: bytes) -> bool:
        """Whether it was sealed with the key that seals today."""
        return key_id_of(sealed) == self._key_id

    def knows(self, key_id: bytes) -> bool:
        """Whether what names this key can be opened."""
        return key_id in self._ciphers

    def seal(self, secret: str, *, label: str) -> bytes:
        """The secret as it is stored; it opens under the same label only."""
        nonce = os.urandom(_NONCE_BYTES)
        head = _VERSION + self._key_id
        sealed = self._ciphers[self._key_id].encrypt(nonce, secret.encode(), head + label.encode())
        return head + nonce + sealed

    def open(self, sealed: bytes, *, label: str) -> str:
        """The secret. Raises `SecretUnreadable`."""
        head, nonce = sealed[: len(_VERSION) + _KEY_ID_BYTES], sealed[:_HEAD_BYTES][-_NONCE_BYTES:]
        cipher = self._ciphers.get(head[len(_VERSION) :]) if head[:1] == _VERSION else None
        if cipher is None or len(sealed) < _HEAD_BYTES:
            raise SecretUnreadable(
                "a stored secret was sealed with another PACELINE_SECRET_KEY than this one"
            )
        try:
            return cipher.decrypt(nonce, sealed[_HEAD_BYTES:], head + label.encode()).decode()
        except InvalidTag:
            raise SecretUnreadable("a stored secret does not belong to this sender") from None


def fingerprint(key: bytes) -> bytes:
    """What a key is told by; nobody finds a key by it."""
    return hashlib.sha256(b"paceline key fingerprint" + key).digest()


def key_id_of(sealed: bytes) -> bytes:
    """Which key a stored secret names."""
    return sealed[len(_VERSION) : len(_VERSION) + _KEY_ID_BYTES]


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"paceline key id" + key).digest()[:_KEY_ID_BYTES]


def _checked(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(key)}")
    return key
