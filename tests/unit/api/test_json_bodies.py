"""Large JSON is read piece by piece, and as the usual parser reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from paceline.api import json_bodies
from paceline.api.json_bodies import ITEMS, checked, parsed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.fixture(autouse=True, scope="module")
def _small_parts() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_bodies, "AT_ONCE", 8)
        yield


@given(JSON, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_it_reads_what_the_usual_parser_reads(value: Any, indent: Any, ascii_only: bool) -> None:
    body = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode(
        "utf-8", "surrogatepass"
    )
    assert parsed(body) == json.loads(body)


@given(JSON, st.integers(0, 200), st.sampled_from(list('{}[],:"\\ 0x\n')))
def test_what_is_no_json_is_none_here_either(value: Any, place: int, other: str) -> None:
    text = json.dumps({"recipients": [value], "name": value})
    broken = text[:place] + other + text[place + 1 :]
    try:
        expected = json.loads(broken)
    except json.JSONDecodeError:
        with pytest.raises(json.JSONDecodeError):
            parsed(broken.encode())
    else:
        assert parsed(broken.encode()) == expected


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32-le"])
def test_it_reads_every_encoding_of_json(encoding: str) -> None:
    assert parsed('{"a": ["ü", "𝄞"]}'.encode(encoding)) == {"a": ["ü", "𝄞"]}


def test_a_long_list_is_checked_some_items_at_a_time() -> None:
    kind = TypeAdapter(list[int])
    values = checked([1] * ITEMS + ["x"], kind, field="numbers")
    assert [next(values) for _ in range(ITEMS)] == [1] * ITEMS
    with pytest.raises(RequestValidationError) as refused:
        next(values)
    assert [error["loc"] for error in refused.value.errors()] == [("body", "numbers", ITEMS)]


@pytest.mark.parametrize("value", [None, "text", {"a": 1}, 7])
def test_what_is_no_list_is_refused(value: object) -> None:
    with pytest.raises(RequestValidationError) as refused:
        list(checked(value, TypeAdapter(list[int]), field="numbers"))
    assert [error["loc"] for error in refused.value.errors()] == [("body", "numbers")]
