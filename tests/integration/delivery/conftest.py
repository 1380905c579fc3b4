"""Pools, accounts and certificates for talking to the sink."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop

from paceline.delivery import Account, Pool, Security, Timeouts
from tests.certificates import certify


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Everything here holds on both loops: workers run on uvloop, other tests on the stdlib's."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    pool = Pool(timeouts=Timeouts(quit_seconds=1), allow_private_hosts=True)
    yield pool
    await pool.close()


AccountAt = Callable[..., Account]


@pytest.fixture
def account_at() -> AccountAt:
    def account(
        port: int,
        *,
        security: Security = Security.NONE,
        host: str = "127.0.0.1",
        username: str | None = None,
        password: str | None = None,
    ) -> Account:
        return Account(
            host=host,
            port=port,
            security=security,
            username=username,
            password=password,
            helo_name="client.test",
        )

    return account


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for localhost with its key, in one file."""
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    certify(path, "localhost", "127.0.0.1")
    return path


@pytest.fixture(scope="session")
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
