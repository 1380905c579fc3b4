"""Secrets at rest: AES-256-GCM, each value bound to the row and column that it belongs to.

A ciphertext that is copied into another row does not open there. The key comes from the
environment or the home folder, never from the database.
"""

from __future__ import annotations

import os
import uuid

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from paceline.errors import OperationalError

KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = b"\x01"  # of the format, so that keys can be rotated later


class SecretUnreadable(OperationalError):
    """A stored secret does not open: the key has changed, or the row was tampered with."""


class SecretBox:
    """Seals and opens. `label` says what the value belongs to and must be the same both times."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the secret key must have {KEY_BYTES} bytes, not {len(key)}")
        self._cipher = AESGCM(key)

    def seal(self, plain: str, *, label: str) -> bytes:
        """Encrypt; a new nonce each time."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, plain.encode(), label.encode())

    def open(self, sealed: bytes, *, label: str) -> str:
        """Decrypt. Raises `SecretUnreadable`."""
        nonce, cipher = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            if sealed[:1] != _VERSION:
                raise InvalidTag
            return self._cipher.decrypt(nonce, cipher, label.encode()).decode()
        except InvalidTag:
            raise SecretUnreadable(
                f"{label.split(':')[0]}: the stored secret does not open with this "
                "PACELINE_SECRET_KEY"
            ) from None


def smtp_password_label(*, owner_id: uuid.UUID, sender_id: uuid.UUID) -> str:
    """What a sender's password is bound to."""
    return f"smtp_password:{owner_id}:{sender_id}"
