from __future__ import annotations

from typing import Any

import pytest

from paceline.domain.tables.choices import ENCODINGS, Choices, OptedOut
from paceline.domain.tables.text import TextDecoder
from paceline.errors import InvalidInput


@pytest.mark.parametrize(
    ("written", "codec"),
    [
        ("UTF-8", "utf-8"),
        ("Windows-1251", "cp1251"),
        ("latin1", "cp1252"),
        ("Shift_JIS", "cp932"),
        ("EUC-KR", "cp949"),
        ("GBK", "gb18030"),
        ("MacRoman", "mac-roman"),
    ],
)
def test_an_encoding_is_known_by_its_usual_names(written: str, codec: str) -> None:
    assert Choices(encoding=written).encoding == codec


@pytest.mark.parametrize("codec", ENCODINGS)
def test_every_encoding_that_is_offered_can_be_decoded(codec: str) -> None:
    written = "a@example.com".encode("utf-8" if codec == "utf-8-twice" else codec)
    assert TextDecoder(codec).feed(written, final=True) == "a@example.com"


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"encoding": "ebcdic"}, "there are: utf-8, "),
        ({"encoding": "rot13"}, "there are: utf-8, "),
        ({"header_line": -1}, "or 0 where there is no header"),
        ({"header_line": 1_001}, "from 1 to 1000"),
        ({"address_column": "x" * 300}, "longer than"),
        ({"opt_out_column": "x" * 300}, "longer than"),
        ({"opted_out": "perhaps"}, "leave_out, mail"),
    ],
)
def test_a_choice_that_cannot_be_followed_is_refused_by_its_name(
    chosen: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message) as refused:
        Choices(**chosen)
    assert [problem.field for problem in refused.value.problems] == [*chosen]


def test_nothing_chosen_leaves_who_opted_out_alone() -> None:
    assert Choices().opted_out is OptedOut.LEAVE_OUT
