"""Checks of an account: the dialogue that a person is shown, and an end to the waiting."""

from __future__ import annotations

import base64
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from paceline.delivery import Auth, Phase, Pool, Security, Timeouts
from tests.integration.delivery.conftest import AccountAt
from tests.integration.delivery.sink import Act, Hang, Sink

PASSWORD = "correct horse"  # of nobody


def hidden(lines: tuple[str, ...]) -> bool:
    packed = [PASSWORD, base64.b64encode(PASSWORD.encode()).decode()]
    packed.append(base64.b64encode(f"\0ann\0{PASSWORD}".encode()).decode())
    return not any(secret in line for secret in packed for line in lines)


async def test_a_good_log_in_is_told_without_its_password(
    pool: Pool, account_at: AccountAt
) -> None:
    async with Sink(extensions=("AUTH PLAIN",)) as sink:
        checked = await pool.check(account_at(sink.port, username="ann", password=PASSWORD))
    assert checked.ok
    assert checked.dialogue == (
        f"* connected to 127.0.0.1, port {sink.port}",
        "< 220 sink.test ready",
        "> EHLO client.test",
        "< 250-sink.test",
        "< 250 AUTH PLAIN",
        "> AUTH PLAIN ***",
        "< 235 2.7.0 welcome",
    )
    assert hidden(checked.dialogue)


async def test_both_ways_of_a_refused_log_in_are_told(pool: Pool, account_at: AccountAt) -> None:
    echo = f"535 5.7.8 {PASSWORD} is wrong"
    async with Sink(acts={"AUTH": echo}, extensions=("AUTH PLAIN LOGIN",)) as sink:
        checked = await pool.check(account_at(sink.port, username="ann", password=PASSWORD))
    assert not checked.ok
    assert "> AUTH PLAIN ***" in checked.dialogue
    assert "> AUTH LOGIN" in checked.dialogue
    assert "< 535 5.7.8 *** is wrong" in checked.dialogue
    assert hidden(checked.dialogue)
    assert hidden((checked.detail, str(checked.reply)))


async def test_a_log_in_that_is_repeated_whole_is_hidden_too(
    pool: Pool, account_at: AccountAt
) -> None:
    packed = base64.b64encode(f"\0ann\0{PASSWORD}".encode()).decode()
    async with Sink(acts={"AUTH": f"535 5.7.8 no: {packed}"}, extensions=("AUTH PLAIN",)) as sink:
        checked = await pool.check(account_at(sink.port, username="ann", password=PASSWORD))
    assert hidden((*checked.dialogue, checked.detail, str(checked.reply)))


async def test_step_by_step_the_prompts_are_readable_and_the_answers_are_not(
    pool: Pool, account_at: AccountAt
) -> None:
    acts: dict[str, Act] = {"AUTH": "334 VXNlcm5hbWU6"}
    async with Sink(acts=acts, extensions=("AUTH LOGIN",)) as sink:
        checked = await pool.check(account_at(sink.port, username="ann", password=PASSWORD))
    assert "< 334 Username:" in checked.dialogue
    assert "> ***" in checked.dialogue
    assert hidden(checked.dialogue)


async def test_why_a_token_was_refused_is_unpacked(pool: Pool, account_at: AccountAt) -> None:
    why = base64.b64encode(b'{"status":"401"}').decode()
    acts: dict[str, Act] = {"AUTH": f"334 {why}", "": "535 5.7.8 no"}
    async with Sink(acts=acts, extensions=("AUTH XOAUTH2",)) as sink:
        plain = account_at(sink.port, username="ann", password="token")
        checked = await pool.check(replace(plain, auth=Auth.XOAUTH2))
    assert '< 334 {"status":"401"}' in checked.dialogue
    assert checked.dialogue[-2] == "< 535 5.7.8 no"


async def test_encryption_is_told(
    account_at: AccountAt, server_tls: ssl.SSLContext, certificate: Path
) -> None:
    pool = Pool(allow_private_hosts=True, verify_certificates=False)
    async with Sink(tls=server_tls, extensions=("STARTTLS",)) as sink:
        checked = await pool.check(account_at(sink.port, security=Security.STARTTLS))
    await pool.close()
    assert checked.ok
    assert "* TLS: encrypted from here on" in checked.dialogue


@pytest.mark.parametrize(
    ("step", "phase"), [("greeting", Phase.GREETING), ("EHLO", Phase.EHLO), ("AUTH", Phase.AUTH)]
)
async def test_a_server_that_falls_silent_ends_the_check_where_it_did(
    account_at: AccountAt, step: str, phase: Phase
) -> None:
    pool = Pool(timeouts=Timeouts(check_seconds=0.3), allow_private_hosts=True)
    async with Sink(acts={step: Hang()}, extensions=("AUTH PLAIN",)) as sink:
        checked = await pool.check(account_at(sink.port, username="ann", password=PASSWORD))
    await pool.close()
    assert (checked.ok, checked.phase) == (False, phase)
    assert "within 0.3 s" in checked.detail
    assert checked.dialogue[-1] == f"* {checked.detail}"
