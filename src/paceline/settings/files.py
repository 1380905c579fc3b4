"""Secrets that are a file each, as Docker, Kubernetes and systemd hand them over: `NAME_FILE`."""

from __future__ import annotations

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


def _content(setting: str, file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_OCTETS + 1)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise SettingsError(f"{setting}: {file} cannot be read: {why}") from error
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
