"""The key that secrets are encrypted with."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from paceline.errors import SettingsError

SECRET_KEY_BYTES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class SecretSettings:
    """The key that the senders' passwords are encrypted with."""

    key: bytes = field(repr=False)


def read_secrets(env: Mapping[str, str]) -> SecretSettings | None:
    """From PACELINE_SECRET_KEY."""
    text = env.get("PACELINE_SECRET_KEY")
    return None if text is None else SecretSettings(key=decode_secret_key(text))


def decode_secret_key(text: str) -> bytes:
    """32 bytes from base64, of either alphabet. Raises `SettingsError`; never repeats the value."""
    try:
        padded = text + "=" * (-len(text) % 4)
        key = base64.b64decode(padded.translate(str.maketrans("-_", "+/")), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != SECRET_KEY_BYTES:
        raise SettingsError(
            "PACELINE_SECRET_KEY must be 32 random bytes in base64: openssl rand -base64 32"
        )
    return key
