"""The key that secrets are encrypted with."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from paceline.errors import SettingsError

SECRET_KEY_BYTES = 32
NAME = "PACELINE_SECRET_KEY"
RETIRED = "PACELINE_SECRET_KEY_RETIRED"


@dataclass(frozen=True, kw_only=True, slots=True)
class SecretSettings:
    """The key that the senders' passwords are encrypted with."""

    key: bytes = field(repr=False)
    retired: tuple[bytes, ...] = field(default=(), repr=False)  # open, but seal nothing new


def read_secrets(env: Mapping[str, str]) -> SecretSettings | None:
    """From PACELINE_SECRET_KEY, and from PACELINE_SECRET_KEY_RETIRED while keys are changed."""
    text, retired = env.get(NAME), env.get(RETIRED, "")
    if text is None:
        if retired:
            raise SettingsError(f"{RETIRED} is set, but {NAME} is not")
        return None
    key = decode_secret_key(text)
    others = tuple(
        decode_secret_key(part, name=RETIRED) for part in retired.replace(",", " ").split()
    )
    if key in others:
        raise SettingsError(f"{RETIRED} names the key of {NAME}: take it away")
    return SecretSettings(key=key, retired=others)


def decode_secret_key(text: str, *, name: str = NAME) -> bytes:
    """32 bytes from base64, of either alphabet. Raises `SettingsError`; never repeats the value."""
    try:
        padded = text + "=" * (-len(text) % 4)
        key = base64.b64decode(padded.translate(str.maketrans("-_", "+/")), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != SECRET_KEY_BYTES:
        raise SettingsError(f"{name} must be 32 random bytes in base64: openssl rand -base64 32")
    return key
