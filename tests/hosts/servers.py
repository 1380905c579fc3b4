"""PostgreSQL, Redis, the sink and Paceline's processes, each on one of the hosts.

A test watches through the servers' sockets in the file system, which no cut reaches.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from paceline.embedded.process import Command
from paceline.embedded.redis import Redis
from paceline.embedded.redis_program import preferred
from tests.databases import ForgetfulPostgres
from tests.faults.processes import Crashable, Worker
from tests.hosts.network import MASK, SUBNET, Host
from tests.world import SECRET_KEY

ROOT = Path(__file__).parents[2]
SMTP_PORT = 2525
API_PORT = 3001


def moved(command: Command, host: Host, *options: str) -> Command:
    """The same on another host; its process keeps its number over all three programs."""
    user = command.user
    as_user: tuple[str, ...] = ()
    if user is not None:
        as_user = ("setpriv", f"--reuid={user.uid}", f"--regid={user.gid}", "--clear-groups")
        as_user += ("--pdeathsig", "INT")
    return replace(command, argv=(*host.enter, *as_user, *command.argv, *options), user=None)


@dataclass(frozen=True, slots=True)
class HostPostgres(ForgetfulPostgres):
    """On a host, for everybody on the bridge."""

    host: Host | None = None
    settings: tuple[str, ...] = ()  # NAME=VALUE

    def prepare(self) -> None:
        super(HostPostgres, self).prepare()
        with (self.directory / "pg_hba.conf").open("a") as access:
            access.write(f"host all all {SUBNET}.0/{MASK} trust\n")
            access.write(f"host replication all {SUBNET}.0/{MASK} trust\n")

    def command(self) -> Command:
        assert self.host is not None
        settings = ("listen_addresses=*", *self.settings)
        options = [part for each in settings for part in ("-c", each)]
        return moved(super(HostPostgres, self).command(), self.host, *options)

    def url_on_bridge(self, database: str) -> str:
        """As a worker on another host is told it."""
        assert self.host is not None
        return f"postgresql://paceline@{self.host.address}/{database}"


@dataclass(frozen=True, slots=True)
class HostRedis(Redis):
    """On a host, for everybody on the bridge."""

    host: Host | None = None
    settings: tuple[str, ...] = ()  # --name, value

    def command(self) -> Command:
        assert self.host is not None
        options = ("--port", "6379", "--bind", "0.0.0.0", "--protected-mode", "no")
        return moved(super(HostRedis, self).command(), self.host, *options, *self.settings)

    @property
    def url_on_bridge(self) -> str:
        """As a worker on another host is told it."""
        assert self.host is not None
        return f"redis://{self.host.address}:6379/0"


class HostSink:
    """The SMTP server's process."""

    def __init__(self, host: Host, log: Path) -> None:
        self.host, self.log = host, log
        program = (sys.executable, "-m", "tests.hosts.sink")
        self._process = subprocess.Popen(
            [*host.enter, *program, host.address, str(SMTP_PORT), str(log)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


class Sentinel:
    """One Sentinel on a host, for the primary called `main`."""

    def __init__(self, host: Host, primary: Host, folder: Path) -> None:
        settings = folder / f"sentinel-{host.name}.conf"
        settings.write_text(
            f"port 26379\nbind 0.0.0.0\nprotected-mode no\n"
            f"sentinel monitor main {primary.address} 6379 2\n"
            "sentinel down-after-milliseconds main 5000\n"
            "sentinel failover-timeout main 10000\n"
        )
        with (folder / f"sentinel-{host.name}.log").open("ab") as output:
            self._process = subprocess.Popen(
                [*host.enter, preferred().path, str(settings), "--sentinel"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@dataclass
class Api:
    """`paceline api` on a host."""

    host: Host
    process: subprocess.Popen[bytes]
    env: Mapping[str, str]

    @classmethod
    def start(cls, host: Host, *, env: Mapping[str, str], log: Path) -> Api:
        environment = {
            **os.environ,
            "PACELINE_SECRET_KEY": base64.b64encode(SECRET_KEY).decode(),
            "PACELINE_HOST": "0.0.0.0",  # of a namespace of its own
            "PORT": str(API_PORT),
            "ALLOW_PRIVATE_HOSTS": "yes",
            "PACELINE_LOG": "text",
            **env,
        }
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*host.enter, sys.executable, "-m", "paceline", "api"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        return cls(host, process, environment)

    def is_ready(self) -> bool:
        """Whether it takes work."""
        try:
            with urlopen(f"{self._url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def runs(self, *arguments: str) -> str:
        """What a command says on this host."""
        command = [*self.host.enter, sys.executable, "-m", "paceline", *arguments]
        ran = subprocess.run(command, env=self.env, capture_output=True, text=True, check=True)
        return ran.stdout.strip()

    def asks(self, path: str, key: str, body: object = None, *, once: str = "") -> Any:
        """One request to its API, POST with a body; the answer."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        headers |= {"Idempotency-Key": once} if once else {}
        content = None if body is None else json.dumps(body).encode()
        request = Request(f"{self._url}{path}", data=content, headers=headers)
        try:
            with urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except HTTPError as error:
            raise AssertionError(f"{path}: {error.read().decode()}") from error

    @property
    def _url(self) -> str:
        return f"http://{self.host.address}:{API_PORT}"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


__all__ = [
    "Api",
    "Crashable",
    "HostPostgres",
    "HostRedis",
    "HostSink",
    "Sentinel",
    "Worker",
    "moved",
]
