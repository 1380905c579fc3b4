"""What is said once, after a redirect."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from starlette.requests import Request
from starlette.responses import Response

from paceline.web import flash


def asked_with(cookie: str) -> Request:
    return Request({"type": "http", "headers": [(b"cookie", cookie.encode())]})


def test_what_is_put_is_taken_whatever_is_in_it() -> None:
    response = Response()
    flash.put(response, "“Größe; a=b, 100 %” saved.", tone="success", https=False)
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie
    taken = flash.take(asked_with(cookie.partition(";")[0]), https=False)
    assert taken == flash.Flash("“Größe; a=b, 100 %” saved.", "success")


def test_on_https_no_neighbour_can_speak_in_our_name() -> None:
    response = Response()
    flash.put(response, "Saved.", tone="success", https=True)
    assert response.headers["set-cookie"].startswith("__Host-flash=")
    assert "Secure" in response.headers["set-cookie"]
    assert flash.take(asked_with("flash=x"), https=True) is None


@pytest.mark.parametrize(
    "value",
    ["", "x", "{}", "[1,2]", '["loud","Hi"]', '["success",7]', "[]", "7", '["a"]', '[[],""]'],
)
def test_a_cookie_that_is_none_of_ours_says_nothing(value: str) -> None:
    assert flash.take(asked_with(f"flash={quote(value)}"), https=False) is None


def test_a_long_message_is_cut() -> None:
    cookie = "flash=" + quote(json.dumps(["info", "x" * 5_000]))
    taken = flash.take(asked_with(cookie), https=False)
    assert taken is not None
    assert len(taken.message) == flash.MAX_CHARACTERS
