"""How one value is read: a number, a yes or no, names with commas between."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from paceline.errors import SettingsError

# In the form that DNS knows it; names of containers have underscores.
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?")

_PLACEHOLDER = re.compile(r"\$\{(\w+)[^{}]*\}")

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


def number(env: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    """A whole number within bounds. Raises `SettingsError`, as all of these do."""
    text = env.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
        raise SettingsError(f"{name} must be a whole number from {least} to {most}, not {text!r}")
    return int(text)


def flag(env: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    """Yes or no, in the usual spellings."""
    text = env.get(name, "yes" if default else "no").lower()
    if text not in _TRUE | _FALSE:
        raise SettingsError(f"{name} must be yes or no, not {text!r}")
    return text in _TRUE


def names(env: Mapping[str, str], name: str) -> list[str]:
    """Comma-separated names, in lower case."""
    return [part.strip().lower() for part in env.get(name, "").split(",") if part.strip()]


def web_address(text: str) -> SplitResult | None:
    """`http(s)://host[:port][/path]` in its parts; None for what is none, or names a user."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        if ":" in host:
            ip_address(host)
        elif _HOST.fullmatch(host) is None:
            return None
    except ValueError:
        return None
    is_plain = parts.username is None and port != 0 and not any(map(str.isspace, text))
    return parts if is_plain and parts.scheme in {"http", "https"} else None


def refuse_unreplaced(name: str, text: str) -> None:
    """`${DB_PASSWORD}` as it stands: what should have put a value in its place did not. In an
    address braces are percent-encoded, so that it is never meant. A default is not repeated."""
    if found := _PLACEHOLDER.search(text):
        raise SettingsError(
            f"{name} has ${{{found[1]}}} in it, which is not replaced here: write the value, or "
            f"the whole address into a file and its name into {name}_FILE"
        )


def missing(name: str, example: str) -> str:
    """What whoever needs a setting that is not there is told."""
    return f"{name} is not set ({example}); `paceline up` needs no settings at all"


def is_no_host(host: str) -> bool:
    """Whether no name and no address looks like this."""
    try:
        host.encode("idna")
    except UnicodeError:  # a part of it is empty or too long
        return True
    return re.search(r"[\s@]", host) is not None
