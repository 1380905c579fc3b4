"""A list of recipients is searched for an address a piece at a time."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest

from paceline.domain.list_search import Found, ListSearch

HER = ("ada@example.org",)
HIS = ("jürgen@xn--bcher-kva.example", "jürgen@bücher.example")


def looked(content: bytes, wanted: tuple[str, ...] = HER, *, step: int = 7) -> Found:
    search = ListSearch(wanted)
    for begin in range(0, len(content), step):
        search.feed(content[begin : begin + step])
    return search.finish()


@pytest.mark.parametrize("coding", ["utf-8", "utf-16", "utf-16-be", "utf-32", "cp1251"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_address_is_found_in_any_coding_packed_or_not(coding: str, pack: type[bytes]) -> None:
    assert looked(pack("Name,Email\nAda,ADA@Example.org\n".encode(coding))) is Found.YES
    assert looked(pack("Name,Email\nEve,eve@example.org\n".encode(coding))) is Found.NO


@pytest.mark.parametrize("coding", ["utf-8", "utf-16", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("written", ["JÜRGEN@BÜCHER.example", "Jürgen@xn--bcher-kva.example"])
def test_an_international_address_is_found_as_it_may_be_written(written: str, coding: str) -> None:
    assert looked(f"Email\n{written}\n".encode(coding), HIS) is Found.YES


def test_what_was_cut_off_or_is_too_large_is_not_called_searched() -> None:
    assert looked(gzip.compress(b"x" * 1000)[:-9]) is Found.UNKNOWN
    search = ListSearch(HER, most=1000)
    search.feed(b"x" * 2000 + b"ada@example.org")
    assert search.finish() is Found.UNKNOWN


def test_what_is_small_when_packed_takes_no_room() -> None:
    packed = gzip.compress(bytes(32 << 20))
    tracemalloc.start()
    search = ListSearch(HER, most=16 << 20)
    search.feed(packed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert search.finish() is Found.UNKNOWN
    assert peak < 4 << 20
