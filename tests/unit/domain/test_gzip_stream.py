"""Gzip comes apart piece by piece, and what is broken says so."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.domain.gzip_stream import PIECE_OCTETS, BrokenGzip, Gunzip, unpacked

TABLE = b"email,name\n" + b"ada@example.com,Ada\n" * 500


@given(st.binary(max_size=5_000), st.integers(min_value=1, max_value=500))
def test_what_was_packed_comes_out_however_it_is_cut(data: bytes, size: int) -> None:
    packed = gzip.compress(data)
    pieces = [packed[i : i + size] for i in range(0, len(packed), size)]
    assert b"".join(unpacked(pieces)) == data


def test_joined_files_and_blocks_that_were_filled_up_are_read() -> None:
    packed = gzip.compress(TABLE) + gzip.compress(b"grace@example.com,Grace\n") + bytes(512)
    assert b"".join(unpacked([packed])) == TABLE + b"grace@example.com,Grace\n"


def test_nothing_is_nothing() -> None:
    assert b"".join(unpacked([])) == b""


def test_a_bomb_is_taken_apart_only_as_far_as_somebody_reads() -> None:
    bomb = gzip.compress(bytes(200 * 1024 * 1024), compresslevel=1)
    assert len(bomb) < 1024 * 1024
    pieces = Gunzip().feed(bomb)
    assert [len(next(pieces)) for _ in range(3)] == [PIECE_OCTETS] * 3


@pytest.mark.parametrize(
    ("packed", "why"),
    [
        (TABLE, "no gzip"),
        (gzip.compress(TABLE)[:-1], "ends too soon"),
        (gzip.compress(TABLE)[:5], "ends too soon"),
        (gzip.compress(TABLE)[:-8] + bytes(8), "damaged"),
        (gzip.compress(TABLE) + b"something else", "no gzip"),
        (gzip.compress(b"") * 1_001, "too many parts"),
    ],
    ids=["plain", "cut at the end", "cut in its head", "another sum", "more behind it", "in parts"],
)
def test_what_is_broken_is_refused(packed: bytes, why: str) -> None:
    with pytest.raises(BrokenGzip, match=why):
        list(unpacked([packed]))
