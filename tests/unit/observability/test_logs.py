"""Logs: one JSON object per line, and never a secret in it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from paceline.errors import SettingsError
from paceline.observability import configure_logging, redact
from tests.bounded_work import bounded_work


@pytest.fixture(autouse=True)
def _keep_the_root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(False)


def lines(env: dict[str, str]) -> io.StringIO:
    stream = io.StringIO()
    configure_logging("worker", env, stream=stream)
    return stream


def test_without_a_terminal_each_line_is_one_json_object() -> None:
    stream = lines({"PACELINE_COMPONENT": "worker-2"})
    logging.getLogger("paceline.engine").warning("lane %s\nsleeps", "x", extra={"seconds": 5})
    entry = json.loads(stream.getvalue())
    assert entry["component"] == "worker-2"
    assert entry["level"] == "warning"
    assert entry["message"] == "lane x\nsleeps"
    assert entry["seconds"] == 5
    assert stream.getvalue().count("\n") == 1


def test_an_exception_is_within_its_line() -> None:
    stream = lines({})
    try:
        raise ValueError("boom")
    except ValueError:
        logging.getLogger("x").exception("failed")
    assert "ValueError: boom" in json.loads(stream.getvalue())["exception"]


def test_text_can_be_asked_for() -> None:
    stream = lines({"PACELINE_LOG": "text"})
    logging.getLogger("x").info("hello")
    assert "INFO    worker  x: hello" in stream.getvalue()


@pytest.mark.parametrize("env", [{"PACELINE_LOG": "xml"}, {"PACELINE_LOG_LEVEL": "loud"}])
def test_an_unknown_form_or_level_is_refused(env: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        lines(env)


@pytest.mark.parametrize(
    "text",
    [
        "key pl_hunter2hunter2hunter2 used",
        "GET /auth/link?token=hunter2&next=/",
        "connecting to postgresql://ada:hunter2@db/mail",
        "redis://:hunter2@cache:6379/0",
        "Authorization: Bearer hunter2hunter2",
        '{"url": "redis://x:hunter2@cache"}',
    ],
)
def test_what_looks_like_a_secret_is_blotted_out(text: str) -> None:
    assert "hunter2" not in redact(text)
    assert "***" in redact(text)


def test_ordinary_text_is_left_alone() -> None:
    text = "sent to ada@example.com in 12 ms: 250 2.0.0 Ok: queued, http://localhost:3001/x?page=2"
    assert redact(text) == text


@pytest.mark.parametrize(
    "said",
    [
        "duplicate key\nDETAIL:  Key (email)=(hunter2) already exists.",
        'refused: token=hunter2"',
        "key 'password=hunter2'",
        "invalid input for query argument $1: 'hunter2' ('str' object is no integer)",
        "1 error\n  no uuid [type=uuid_parsing, input_value='hunter2', input_type=str]",
        "1 error:\n  {'type': 'int', 'loc': ('response', 'n'), 'input': {'n': 'hunter2'}}",
    ],
)
def test_a_line_is_whole_whatever_was_taken_out_of_its_end(said: str) -> None:
    stream = lines({})
    try:
        raise ValueError(said)
    except ValueError:
        logging.getLogger("x").exception("failed: %s", said, extra={"why": {"first": [said]}})
    entry = json.loads(stream.getvalue())
    assert "hunter2" not in stream.getvalue()
    assert "***" in entry["message"]
    assert "***" in entry["why"]["first"][0]


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_line_that_cannot_be_put_together_says_where_and_nothing_else(form: str) -> None:
    stream = lines({"PACELINE_LOG": form})
    logging.getLogger("x").info("%d emails", "hunter2")
    assert "test_logs.py" in stream.getvalue()
    assert "TypeError" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()
    if form == "json":
        assert json.loads(stream.getvalue())["level"] == "error"


@pytest.mark.parametrize("form", ["json", "text"])
def test_the_values_that_postgresql_adds_to_an_error_are_blotted_out(form: str) -> None:
    stream = lines({"PACELINE_LOG": form})
    try:
        raise ValueError("duplicate key\nDETAIL:  Key (email)=(ada@example.com) exists.\nHINT:  no")
    except ValueError:
        logging.getLogger("paceline").exception("failed")
    assert "ada@" not in stream.getvalue()
    assert "HINT:  no" in stream.getvalue()


@pytest.mark.parametrize("word", ["x", "1", "_", "é"])
def test_a_word_of_a_megabyte_is_looked_through_once(word: str) -> None:
    long = word * 1_000_000
    with bounded_work(cpu_seconds=5):  # once takes a tenth of a second, a million times hours
        redacted = redact(f"{long} https://ann:hunter2@x.org")
    assert redacted == f"{long} https://ann:***@x.org"
