"""Real servers, one of each for the whole run."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.delivery.differential import servers
from tests.integration.delivery.differential.servers import Server


@pytest.fixture(scope="session", params=servers.found())
def _server(request: pytest.FixtureRequest, certificate: Path) -> Iterator[Server]:
    with servers.found()[request.param](certificate) as server:
        yield server


@pytest.fixture
def server(_server: Server) -> Server:
    """Each of the servers that this machine has, with nothing in it."""
    _server.arrivals.forget()
    return _server


@pytest.fixture
def trust(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Makes our client trust the servers' certificate, and is what makes the others do so."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return ssl.create_default_context(cafile=certificate)
