"""The files that a server's address may name: certificates and keys, looked at before it is asked.

A driver that does not find one says the same as of a server that is away, and would be waited for.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from paceline.errors import SettingsError
from paceline.settings.files import beginning_of

_PEM_WORDS = "holds nothing in PEM that can be used"


def refuse_unusable_authority(file: str, *, name: str) -> None:
    """Raises `SettingsError` where it holds no certificates to verify others by."""
    refuse_unreadable(file, name=name)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=file)
    except (ssl.SSLError, ValueError):
        raise SettingsError(f"{name}: {file} {_PEM_WORDS}") from None


def refuse_unusable_identity(
    file: str, key: str | None, password: str | None, *, name: str
) -> None:
    """Raises `SettingsError` where certificate and key, in one file or two, prove nothing."""
    for one in (file, key):
        if one is not None:
            refuse_unreadable(one, name=name)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(file, key, password=password or "")
    except (ssl.SSLError, ValueError):
        raise SettingsError(
            f"{name}: {file} {_PEM_WORDS}, or its key is another, or needs another password"
        ) from None


def refuse_unreadable(file: str, *, name: str) -> None:
    """Raises `SettingsError` where nobody can read it."""
    beginning_of(Path(file), 1, setting=name)
