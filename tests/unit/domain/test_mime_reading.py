"""Caught mail, read: what libraries write, and what nobody should."""

from __future__ import annotations

import re
import time
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.devinbox.server import MAX_MESSAGE_BYTES
from paceline.domain.mime_reading import (
    MAX_DEPTH,
    MAX_PARTS,
    MAX_VALUE_CHARACTERS,
    decoded_words,
    read_mail,
)


def written() -> bytes:
    message = EmailMessage()
    message["Subject"] = "Grüße aus Köln"
    message["To"] = "ada@example.org"
    message.set_content("Hallo Grüße\n")
    message.add_alternative("<p>Hallo Grüße <img src='cid:logo'></p>", subtype="html")
    image = {"maintype": "image", "subtype": "png", "cid": "<logo>"}
    message.get_payload()[1].add_related(b"\x89PNG", **image)  # type: ignore[union-attr, index]
    message.add_attachment(b"\x00\x01" * 300, "application", "pdf", filename="naïve plan.pdf")
    return message.as_bytes()


def test_what_the_library_writes_is_read_as_it_was_meant() -> None:
    mail = read_mail(written())
    assert ("Subject", "Grüße aus Köln") in mail.headers
    html, text = mail.body("text/html"), mail.body("text/plain")
    assert html is not None
    assert text is not None
    assert "Hallo Grüße <img" in html.text
    assert text.text.strip() == "Hallo Grüße"
    image, plan = (part for _, part in mail.attachments)
    assert (image.media_type, image.content_id, image.content) == ("image/png", "logo", b"\x89PNG")
    assert (plan.file_name, plan.content) == ("naïve plan.pdf", b"\x00\x01" * 300)


def test_a_text_that_is_attached_is_no_body() -> None:
    message = MIMEMultipart()
    attached = MIMEText("notes")
    attached.add_header("Content-Disposition", "attachment", filename="notes.txt")
    message.attach(attached)
    mail = read_mail(message.as_bytes())
    assert mail.body("text/plain") is None
    assert [part.file_name for _, part in mail.attachments] == ["notes.txt"]


@given(st.binary(max_size=2_000))
def test_nothing_that_comes_in_is_too_strange_to_be_shown(raw: bytes) -> None:
    mail = read_mail(raw)
    assert all(isinstance(part.text, str) and part.content is not None for part in mail.parts)


@given(st.lists(st.sampled_from([b"--b", b"--b--", b"--b x", b"\r\n", b"a: b", b"", b"--", b"x"])))
def test_boundaries_in_any_order_end_what_they_begin(lines: list[bytes]) -> None:
    head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    assert len(read_mail(head + b"\r\n".join(lines)).parts) <= MAX_PARTS


def test_a_thousand_levels_are_read_as_deep_as_anybody_nests() -> None:
    raw = b"Content-Type: text/plain\r\n\r\ndeep"
    for level in range(1_000):
        edge = b"b%d" % level
        head = b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n" % edge
        raw = head + b"--%b\r\n%b\r\n--%b--\r\n" % (edge, raw, edge)
    [part] = read_mail(raw).parts
    assert part.media_type == "multipart/mixed"
    assert MAX_DEPTH < 1_000


def test_a_boundary_that_begins_like_the_one_inside_is_not_taken_for_it() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
        b"Content-Type: multipart/mixed; boundary=ab\r\n\r\n--ab\r\n\r\none\r\n--ab\r\n\r\ntwo\r\n"
        b"--ab--\r\n--a\r\n\r\nthree\r\n--a--\r\n"
    )
    assert [part.text for part in read_mail(raw).parts] == ["one", "two", "three"]


@pytest.mark.parametrize(
    "value", ["=?utf-8?q?a?= " * 8_000, "(" * 5_000, '"' * 5_000, "=?" * 5_000, "=?x?q?a?="]
)
def test_a_header_is_bounded_before_anything_looks_at_its_words(value: str) -> None:
    assert len(decoded_words(value)) <= MAX_VALUE_CHARACTERS
    raw = f"Subject: {value}\r\nContent-Type: text/plain; {value}\r\n\r\nx".encode()
    assert read_mail(raw).headers[0][0] == "Subject"


def test_a_message_of_nothing_but_headers_or_parts_is_bounded() -> None:
    assert len(read_mail(b"A: b\r\n" * 5_000).headers) <= 300
    head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    assert len(read_mail(head + b"--b\r\n\r\nx\r\n" * 5_000).parts) <= MAX_PARTS


@pytest.mark.parametrize("charset", ["punycode", "PUNYCODE", "idna", "unicode_escape"])
def test_a_codec_that_is_no_charset_is_not_asked(charset: str) -> None:
    raw = f"Content-Type: text/html; charset={charset}\r\n\r\na-\\x41".encode()
    body = read_mail(raw + b"z" * 1_000_000).body("text/html")
    assert body is not None
    assert body.text == "a-\\x41" + "z" * 1_000_000


@pytest.mark.parametrize("line", [b"\n", b"\r\n--", b"--b" + 999 * b" " + b"x\n"])
def test_lines_that_are_nearly_boundaries_keep_the_interpreter_from_nobody(line: bytes) -> None:
    head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    message = head + line * (MAX_MESSAGE_BYTES // len(line))
    before = time.process_time()
    read_mail(message)
    assert time.process_time() - before < 0.6  # of a processor; it took more than twice as much


@given(st.lists(st.sampled_from([b"\n", b"\r\n", b"\r", b"--b", b"--b--", b"--", b" ", b"x"])))
def test_a_boundary_is_a_line_of_its_own_with_the_line_end_before_it(pieces: list[bytes]) -> None:
    body = b"".join(pieces)
    line = re.compile(rb"(?:\A|\r?\n)--b(--)?[ \t]*(?=\r?\n|\Z)")
    told = read_mail(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + body).parts
    marks = [mark for mark in line.finditer(body) if b"\n" in body[mark.end() :]]
    last = next((n for n, mark in enumerate(marks) if mark[1]), len(marks))
    assert len(told) == min(last, MAX_PARTS)
