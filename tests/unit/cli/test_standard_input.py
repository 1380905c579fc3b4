"""`-` in the place of a file."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from paceline.cli import standard_input
from paceline.cli.standard_input import DASH, at_hand
from paceline.errors import InvalidInput


class Stream(io.BytesIO):
    """What `sys.stdin.buffer` is; `typed` when a person sits at it."""

    def __init__(self, content: bytes, *, typed: bool = False) -> None:
        super().__init__(content)
        self._typed = typed

    def isatty(self) -> bool:
        return self._typed


def holds(monkeypatch: pytest.MonkeyPatch, stream: Stream) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream))


def test_a_named_file_is_itself(tmp_path: Path) -> None:
    with at_hand(tmp_path / "a.csv") as file:
        assert file == tmp_path / "a.csv"


def test_standard_input_is_read_once_and_can_be_read_again_as_often_as_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    holds(monkeypatch, Stream(b"email\r\n\xff@example.com\r\n"))
    with at_hand(DASH) as file:
        assert file.read_bytes() == file.read_bytes() == b"email\r\n\xff@example.com\r\n"
    assert not file.exists()


def test_a_person_at_a_terminal_is_told_how_to_end_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    monkeypatch.setattr(standard_input, "note", said.append)
    holds(monkeypatch, Stream(b"ada@example.com\n", typed=True))
    with at_hand(DASH):
        assert said == [
            "reading the recipients from this terminal: end with Ctrl-D on a line of its own"
        ]
    assert capsys.readouterr().out == ""


def test_an_empty_or_endless_standard_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    holds(monkeypatch, Stream(b""))
    with pytest.raises(InvalidInput, match="standard input was empty"), at_hand(DASH):
        pytest.fail("it was taken")
    monkeypatch.setattr(standard_input, "MAX_FILE_OCTETS", 1 << 20)
    holds(monkeypatch, Stream(b"x" * ((1 << 20) + 1)))
    with pytest.raises(InvalidInput, match="holds more than 1 MiB"), at_hand(DASH):
        pytest.fail("it was taken")
