"""Whose request it is, where a proxy stands before us."""

from __future__ import annotations

from typing import Any

import pytest

from paceline.bootstrap.server import server_config
from paceline.settings import Settings


@pytest.mark.parametrize(
    ("proxies", "sent_by", "asks"),
    [
        ("", "127.0.0.1", "192.0.2.9"),
        ("", "10.0.0.7", "10.0.0.7"),
        ("10.0.0.0/24", "10.0.0.7", "192.0.2.9"),
        ("10.0.0.0/24", "10.9.0.7", "10.9.0.7"),
        ("*", "10.9.0.7", "198.51.100.1"),  # the first of them: the proxy must not let it be chosen
    ],
)
async def test_only_a_proxy_that_is_named_is_believed(
    proxies: str, sent_by: str, asks: str
) -> None:
    found: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        found.append(scope["client"][0])

    settings = Settings.from_environment({"FORWARDED_ALLOW_IPS": proxies})
    config = server_config(app, settings)
    config.load()
    headers = [(b"x-forwarded-for", b"198.51.100.1, 192.0.2.9")]
    scope: Any = {"type": "http", "client": (sent_by, 1), "headers": headers, "scheme": "http"}
    await config.loaded_app(scope, None, None)  # type: ignore[arg-type]
    assert found == [asks]
