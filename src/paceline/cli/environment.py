"""Where a command's settings come from: the environment, a `.env` file, a running home."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from paceline.errors import NotFound, SettingsError
from paceline.home import Home
from paceline.settings import NAMES, Settings

_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")


def load_dotenv(file: Path = Path(".env")) -> None:
    """Add the file's settings to the environment, which goes before them. No file: nothing.

    Only names of settings are taken: a folder's `.env` must not be able to set PATH or LD_PRELOAD.
    """
    if not file.is_file():
        return
    for name, value in parse_dotenv(file.read_text(), source=str(file)).items():
        os.environ.setdefault(name, value)


def parse_dotenv(text: str, *, source: str) -> dict[str, str]:
    """`NAME=value` per line, shell quoting, `#` comments. Raises `SettingsError`."""
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        matched = _ASSIGNMENT.fullmatch(line.strip())
        if matched is None:
            raise SettingsError(f"{source}, line {number}: expected NAME=value")
        name, value = matched.groups()
        if name not in NAMES:
            raise SettingsError(f"{source}, line {number}: unknown setting {name}")
        found[name] = _unquoted(value, where=f"{source}, line {number}")
    return found


def _unquoted(value: str, *, where: str) -> str:
    try:
        return " ".join(shlex.split(value, comments=True))
    except ValueError as error:
        raise SettingsError(f"{where}: {error}") from error


def settings_of(home: Path | None, env: Mapping[str, str] = os.environ) -> Settings:
    """The settings of the system that runs on a home, or those of the environment.

    A home that is named goes first. Raises `NotFound` when it is named and nothing runs there.
    """
    if home is None and env.get("DATABASE_URL"):
        return Settings.from_environment(env)
    where = Home.at(home, env)
    running = where.running()
    if running is None:
        raise NotFound(f"nothing runs on {where.path}: start it with `paceline up`")
    unused = {"REDIS_HOST", "REDIS_PORT"}
    given = {name: value for name, value in env.items() if name not in unused}
    return Settings.from_environment(
        {
            **given,
            "DATABASE_URL": running.database_url,
            "REDIS_URL": running.redis_url,
            "BASE_URL": running.url,
            "DEVINBOX_PORT": str(running.devinbox_port),
            "PACELINE_SECRET_KEY": env.get("PACELINE_SECRET_KEY") or where.secret_key(),
        }
    )
