"""Secrets that are a file each, as Docker, Kubernetes and systemd hand them over: `NAME_FILE`."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from paceline.errors import SettingsError

MAX_OCTETS = 64 * 1024
SUFFIX = "_FILE"
SECRETS = (
    "DATABASE_URL",
    "DATABASE_DIRECT_URL",
    "REDIS_URL",
    "PACELINE_SECRET_KEY",
    "PACELINE_SECRET_KEY_RETIRED",
    "PACELINE_METRICS_TOKEN",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "GOOGLE_CLIENT_SECRET",
    "ETHEREAL_PASS",
    "PACELINE_API_KEY",
)

_OF_LINES = frozenset({"PACELINE_SECRET_KEY_RETIRED" + SUFFIX})


def secrets_in_files(env: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Name, value and file of each. Raises `SettingsError`, which never repeats a value."""
    for name in SECRETS:
        file = env.get(name + SUFFIX, "").strip()
        if not file:
            continue
        if env.get(name, "").strip():
            raise SettingsError(f"{name} and {name}{SUFFIX} are both set: keep one of them")
        yield name, _content(name + SUFFIX, Path(file)), file


def beginning_of(file: Path, octets: int, *, setting: str) -> bytes:
    """What an ordinary file begins with. Raises `SettingsError`, and waits for nobody: what opens
    a pipe would wait until somebody writes into it."""
    try:
        opened = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(opened, "rb") as content:
            if stat.S_ISREG(os.fstat(opened).st_mode):
                return content.read(octets)
    except IsADirectoryError:
        pass
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or str(error)).lower()
        raise SettingsError(f"{setting}: {file} cannot be read: {why}") from None
    raise SettingsError(f"{setting}: {file} is no ordinary file")


def _content(setting: str, file: Path) -> str:
    content = beginning_of(file, MAX_OCTETS + 1, setting=setting)
    if len(content) > MAX_OCTETS:
        raise SettingsError(f"{setting}: {file} is larger than {MAX_OCTETS >> 10} KiB")
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise SettingsError(f"{setting}: {file} is not UTF-8 text")
    if not text:
        raise SettingsError(f"{setting}: {file} is empty")
    if "\n" in text and setting not in _OF_LINES:
        raise SettingsError(f"{setting}: {file} has more than one line: it is the value alone")
    return text
