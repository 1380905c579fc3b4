"""Which system a command talks to, and with which key.

A key is given with an address, or made for a home: who can read the home's secret key may do all
that its key may. It is kept there, readable by its owner alone, and made anew when it is refused.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from paceline.cli.client import ApiClient, ApiRefused
from paceline.cli.environment import settings_of
from paceline.cli.loops import run_quickly
from paceline.errors import NotFound, SettingsError
from paceline.home import Home

_UNAUTHORIZED = 401


def connect(
    *, home: Path | None, url: str | None, key: str | None, env: Mapping[str, str] = os.environ
) -> ApiClient:
    """By address and key where they are given or set, else by the home. Checks that it works."""
    if home is None:
        url = url or env.get("PACELINE_URL")
        key = key or env.get("PACELINE_API_KEY")
    if url is not None:
        if not key:
            raise SettingsError(f"{url} needs a key: --api-key, or PACELINE_API_KEY")
        return ApiClient(url, key)
    return _at_home(Home.at(home, env), key)


def is_elsewhere(home: Path | None, url: str | None, env: Mapping[str, str] = os.environ) -> bool:
    """Whether `connect` would go by an address."""
    return url is not None or (home is None and "PACELINE_URL" in env)


def _at_home(home: Home, key: str | None) -> ApiClient:
    running = home.running()
    if running is None:
        raise NotFound(f"nothing runs on {home.path}: start it with `paceline up`, or give --url")
    if key is not None:
        return ApiClient(running.url, key)
    kept = home.cli_key()
    if kept is not None and _is_accepted(running.url, kept):
        return ApiClient(running.url, kept)
    return ApiClient(running.url, _new_key(home))


def _is_accepted(url: str, key: str) -> bool:
    try:
        with ApiClient(url, key) as client:
            client.senders()
    except ApiRefused as refused:
        if refused.status == _UNAUTHORIZED:
            return False
        raise
    return True


def _new_key(home: Home) -> str:
    from paceline.bootstrap.local import create_api_key

    key = run_quickly(create_api_key(settings_of(home.path), None))
    home.keep_cli_key(key)
    return key
