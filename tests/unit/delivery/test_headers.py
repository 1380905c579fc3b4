"""Header lines, read back by the stdlib's parser."""

from __future__ import annotations

import re
from email import policy
from email.header import decode_header, make_header
from email.parser import BytesParser
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.delivery import RenderError
from paceline.delivery.headers import mailbox, message_id, structured, unstructured

# Everything but what is refused: controls, the two Unicode line ends, half characters.
CHARACTERS = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))
TEXT = st.text(CHARACTERS, max_size=300)
WORDY = st.lists(st.text(st.sampled_from('aZ0é€😀"\\(),.<>@:;=?_ '), max_size=40), max_size=12)
INJECTION = "=?utf-8?q?a=0D=0ABcc:_v@x.org?="


def header(line: str, name: str) -> str:
    """What a reader of the whole line sees; fails if it begins a second header."""
    message = BytesParser(policy=policy.default).parsebytes(line.encode() + b"\r\n")
    assert message.keys() == [name]
    assert message.defects == []
    return str(message[name])


def assert_well_formed(line: str, *, longest: int = 76) -> None:
    assert line.endswith("\r\n")
    first, *others = line[:-2].split("\r\n")
    assert not first[0].isspace()
    assert all(other[0] == " " and other.strip() for other in others)
    assert line.isascii()
    assert not re.search(r"[^\r]\n|\r[^\n]", line)
    assert all(len(text) <= longest for text in (first, *others))
    assert all(len(word) <= 75 for word in re.findall(r"=\?\S+\?=", line))


@given(TEXT | WORDY.map(" ".join))
def test_a_subject_is_read_back_exactly_as_it_went_in(subject: str) -> None:
    line = unstructured("Subject", subject)
    assert_well_formed(line)
    assert header(line, "Subject") == subject


@given((TEXT | WORDY.map(" ".join)).filter(str.strip))
def test_a_display_name_is_read_back_as_it_went_in_but_for_blanks(name: str) -> None:
    line = mailbox("From", name, "a@b.test")
    assert_well_formed(line)
    message = BytesParser(policy=policy.default).parsebytes(line.encode() + b"\r\n")
    assert message.keys() == ["From"]
    [address] = message["From"].addresses
    assert address.addr_spec == "a@b.test"
    # The older reader: the newer one puts a blank between two encoded words of a name, which
    # RFC 2047 §6.2 forbids.
    phrase, _ = parseaddr(line.removeprefix("From: ").replace("\r\n", ""))
    assert str(make_header(decode_header(phrase))) == re.sub(" +", " ", name.strip())


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("Ann Example", "From: Ann Example <a@b.test>\r\n"),
        ("Example, Ann", 'From: "Example, Ann" <a@b.test>\r\n'),
        ('Ann "A" \\', 'From: "Ann \\"A\\" \\\\" <a@b.test>\r\n'),
        ("Zoë", "From: =?utf-8?b?Wm/Dqw==?= <a@b.test>\r\n"),
        (None, "From: a@b.test\r\n"),
        ("", "From: a@b.test\r\n"),
        ("  ", "From: a@b.test\r\n"),
    ],
)
def test_a_mailbox_is_written_as_plainly_as_it_can_be(name: str | None, line: str) -> None:
    assert mailbox("From", name, "a@b.test") == line


def test_characters_are_never_cut_in_two() -> None:
    line = unstructured("Subject", "😀" * 100)
    for word in re.findall(r"=\?utf-8\?b\?\S+\?=", line):
        assert set(header(f"Subject: {word}\r\n", "Subject")) == {"😀"}


def test_what_looks_like_an_encoded_word_stays_what_it_looks_like() -> None:
    subject = "How to write =?utf-8?q?hello?= in a subject"
    line = unstructured("Subject", subject)
    assert "?q?" not in line
    assert header(line, "Subject") == subject


HOSTILE = [
    "a\r\nBcc: v@x.org",
    "a\nb",
    "a\rb",
    "a\0b",
    "a\x1bb",
    "a\x7f",
    "a\x85Bcc: v@x.org",
    "a\u2028b",
    "a\u2029b",
    "a\ud800",
    "\r\n",
    "a\r\n b",
    INJECTION,
    INJECTION + " mit sehr viel langem Text dahinter, äöü " * 5,
    "=?utf-8?b?YQ0KQmNjOiB2QHgub3Jn?=",
    "=?utf-8?B?YQBi?=",
    "=?iso-8859-1?q?a=0Ab?=",
    "=?utf-8*en?q?a=0D?= x",
    "=?utf-16?b?DQAKAA==?=",
    "=?utf-8?q?a?= =?utf-8?q?=0D=0A?=",
    "=?no-such-charset?q?a=0D=0A?=",
    "=?utf-8?q?=C2=85?=",
    "=??q?a=0D=0ABcc:_v@x.org?=",
    "=?utf-8?q?what?_=0D=0ABcc:_v@x.org?=",
    "=?utf-8?q?=E2=80=A8?=",
    "x" * 999,
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_that_could_begin_a_second_header_is_refused(value: str) -> None:
    for attempt in (
        lambda: unstructured("Subject", value),
        lambda: mailbox("From", value, "a@b.test"),
        lambda: structured("List-Id", value),
    ):
        with pytest.raises(RenderError):
            attempt()


@given(st.text(st.sampled_from("=?utf-8QqBb0DA:AaZz_\r\n <>@,é"), max_size=120))
def test_no_text_becomes_two_headers(value: str) -> None:
    try:
        lines = unstructured("Subject", value) + mailbox("From", value, "a@b.test")
    except RenderError:
        return
    message = BytesParser(policy=policy.default).parsebytes(lines.encode() + b"\r\n")
    assert message.keys() == ["Subject", "From"]
    assert "\n" not in str(message["Subject"])
    assert len(message["From"].addresses) == 1


@pytest.mark.parametrize("address", ["a@b.test\r\nBcc: c@d.test", "a@b.test, c@d.test", "", "x"])
def test_a_header_takes_one_plain_address(address: str) -> None:
    with pytest.raises(RenderError) as refused:
        mailbox("To", "Ann", address)
    assert refused.value.part == "To"


def test_a_message_id_stays_on_one_line_however_long_it_is() -> None:
    inner = "x" * 200 + "@example.test"
    assert message_id(f"<{inner}>") == message_id(inner) == f"Message-ID: <{inner}>\r\n"


@pytest.mark.parametrize("value", ["", "<>", "a", "a b@c", "<a@b>\r\n", "<<a@b>>", "a@b\r\nX: y"])
def test_what_is_no_message_id_is_refused(value: str) -> None:
    with pytest.raises(RenderError):
        message_id(value)


def test_a_structured_header_is_cut_only_where_it_has_blanks() -> None:
    url = "https://example.test/" + "x" * 200
    line = structured("List-Unsubscribe", f"<{url}>, <mailto:u@example.test>")
    assert_well_formed(line, longest=300)
    assert f"<{url}>,\r\n <mailto:" in line


@pytest.mark.parametrize("value", ["é", "", " a", "a  b", "x" * 990])
def test_a_structured_header_that_would_have_to_be_encoded_is_refused(value: str) -> None:
    with pytest.raises(RenderError):
        structured("List-Unsubscribe", value)
