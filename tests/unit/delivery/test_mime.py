"""Whole messages, read back by the stdlib's parser."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import format_datetime
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.delivery import Headers, RenderError
from paceline.delivery.mime import message

HEADERS = Headers(
    from_address="ann@example.test",
    from_name="Ann",
    to_address="ben@example.test",
    message_id="<1@example.test>",
    date=datetime(2027, 3, 14, 9, 26, 53, tzinfo=timezone(timedelta(hours=-7))),
    boundary_seed="job 1",
)
BODY = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r"), max_size=400)
LINES = st.lists(
    st.text(st.sampled_from("aé€😀=._ \t<>&-"), max_size=120) | st.just("From me") | st.just("."),
    max_size=12,
).map("\n".join)


def read(data: bytes) -> EmailMessage:
    return BytesParser(policy=policy.default).parsebytes(data)


def content(part: EmailMessage | None) -> str:
    assert part is not None
    assert part.get_content_charset() == "utf-8"
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


def assert_fit_for_any_relay(data: bytes) -> None:
    assert data.isascii()
    assert b"\0" not in data
    assert data.endswith(b"\r\n")
    assert not re.search(rb"[^\r]\n|\r[^\n]", data)
    assert max(map(len, data.split(b"\r\n"))) <= 78


def with_crlf(text: str) -> str:
    ended = text if text.endswith("\n") else text + "\n"
    return ended.replace("\n", "\r\n")


@given(BODY | LINES, BODY | LINES)
def test_both_parts_are_read_back_exactly_as_they_went_in(text: str, html: str) -> None:
    data = message(HEADERS, subject="Hello", text=text, html=html)
    assert_fit_for_any_relay(data)
    parsed = read(data)
    assert parsed.defects == []
    assert parsed.get_content_type() == "multipart/alternative"
    plain, rich = parsed.iter_parts()
    assert (plain.get_content_type(), rich.get_content_type()) == ("text/plain", "text/html")
    assert content(cast(EmailMessage, plain)) == with_crlf(text)
    assert content(cast(EmailMessage, rich)) == with_crlf(html)


@given(BODY | LINES)
def test_a_single_part_needs_no_multipart(body: str) -> None:
    for text, html, kind in ((body, None, "text/plain"), (None, body, "text/html")):
        data = message(HEADERS, subject="Hello", text=text, html=html)
        assert_fit_for_any_relay(data)
        parsed = read(data)
        assert parsed.get_content_type() == kind
        assert content(parsed) == with_crlf(body)


def test_the_header_says_what_it_was_told() -> None:
    headers = replace(
        HEADERS,
        from_name="Zoë, Inc.",
        to_name="Ben",
        reply_to="re@example.test",
        extra=(
            ("List-Unsubscribe", "<https://example.test/u>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            ("X-Note", "grüße"),
        ),
    )
    parsed = read(message(headers, subject="Ünïcödé", text="x", html=None))
    assert parsed.keys() == [
        "Date",
        "From",
        "To",
        "Subject",
        "Message-ID",
        "Reply-To",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "X-Note",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
    ]
    assert parsed["Date"].datetime == HEADERS.date
    assert str(parsed["Date"]) == "Sun, 14 Mar 2027 09:26:53 -0700"
    assert parsed["From"].addresses[0].display_name == "Zoë, Inc."
    assert str(parsed["To"]) == "Ben <ben@example.test>"
    assert parsed["Subject"] == "Ünïcödé"
    assert parsed["Message-ID"] == "<1@example.test>"
    assert parsed["X-Note"] == "grüße"


def test_the_same_email_gives_the_same_bytes_at_each_attempt() -> None:
    first, second = (message(HEADERS, subject="s", text="é", html="<p>é") for _ in range(2))
    assert first == second
    other = message(replace(HEADERS, boundary_seed="job 2"), subject="s", text="é", html="<p>é")
    assert other != first


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain ascii", "7bit"),
        ("x" * 77, "quoted-printable"),
        ("nul \0", "quoted-printable"),
        ("naïve", "base64"),
        ("mostly ascii with one é in it", "quoted-printable"),
        ("Привет, как дела?", "base64"),
    ],
)
def test_the_plainest_encoding_that_carries_a_part_is_used(text: str, encoding: str) -> None:
    parsed = read(message(HEADERS, subject="s", text=text, html=None))
    assert parsed["Content-Transfer-Encoding"] == encoding


def test_a_body_that_holds_the_boundary_does_not_end_its_part() -> None:
    data = message(HEADERS, subject="s", text="x", html="y")
    found = re.search(rb'boundary="([^"]+)"', data)
    assert found is not None
    text = f"before\n--{found[1].decode()}--\nafter"
    plain, _ = read(message(HEADERS, subject="s", text=text, html="y")).iter_parts()
    assert content(cast(EmailMessage, plain)) == with_crlf(text)


def test_every_kind_of_line_end_becomes_crlf() -> None:
    parsed = read(message(HEADERS, subject="s", text="a\rb\r\nc\nd", html=None))
    assert content(parsed) == "a\r\nb\r\nc\r\nd\r\n"


def test_an_international_domain_is_written_as_its_a_label() -> None:
    headers = replace(HEADERS, to_address="ben@bücher.example")
    parsed = read(message(headers, subject="s", text="x", html=None))
    assert parsed["To"].addresses[0].addr_spec == "ben@xn--bcher-kva.example"


@pytest.mark.parametrize(
    "change",
    [
        {"date": datetime(2027, 3, 14)},
        {"from_name": "a\r\nBcc: v@x.org"},
        {"to_name": "=?utf-8?q?a=0D=0ABcc:_v@x.org?="},
        {"to_address": "b@x.test, v@y.test"},
        {"reply_to": "x\r\nBcc: v@x.org"},
        {"message_id": "<1@x>\r\nBcc: v@x.org"},
        {"extra": (("Bcc", "v@x.org"),)},
        {"extra": (("Subject", "another"),)},
        {"extra": (("Content-Type", "text/html"),)},
        {"extra": (("DKIM-Signature", "v=1"),)},
        {"extra": (("X-A\r\nBcc", "v@x.org"),)},
        {"extra": (("X-A:", "b"),)},
        {"extra": (("", "b"),)},
        {"extra": (("X-" + "a" * 60, "b"),)},
        {"extra": (("X-A", "a\r\nBcc: v@x.org"),)},
        {"extra": (("List-Unsubscribe", "<https://x.test>\r\nBcc: v@x.org"),)},
        {"extra": (("X-A", "b"),) * 51},
    ],
)
def test_a_header_that_is_unsafe_or_not_ours_to_set_is_refused(change: dict[str, object]) -> None:
    headers = replace(HEADERS, **change)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(RenderError):
        message(headers, subject="s", text="x", html=None)


def test_the_date_is_in_english_and_utc_where_the_job_is() -> None:
    headers = replace(HEADERS, date=datetime(2027, 3, 1, tzinfo=UTC))
    data = message(headers, subject="s", text="x", html=None)
    assert data.startswith(b"Date: Mon, 01 Mar 2027 00:00:00 +0000\r\n")


def test_a_date_is_written_in_its_own_zone_whatever_was_written_before() -> None:
    there = timezone(timedelta(hours=-7))
    for zone, written in ((UTC, b"05:00:00 +0000"), (there, b"22:00:00 -0700")) * 2:
        headers = replace(HEADERS, date=datetime(2027, 3, 1, 5, tzinfo=UTC).astimezone(zone))
        assert written in message(headers, subject="s", text="x", html=None).splitlines()[0]


@pytest.mark.parametrize("when", [datetime(2026, 2, 28, 23, 59, 59), datetime(987, 12, 9, 1, 2, 3)])
def test_a_date_in_utc_is_written_as_the_standard_library_does(when: datetime) -> None:
    for date in (when.replace(tzinfo=UTC) + timedelta(days=27 * n) for n in range(30)):
        data = message(replace(HEADERS, date=date), subject="s", text="x", html=None)
        assert data.startswith(f"Date: {format_datetime(date)}\r\n".encode())


@pytest.mark.parametrize("part", ["text", "html"])
def test_half_a_character_is_refused_under_the_name_of_its_part(part: str) -> None:
    with pytest.raises(RenderError) as refused:
        message(HEADERS, subject="Hello", **{"text": None, "html": None} | {part: "half \ud800"})
    assert refused.value.part == part
