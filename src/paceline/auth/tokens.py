"""Random secrets and their hashes.

A secret here is 32 random bytes, so an unsalted SHA-256 keeps it: there is nothing to guess.
Looking it up by that hash leaks nothing through timing either: nobody can steer a hash.
"""

from __future__ import annotations

import hashlib
import secrets

SECRET_BYTES = 32


def new_secret() -> str:
    """A new secret, safe in URLs, headers and cookies."""
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_of(secret: str) -> bytes:
    """What is stored in the secret's place."""
    return hashlib.sha256(secret.encode()).digest()
