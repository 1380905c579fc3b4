"""Which writes are from our own pages."""

from __future__ import annotations

import hmac

import pytest

from paceline.auth import csrf

BASE_URL = "http://localhost:3001"


@pytest.mark.parametrize(
    ("fetch_site", "origin", "ours"),
    [
        ("same-origin", None, True),
        ("same-origin", BASE_URL, True),
        ("same-site", BASE_URL, False),
        ("cross-site", BASE_URL, False),
        ("none", None, False),
        (None, BASE_URL, True),
        (None, "http://localhost:3002", False),
        (None, "http://evil.test", False),
        (None, "null", False),
        (None, None, False),
    ],
)
def test_the_browser_says_where_a_request_comes_from(
    fetch_site: str | None, origin: str | None, *, ours: bool
) -> None:
    assert csrf.same_origin(fetch_site=fetch_site, origin=origin, base_url=BASE_URL) is ours


def test_a_slash_at_the_end_of_the_base_url_changes_nothing() -> None:
    assert csrf.same_origin(fetch_site=None, origin=BASE_URL, base_url=BASE_URL + "/")


def test_the_token_has_to_be_the_same() -> None:
    assert csrf.token_matches("secret", "secret")
    assert not csrf.token_matches("secret", "secres")
    assert not csrf.token_matches("secret", "")
    assert not csrf.token_matches("secret", None)
    assert not csrf.token_matches("secret", "sécret")


def test_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    genuine = hmac.compare_digest

    def watched(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return genuine(a, b)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    assert csrf.token_matches("secret", "secret")
    assert compared == [(b"secret", b"secret")]
