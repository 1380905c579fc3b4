"""The stack of compose.yaml, run by Podman in a folder of its own, and what its containers say."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from tests.ports import free_port

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
IMAGES = HERE / "images"
PROJECT = "paceline-test"
COMMAND_SECONDS = 300
PATIENCE_SECONDS = 180
LOOK_SECONDS = 0.2

_ENV = {
    **{name: value for name, value in os.environ.items() if not name.startswith("PACELINE_")},
    "CONTAINERS_CONF": str(IMAGES / "containers.conf"),
    "PODMAN_COMPOSE_WARNING_LOGS": "false",
}
_RECIPIENT = re.compile(rb"^X-Rcpt-Args: <([^>]+)>", re.MULTILINE)


def podman(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """One command of Podman; what it says, on standard error too, goes along with a failure."""
    return _run(["podman", *arguments], cwd=ROOT, check=check)


def until(is_so: Callable[[], object], what: str, *, seconds: float = PATIENCE_SECONDS) -> None:
    """Look until it is so: other machines have no event to wait for."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(LOOK_SECONDS)


@dataclass(frozen=True)
class Stack:
    """Of one folder: compose.yaml, the tests' override of it, `.env`, and what the sink caught."""

    folder: Path
    port: int

    @classmethod
    def made(cls, folder: Path, **settings: str) -> Stack:
        """As somebody would who follows the README: `.env` is `.env.example`, a little changed."""
        port = free_port()
        env = (ROOT / ".env.example").read_text()
        for name, value in {"PORT": str(port), **settings}.items():
            env, found = re.subn(rf"(?m)^{name}=.*$", f"{name}={value}", env)
            assert found == 1, name
        (folder / ".env").write_text(env)
        shutil.copy(ROOT / "compose.yaml", folder)
        shutil.copy(HERE / "compose.override.yaml", folder)
        (folder / "caught").mkdir()
        (folder / "caught").chmod(0o777)
        return cls(folder, port)

    def compose(self, *arguments: str) -> str:
        """One command of podman-compose, in the folder."""
        files = ("-f", "compose.yaml", "-f", "compose.override.yaml")
        command = [sys.executable, "-m", "podman_compose", *files, "-p", PROJECT, *arguments]
        return _run(command, cwd=self.folder).stdout

    def containers(self, service: str, *, all_of_them: bool = False) -> list[str]:
        """The ids of a service's containers that run, or of all."""
        labels = (f"io.podman.compose.project={PROJECT}", f"io.podman.compose.service={service}")
        filters = [part for label in labels for part in ("--filter", f"label={label}")]
        every = ["--all"] if all_of_them else []
        return podman("ps", "--quiet", "--no-trunc", *every, *filters).stdout.split()

    def inspect(self, container: str) -> dict[str, Any]:
        """All that Podman knows of it."""
        found: dict[str, Any] = json.loads(podman("inspect", container).stdout)[0]
        return found

    def inside(self, service: str, *command: str, check: bool = True) -> str:
        """What a command says in the first container of a service."""
        return podman("exec", self.containers(service)[0], *command, check=check).stdout.strip()

    def is_healthy(self, container: str) -> bool:
        """By its own health check, asked now: no timer asks it here."""
        return podman("healthcheck", "run", container, check=False).returncode == 0

    def is_ready(self) -> bool:
        """Whether the API takes work, on the port that this machine sees."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def ask(self, path: str, *, key: str, body: object = None, method: str = "") -> Any:
        """One request to the API, and its answer; without a method, it is POST with a body."""
        request = Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method or ("GET" if body is None else "POST"),
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        try:
            with urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except HTTPError as error:
            raise AssertionError(f"{path}: {error.read().decode()}") from error

    def caught(self) -> Counter[str]:
        """How often the sink was given each recipient's email, whole."""
        return Counter(self._recipients())

    def _recipients(self) -> Iterator[str]:
        for file in sorted((self.folder / "caught").iterdir()):
            found = _RECIPIENT.findall(file.read_bytes())
            yield from (address.decode() for address in found)

    def logs(self) -> str:
        """What every container has said, for whoever reads a failure."""
        said = []
        label = f"label=io.podman.compose.project={PROJECT}"
        for name in podman(
            "ps", "--all", "--filter", label, "--format", "{{.Names}}"
        ).stdout.split():
            told = podman("logs", "--tail", "30", name, check=False)
            said.append(f"--- {name}\n{told.stdout}{told.stderr}")
        return "\n".join(said)


def _run(command: list[str], *, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    ran = subprocess.run(
        command,
        cwd=cwd,
        env=_ENV,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    if check:
        assert ran.returncode == 0, f"{' '.join(command)}:\n{ran.stdout}\n{ran.stderr}"
    return ran
