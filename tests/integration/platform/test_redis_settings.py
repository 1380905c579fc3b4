"""A Redis that is not as it has to be: one line says what, and what to do about it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import redis.asyncio

from paceline.bootstrap.preflight.findings import Finding, Weight
from paceline.bootstrap.preflight.redis import look_at_redis
from tests.certificates import certify
from tests.integration.platform.passing_on import listening
from tests.integration.platform.refusing import paceline
from tests.redis_disk import refusing_writes

ANSWERS_ABOUT_RIGHTS = 7  # the first version of Redis that does
RIGHTS = "~* &* +@all -@admin -@dangerous +info"


@asynccontextmanager
async def as_user(redis_url: str, rights: str) -> AsyncIterator[str]:
    """The address of the same Redis, for somebody who has these rights there and no others."""
    async with redis.asyncio.from_url(redis_url) as connection:
        await connection.execute_command(f"ACL SETUSER clerk reset on >s3cret {rights}")
        try:
            yield f"{redis_url}&username=clerk&password=s3cret"
        finally:
            await connection.execute_command("ACL DELUSER clerk")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    certify(tmp_path / "redis.pem", "127.0.0.1")
    return tmp_path / "redis.pem"


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def socket_of(redis_url: str) -> str:
    return unquote(urlsplit(redis_url).path)


async def version(redis_url: str) -> int:
    async with redis.asyncio.from_url(redis_url) as connection:
        return int((await connection.info("server"))["redis_version"].partition(".")[0])


async def worst(url: str) -> Finding:
    found, _ = await look_at_redis(url)
    return max(found, key=lambda finding: finding.weight)


@pytest.mark.parametrize(
    ("rights", "told"),
    [
        ("~* &* +@all -info", "lets us in, but not work"),
        ("~* &* +@read +@connection +info +time", "lets us in, but not work"),
        ("~other:* &* +@all", "lets us in, but not work"),
        ("~paceline:* &* +@all", "its user may not do what is needed (set email_rate:*, "),
        ("~* &* +@all -bzpopmin -xadd", "its user may not do what is needed (bzpopmin, xadd)"),
    ],
)
async def test_a_user_without_the_rights_that_lanes_need_is_refused_with_those_it_needs(
    rights: str, told: str, redis_url: str
) -> None:
    async with as_user(redis_url, rights) as url:
        found = await worst(url)
    if "its user may not" in told and await version(redis_url) < ANSWERS_ABOUT_RIGHTS:
        assert found.weight is not Weight.WRONG  # nobody can be asked there
        return
    assert found.weight is Weight.WRONG
    assert told in found.line()
    assert f"give its user these: ACL SETUSER … {RIGHTS}" in found.line()


async def test_a_redis_that_waits_for_its_replicas_is_none_that_no_start_mends(
    redis_url: str,
) -> None:
    async with redis.asyncio.from_url(redis_url) as connection:
        await connection.config_set("min-replicas-to-write", 1)
        try:
            found = await worst(redis_url)
        finally:
            await connection.config_set("min-replicas-to-write", 0)
    assert found.weight is not Weight.WRONG


async def test_one_that_refuses_writes_is_told_with_its_words(redis_url: str) -> None:
    async with refusing_writes(redis_url):
        found = await worst(redis_url)
    assert found.weight is Weight.AWAY
    assert "refuses writes, so nothing is sent: MISCONF" in found.line()


def test_the_rights_that_are_asked_for_are_those_that_are_documented() -> None:
    assert RIGHTS in Path("docs/DEPLOYMENT.md").read_text(encoding="utf-8")


async def test_the_rights_that_are_asked_for_are_enough(redis_url: str) -> None:
    async with as_user(redis_url, RIGHTS) as url:
        found, seen = await look_at_redis(url)
    assert seen is not None
    assert seen.forbidden == ()
    assert [f.line() for f in found if f.weight is Weight.WRONG] == []


async def test_a_worker_whose_redis_forbids_its_work_ends_with_one_line_and_78(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    async with as_user(redis_url, "~* &* +@all -@scripting") as url:
        code, [line] = await paceline(
            "worker", home=tmp_path, DATABASE_URL=database_url, REDIS_URL=url, PACELINE_LOG="text"
        )
    assert code == 78
    assert "but not work: " in line
    assert "has no permissions to run the 'eval' command" in line  # who has not, by its version
    assert "s3cret" not in line


async def test_a_password_that_is_not_given_is_asked_for(redis_url: str) -> None:
    async with redis.asyncio.from_url(redis_url) as connection:
        await connection.execute_command("ACL SETUSER default resetpass >s3cret")
        try:
            found = await worst(redis_url)
        finally:
            await connection.execute_command("ACL SETUSER default resetpass nopass")
    assert found.weight is Weight.WRONG
    assert "asks for a password; put it into REDIS_URL: redis://:password@" in found.line()


async def test_one_behind_tls_that_is_asked_in_plain_is_told_apart_from_one_that_is_away(
    redis_url: str, tls: ssl.SSLContext
) -> None:
    async with listening(socket_of(redis_url), tls) as place:
        found = await worst(f"redis://:s3cret@{place}/0")
    assert (found.weight, found.says) == (Weight.WRONG, f"{place}/0 speaks TLS")
    assert found.remedy == "begin the address with rediss://"


async def test_one_without_tls_that_is_asked_with_it_is_told_apart_from_one_that_is_away(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paceline.engine.queue.CONNECT_TIMEOUT_SECONDS", 0.2)  # it never answers
    async with listening(socket_of(redis_url)) as place:
        found = await worst(f"rediss://{place}/0")
    assert (found.weight, found.says) == (Weight.WRONG, f"{place}/0 speaks no TLS")


async def test_a_certificate_that_nobody_vouches_for_is_no_server_that_is_away(
    redis_url: str, tls: ssl.SSLContext, certificate: Path
) -> None:
    async with listening(socket_of(redis_url), tls) as place:
        found = await worst(f"rediss://{place}/0")
        named = await worst(f"rediss://{place}/0?ssl_ca_certs={certificate}")
    assert found.weight is Weight.WRONG
    assert "refuses us: its certificate is not trusted: self-signed certificate" in found.line()
    assert "ssl_ca_certs=FILE" in found.remedy
    assert named.weight < Weight.AWAY
