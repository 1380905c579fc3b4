"""What `paceline up` runs: which components, with which settings. Decides; starts nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from paceline.cli import ports
from paceline.cli.parts import SECONDS_MORE, own_command
from paceline.cli.supervise import Component
from paceline.embedded import Command, Postgres, Redis, Server
from paceline.errors import SettingsError
from paceline.home import Home
from paceline.settings import STOP_SECONDS, Settings

# With the parts' six (their own four, and a last answer), within the ten that are promised.
INBOX_STOP_SECONDS = 1.0
SERVER_STOP_SECONDS = 3.0
# These open nothing and sign nobody in.
_WITHOUT_SECRETS = frozenset({"devinbox", "migrate"})
_SECRETS = (
    "PACELINE_SECRET_KEY",
    "PACELINE_SECRET_KEY_RETIRED",
    "PACELINE_API_KEY",
    "GOOGLE_CLIENT_SECRET",
    "GOOGLE_CLIENT_ID",
    "GOOGLE_BUTTON",
    "OIDC_ISSUER",
    "ALLOWED_DOMAINS",
    "ETHEREAL_EMAIL",
    "ETHEREAL_PASS",
    "PACELINE_METRICS_TOKEN",
    "OTEL_EXPORTER_OTLP_HEADERS",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Everything that is settled before the first process starts."""

    home: Home
    host: str
    port: int
    base_url: str
    workers: int
    sample: bool
    devinbox_host: str
    devinbox_port: int
    database_url: str | None = field(repr=False)  # None: our own PostgreSQL
    redis_url: str | None = field(repr=False)  # None: our own Redis
    secret_key: str = field(repr=False)
    allow_private_hosts: bool
    stop_seconds: int = STOP_SECONDS
    health_port: int | None = None  # of the first worker

    @classmethod
    def made(
        cls, settings: Settings, home: Home, env: Mapping[str, str], *, workers: int, sample: bool
    ) -> Plan:
        """From the settings. The dev inbox's port is moved when it is taken; the API's never is."""
        _refuse_one_port_for_two(settings, workers)
        allow = settings.api.allow_private_hosts
        if not env.get("ALLOW_PRIVATE_HOSTS"):
            # Behind a proxy it listens here, too, and is called something else from outside.
            allow = settings.api.only_this_machine
        return cls(
            home=home,
            host=settings.api.host,
            port=settings.api.port,
            base_url=settings.api.base_url,
            workers=workers,
            sample=sample,
            devinbox_host=settings.devinbox.host,
            devinbox_port=_devinbox_port(settings, home, env),
            database_url=settings.database.url if settings.given_database else None,
            redis_url=settings.redis.url if settings.given_redis else None,
            secret_key=env.get("PACELINE_SECRET_KEY") or home.secret_key(),
            allow_private_hosts=allow,
            stop_seconds=settings.stop_seconds,
            health_port=settings.worker.health_port,
        )

    @property
    def postgres(self) -> Postgres:
        return Postgres(self.home.postgres)

    @property
    def redis(self) -> Redis:
        return Redis(self.home.redis)

    @property
    def used_database_url(self) -> str:
        return self.database_url or self.postgres.url

    @property
    def used_redis_url(self) -> str:
        return self.redis_url or self.redis.url

    def servers(self) -> list[Component]:
        """PostgreSQL and Redis, as far as they are our own."""
        components = []
        if self.database_url is None:
            components.append(self._server(self.postgres, "postgres"))
        if self.redis_url is None:
            components.append(self._server(self.redis, "redis"))
        return components

    def inbox(self) -> Component:
        """The dev inbox: there before the workers are, and as long as they are."""
        inbox = self._part(
            "devinbox", is_ready=lambda _: ports.accepts(self.devinbox_host, self.devinbox_port)
        )
        return replace(inbox, stop_seconds=INBOX_STOP_SECONDS)

    def parts(self) -> list[Component]:
        """The dashboard and the workers."""
        api = self._part("api", is_ready=lambda _: ports.answers(self.host, self.port, "/readyz"))
        workers = [self._part("worker", name=f"worker-{n}") for n in range(1, self.workers + 1)]
        return [api, *workers]

    def command(self, *arguments: str, component: str) -> Command:
        """One of our commands, with this plan's settings."""
        env = {**self._environment(), "PACELINE_COMPONENT": component}
        if arguments[0] in _WITHOUT_SECRETS:
            env |= dict.fromkeys(_SECRETS, "")
        number = component.removeprefix("worker-")
        if self.health_port is not None and number.isdigit():  # each has one of its own
            env["PACELINE_HEALTH_PORT"] = str(self.health_port + int(number) - 1)
        return own_command(*arguments, cwd=self.home.path, env=env)

    def _environment(self) -> dict[str, str]:
        # REDIS_HOST, when it was given, has become part of the URL; an empty value is no value.
        return {
            "DATABASE_URL": self.used_database_url,
            "REDIS_URL": self.used_redis_url,
            "REDIS_HOST": "",
            "REDIS_PORT": "",
            "PACELINE_HOME": str(self.home.path),
            "PACELINE_HOST": self.host,
            "PORT": str(self.port),
            "BASE_URL": self.base_url,
            "DEVINBOX_HOST": self.devinbox_host,
            "DEVINBOX_PORT": str(self.devinbox_port),
            "ALLOW_PRIVATE_HOSTS": "yes" if self.allow_private_hosts else "no",
            "PACELINE_SECRET_KEY": self.secret_key,
            "PACELINE_LOG": "json",
        }

    def _server(self, server: Server, name: str) -> Component:
        return Component(
            name=name,
            command=server.command,
            log=self.home.logs / f"{name}.log",
            prepare=server.prepare,
            is_ready=server.is_ready,
            stop_seconds=SERVER_STOP_SECONDS,
        )

    def _part(
        self, command: str, *, name: str = "", is_ready: Callable[[int], bool] | None = None
    ) -> Component:
        name = name or command
        return Component(
            name=name,
            command=lambda: self.command(command, component=name),
            log=self.home.logs / f"{name}.log",
            is_ready=is_ready,
            stop_seconds=self.stop_seconds + SECONDS_MORE,
        )


def _refuse_one_port_for_two(settings: Settings, workers: int) -> None:
    """Whichever came first would have it, and the other be waited for. Raises `SettingsError`."""
    taken = {settings.api.port: "PORT"}
    asked = [("DEVINBOX_PORT", settings.devinbox.port)]
    if (first := settings.worker.health_port) is not None:
        asked += [("PACELINE_HEALTH_PORT", first + number) for number in range(workers)]
    for name, port in asked:
        if (other := taken.setdefault(port, name)) != name:
            raise SettingsError(f"{other} and {name} both lead to port {port}: choose another")


def _devinbox_port(settings: Settings, home: Home, env: Mapping[str, str]) -> int:
    """The one that is set, else the one of last time, so that senders which lead there still do."""
    preferred = settings.devinbox.port
    if not env.get("DEVINBOX_PORT"):
        preferred = home.last_devinbox_port() or preferred
    return ports.free_port(settings.devinbox.host, preferred=preferred)
