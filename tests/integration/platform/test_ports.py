"""Ports: a taken one is told in one line before anything starts."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from paceline.cli import ports
from paceline.errors import Conflict, SettingsError


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_is_refused_with_the_option_to_choose_another(taken: int) -> None:
    with pytest.raises(Conflict, match=f"port {taken} on 127.0.0.1: .*choose another with --port"):
        ports.claim_check("127.0.0.1", taken, option="--port")


def test_a_port_taken_on_one_address_is_taken_for_all_of_them(taken: int) -> None:
    with pytest.raises(Conflict):
        ports.claim_check("0.0.0.0", taken, option="--port")


def test_an_address_that_is_not_ours_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"192\.0\.2\.1: .*; choose other PACELINE_HOST"):
        ports.claim_check("192.0.2.1", 0, option="--host")


def test_the_preferred_port_is_kept_when_it_is_free(taken: int) -> None:
    other = ports.free_port("127.0.0.1", preferred=taken)
    assert other != taken
    assert ports.free_port("127.0.0.1", preferred=other) == other


def test_a_silent_port_does_not_answer(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "PROBE_TIMEOUT_SECONDS", 0.1)
    assert not ports.answers("127.0.0.1", taken, "/readyz")
    assert ports.accepts("127.0.0.1", taken)
