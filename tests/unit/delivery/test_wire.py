"""Line ends and dots."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.delivery import Envelope, Headers, message
from paceline.delivery.wire import Mail, crlf_only, crlf_text, dot_stuffed

NASTY = st.lists(st.sampled_from([b".", b"\r", b"\n", b"\r\n", b"a", b"\r\n.", b" "])).map(b"".join)


def received(wire: bytes) -> bytes:
    """What a server makes of it (RFC 5321 §4.5.2)."""
    lines = wire.split(b"\r\n")
    assert b"." not in lines
    return b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)


@given(NASTY)
def test_what_a_server_reads_is_the_content_with_its_line_ends_made_whole(content: bytes) -> None:
    clean = crlf_only(content)
    wire = dot_stuffed(clean)
    rest = wire.replace(b"\r\n", b"")
    assert b"\r" not in rest
    assert b"\n" not in rest
    assert clean.endswith(b"\r\n")
    assert received(wire) == clean


@given(NASTY)
def test_making_line_ends_whole_twice_changes_nothing(content: bytes) -> None:
    assert crlf_only(crlf_only(content)) == crlf_only(content)


@given(st.text(st.sampled_from(".\r\naé\x0b\x85\u2028")))
def test_a_text_gets_the_line_ends_that_its_octets_would_get(text: str) -> None:
    assert crlf_text(text) == crlf_only(text.encode())


def test_every_line_end_becomes_one_crlf() -> None:
    assert crlf_only(b"a\nb\rc\r\nd\r\r\ne\n\rf") == b"a\r\nb\r\nc\r\nd\r\n\r\ne\r\n\r\nf\r\n"


def test_what_is_made_here_needs_no_second_look_at_its_line_ends() -> None:
    headers = Headers(
        from_address="a@b.test",
        to_address="c@d.test",
        message_id="<1@b.test>",
        date=datetime(2027, 3, 14, tzinfo=UTC),
        boundary_seed="job 1",
    )
    made = message(headers, subject="S", text="a\r\rb\n.\x0bc", html="<p>é\r\n")
    assert crlf_only(made) is made
    assert crlf_only(bytes(made)) == made


@pytest.mark.parametrize(
    ("content", "wire"),
    [
        (b".", b"..\r\n"),
        (b"a\r\n.\r\nb", b"a\r\n..\r\nb\r\n"),
        (b"..a\n.b", b"...a\r\n..b\r\n"),
        (b"a.b\r\n", b"a.b\r\n"),
    ],
)
def test_a_dot_that_begins_a_line_is_doubled(content: bytes, wire: bytes) -> None:
    assert dot_stuffed(crlf_only(content)) == wire


def test_mail_knows_what_it_needs_of_a_server() -> None:
    plain = Mail.of(Envelope(mail_from="a@b.test", rcpt_to="c@d.test"), b"x")
    assert (plain.content, plain.ascii_only, plain.smtp_utf8) == (b"x\r\n", True, False)
    utf8 = Mail.of(Envelope(mail_from="a@b.test", rcpt_to="ü@d.test"), "ü".encode())
    assert (utf8.rcpt_to, utf8.ascii_only, utf8.smtp_utf8) == ("ü@d.test".encode(), False, True)
