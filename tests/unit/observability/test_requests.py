"""One line per request, and a number that leads from an answer to its lines."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from paceline.api.problems import problem
from paceline.observability import AccessLog, configure_logging, log_crashes
from paceline.observability.requests import MAX_PATH_CHARACTERS, words_of


@pytest.fixture(autouse=True)
def _keep_the_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(False)


@pytest.fixture
def stream() -> io.StringIO:
    stream = io.StringIO()
    configure_logging("api", {"PACELINE_LOG": "json"}, stream=stream)
    return stream


ANSWERS: dict[str, Callable[[], Response]] = {
    "/none": lambda: problem(404, "no"),
    "/same": lambda: Response(status_code=304),
}
OPEN_PAGE = {"HX-Request-Type": "partial", "If-None-Match": '"none"'}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    logging.getLogger("paceline.api").warning("looked at")
    if scope["path"] == "/broken":
        raise RuntimeError("a bug")
    answer = ANSWERS.get(scope["path"], lambda: PlainTextResponse("hello"))()
    await answer(scope, receive, send)


async def get(path: str, **headers: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=AccessLog(app), raise_app_exceptions=False)  # type: ignore[arg-type]
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
        return await http.get(path, headers=headers)


def entries(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


async def test_a_request_is_one_line_without_its_query(stream: io.StringIO) -> None:
    answer = await get("/api/v1/emails?q=ada@example.com")
    _, line = entries(stream)
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/v1/emails", 200)
    assert line["octets"] == len("hello")
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert "ada@" not in stream.getvalue()


@pytest.mark.parametrize("address", ["ada@example.com", "ada%40example.com", "ada%2540example.com"])
async def test_an_address_in_a_path_is_not_told(address: str, stream: io.StringIO) -> None:
    await get(f"/api/v1/suppressions/{address}")
    assert entries(stream)[-1]["path"] == "/api/v1/suppressions/{address}"
    assert "ada" not in stream.getvalue()


async def test_every_line_and_problem_of_a_request_carries_its_number(stream: io.StringIO) -> None:
    answer = await get("/none", **{"X-Request-Id": "from-the-proxy-7"})
    assert answer.headers["X-Request-Id"] == "from-the-proxy-7"
    assert answer.json()["request_id"] == "from-the-proxy-7"
    assert {line["request_id"] for line in entries(stream)} == {"from-the-proxy-7"}


@pytest.mark.parametrize("given", ["short", "with spaces in it", "x" * 65, "new\tline-number"])
async def test_a_number_that_is_none_is_not_taken(given: str, stream: io.StringIO) -> None:
    answer = await get("/", **{"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] != given


async def test_health_checks_are_not_logged_while_all_is_well(stream: io.StringIO) -> None:
    await get("/healthz")
    assert [line["message"] for line in entries(stream)] == ["looked at"]


async def test_what_open_pages_ask_again_and_again_is_not_logged_while_all_is_well(
    stream: io.StringIO,
) -> None:
    await get("/dashboard/now", **OPEN_PAGE)
    await get("/same")
    assert {line["message"] for line in entries(stream)} == {"looked at"}


@pytest.mark.parametrize("path", ["/none", "/broken"])
async def test_an_open_page_that_gets_no_good_answer_is_logged(
    path: str, stream: io.StringIO
) -> None:
    await get(path, **OPEN_PAGE)
    assert entries(stream)[-1]["path"] == path


@pytest.mark.parametrize("missing", OPEN_PAGE)
async def test_a_page_that_is_opened_is_logged(missing: str, stream: io.StringIO) -> None:
    headers = {name: value for name, value in OPEN_PAGE.items() if name != missing}
    await get("/emails", **headers)
    assert entries(stream)[-1]["path"] == "/emails"


async def test_a_request_without_an_answer_is_logged_as_such(stream: io.StringIO) -> None:
    await get("/broken")
    assert entries(stream)[-1]["message"].startswith("GET /broken no answer")


def test_a_crash_is_one_line_of_json(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, hook in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(owner, hook, getattr(owner, hook))
    log_crashes()
    try:
        raise RuntimeError("a bug")
    except RuntimeError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    (line,) = entries(stream)
    assert line["level"] == "critical"
    assert line["exception"].endswith("RuntimeError: a bug")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/api/v1/campaigns/01a22e7c-21d6-70ac-9e44-f73bbae459e0/launch", "campaigns/{id}/launch"),
        ("/api/v1/suppressions/ada@example.org", "suppressions/{id}"),
        ("/api/v1/sender-presets", "sender-presets"),
        ("/api/v1/emails/leads.csv/%41da/" + "a" * 41, "emails/{id}/{id}/{id}"),
    ],
)
def test_of_a_path_only_the_words_are_told(path: str, words: str) -> None:
    assert words_of(path) == f"/api/v1/{words}"


async def test_a_path_as_long_as_a_head_is_noted_as_soon_as_any(stream: io.StringIO) -> None:
    async def nothing(*_: object) -> None:
        """No answer is needed."""

    path = "/" + "a" * 400_000  # looked at from each of its characters on, it took minutes
    began = time.process_time()
    await AccessLog(nothing)(
        {"type": "http", "method": "GET", "path": path, "headers": []}, _receive, nothing
    )
    assert time.process_time() - began < 20
    assert entries(stream)[-1]["path"] == path[:MAX_PATH_CHARACTERS]


async def _receive() -> Any:
    return {"type": "http.disconnect"}
