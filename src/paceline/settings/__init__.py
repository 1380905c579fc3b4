"""The settings: read once from the environment, checked, and handed on in small frozen pieces.

A name that nobody knows, a value that cannot be read and two settings that contradict each other
stop the start with one line that says what to change. `.env.example` explains each setting.
"""

from __future__ import annotations

from paceline.settings.files import SUFFIX, secrets_in_files
from paceline.settings.inbox import DevInboxSettings, EtherealSettings
from paceline.settings.names import NAMES
from paceline.settings.reach import ApiSettings, is_loopback, is_this_machine
from paceline.settings.retention import RetentionSettings
from paceline.settings.secret_key import SECRET_KEY_BYTES, SecretSettings, decode_secret_key
from paceline.settings.servers import DatabaseSettings, RedisSettings
from paceline.settings.sign_in import GOOGLE_ISSUER, ProviderSettings, SignInSettings
from paceline.settings.whole import STOP_SECONDS, Settings
from paceline.settings.work import WorkerSettings

__all__ = [
    "GOOGLE_ISSUER",
    "NAMES",
    "SECRET_KEY_BYTES",
    "STOP_SECONDS",
    "SUFFIX",
    "ApiSettings",
    "DatabaseSettings",
    "DevInboxSettings",
    "EtherealSettings",
    "ProviderSettings",
    "RedisSettings",
    "RetentionSettings",
    "SecretSettings",
    "Settings",
    "SignInSettings",
    "WorkerSettings",
    "decode_secret_key",
    "is_loopback",
    "is_this_machine",
    "secrets_in_files",
]
