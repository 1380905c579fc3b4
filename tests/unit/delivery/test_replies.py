"""Replies out of a stream, however it is cut."""

from __future__ import annotations

import contextlib
import itertools
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.delivery.replies import (
    MAX_LINE,
    MAX_LINES,
    BadReply,
    RawReply,
    ReplyParser,
)
from paceline.delivery.results import MAX_REPLY_TEXT, Reply

TEXT = st.binary(max_size=60).map(lambda raw: raw.translate(None, b"\r\n\0"))
REPLY = st.tuples(st.integers(200, 599), st.lists(TEXT, min_size=1, max_size=5))


def parsed(*pieces: bytes) -> list[RawReply]:
    parser, replies = ReplyParser(), deque[RawReply]()
    for piece in pieces:
        parser.feed(piece, replies)
    assert parser.idle
    return list(replies)


def readable(data: bytes) -> Reply:
    [reply] = parsed(data)
    return reply.readable()


@given(st.lists(REPLY, min_size=1, max_size=4), st.data())
def test_the_same_replies_come_out_wherever_the_stream_is_cut(
    replies: list[tuple[int, list[bytes]]], data: st.DataObject
) -> None:
    stream = b""
    for code, lines in replies:
        marks = [b"-"] * (len(lines) - 1) + [b" "]
        stream += b"".join(b"%d%b%b\r\n" % (code, m, t) for m, t in zip(marks, lines, strict=True))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    edges = [0, *cuts, len(stream)]
    pieces = [stream[start:end] for start, end in itertools.pairwise(edges)]
    assert [(reply.code, reply.lines) for reply in parsed(*pieces)] == replies


def test_one_byte_at_a_time_is_enough() -> None:
    stream = b"250-first\r\n250 second\r\n"
    [reply] = parsed(*(bytes([octet]) for octet in stream))
    assert (reply.code, reply.lines) == (250, [b"first", b"second"])


def test_a_code_may_stand_alone_and_a_line_may_end_in_lf() -> None:
    assert [(reply.code, reply.lines) for reply in parsed(b"250\r\n354 go\n")] == [
        (250, [b""]),
        (354, [b"go"]),
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"550 5.1.1 no such user\r\n", (550, "5.1.1", "no such user")),
        (b"550-5.1.1 no such\r\n550 5.1.1 user\r\n", (550, "5.1.1", "no such user")),
        (b"554 #5.1.1 no such user\r\n", (554, "5.1.1", "no such user")),
        (b"550-(5.1.1) no\r\n550 (5.1.1) user\r\n", (550, "5.1.1", "no user")),
        (b"550 5.1.1: no such user\r\n", (550, "5.1.1", "no such user")),
        (b"450 4.7.1\r\n", (450, "4.7.1", "")),
        (b"550 4.1.1 disagrees\r\n", (550, None, "4.1.1 disagrees")),
        (b"550 5.1.1.1 too long\r\n", (550, None, "5.1.1.1 too long")),
        (b"550 5.1234.1 x\r\n", (550, None, "5.1234.1 x")),
        (b"550 plain\r\n", (550, None, "plain")),
        (b"550 a\x1b[31mb\tc\x7f\r\n", (550, None, "a [31mb c")),
        ("550 gesperrt für immer\r\n".encode(), (550, None, "gesperrt für immer")),
        (b"550 \xff\r\n", (550, None, "\ufffd")),
        (b"550 a \xe2\x80\xae b\r\n", (550, None, "a b")),
    ],
)
def test_a_reply_is_kept_as_one_printable_line(
    data: bytes, expected: tuple[int, str | None, str]
) -> None:
    reply = readable(data)
    assert (reply.code, reply.enhanced, reply.text) == expected


@given(st.lists(TEXT, min_size=1, max_size=MAX_LINES - 1))
def test_a_readable_reply_is_always_short_and_printable(lines: list[bytes]) -> None:
    reply = RawReply(550, lines).readable()
    assert len(reply.text) <= MAX_REPLY_TEXT
    assert reply.text.isprintable()


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"ok\r\n",
        b"25\r\n",
        b"2500\r\n",
        b"250_ok\r\n",
        b"199 no\r\n",
        b"600 no\r\n",
        b" 250 ok\r\n",
        b"250 \0\r\n",
        b"250-a\r\n251 b\r\n",
        b"\xb2\xb5\xb0 ok\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"250 " + b"x" * MAX_LINE + b"\r\n",
        b"x" * (MAX_LINE + 1),
        b"250-x\r\n" * MAX_LINES,
    ],
)
def test_what_is_no_reply_is_refused(data: bytes) -> None:
    with pytest.raises(BadReply) as bad:
        ReplyParser().feed(data, deque())
    assert str(bad.value).isprintable()


def test_the_good_replies_before_a_bad_one_are_kept() -> None:
    replies = deque[RawReply]()
    with pytest.raises(BadReply):
        ReplyParser().feed(b"250 ok\r\n250 ok\r\ngarbage\r\n", replies)
    assert [reply.code for reply in replies] == [250, 250]


@given(st.binary(max_size=200))
def test_no_bytes_do_worse_than_be_refused(data: bytes) -> None:
    replies = deque[RawReply]()
    with contextlib.suppress(BadReply):
        ReplyParser().feed(data, replies)
    assert all(200 <= reply.code <= 599 for reply in replies)


def test_of_the_longest_reply_there_is_only_the_beginning_is_made_into_text() -> None:
    raw = RawReply(550, ["5.1.1 é".encode() + b"\x00\xff" * (MAX_LINE // 2 - 8)] * MAX_LINES)
    reply = raw.readable()
    assert (reply.enhanced, len(reply.text)) == ("5.1.1", MAX_REPLY_TEXT)
    assert reply == RawReply(550, raw.lines[:1]).readable()
