"""All settings together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from paceline.errors import SettingsError
from paceline.observability import refuse_log_settings
from paceline.observability.tracing import Tracing
from paceline.settings.inbox import DevInboxSettings, EtherealSettings, read_devinbox, read_ethereal
from paceline.settings.names import refuse_unknown
from paceline.settings.reach import ApiSettings, read_api
from paceline.settings.retention import RetentionSettings, read_retention
from paceline.settings.secret_key import SecretSettings, read_secrets
from paceline.settings.servers import DatabaseSettings, RedisSettings, read_database, read_redis
from paceline.settings.shares import ShareSettings, read_shares
from paceline.settings.sign_in import SignInSettings, read_sign_in
from paceline.settings.traces import read_tracing
from paceline.settings.values import missing, number
from paceline.settings.work import WorkerSettings, read_worker

STOP_SECONDS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All pieces. The three without a default say so when they are asked for and not set."""

    api: ApiSettings = field(default_factory=ApiSettings)
    sign_in: SignInSettings = field(default_factory=SignInSettings)
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    shares: ShareSettings = field(default_factory=ShareSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    devinbox: DevInboxSettings = field(default_factory=DevInboxSettings)
    ethereal: EtherealSettings | None = None
    tracing: Tracing | None = None  # None: no traces
    stop_seconds: int = STOP_SECONDS  # that what is under way may finish, when asked to stop
    given_database: DatabaseSettings | None = None
    given_redis: RedisSettings | None = None
    given_secrets: SecretSettings | None = None

    @property
    def database(self) -> DatabaseSettings:
        """Raises `SettingsError` when DATABASE_URL is not set."""
        if self.given_database is None:
            raise SettingsError(missing("DATABASE_URL", "postgresql://user@host/name"))
        return self.given_database

    @property
    def redis(self) -> RedisSettings:
        """Raises `SettingsError` when neither REDIS_URL nor REDIS_HOST is set."""
        if self.given_redis is None:
            raise SettingsError(missing("REDIS_URL", "redis://host:6379/0"))
        return self.given_redis

    @property
    def secrets(self) -> SecretSettings:
        """Raises `SettingsError` when PACELINE_SECRET_KEY is not set."""
        if self.given_secrets is None:
            raise SettingsError(missing("PACELINE_SECRET_KEY", "openssl rand -base64 32 makes one"))
        return self.given_secrets

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> Settings:
        """Read and check everything. An empty value counts as not set."""
        given = {name: value.strip() for name, value in env.items() if value.strip()}
        refuse_unknown(given)
        refuse_log_settings(given)
        api = read_api(given)
        return cls(
            api=api,
            sign_in=read_sign_in(given, api.base_url),
            worker=read_worker(given),
            shares=read_shares(given),
            retention=read_retention(given),
            devinbox=read_devinbox(given),
            ethereal=read_ethereal(given),
            tracing=read_tracing(given),
            stop_seconds=number(given, "PACELINE_STOP_SECONDS", STOP_SECONDS, 1, 600),
            given_database=read_database(given),
            given_redis=read_redis(given),
            given_secrets=read_secrets(given),
        )
