"""A byte that the encoding does not define costs its cell at most, and never breaks the report."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from paceline.domain.tables.choices import ENCODINGS, Choices
from paceline.domain.tables.recipient_files import RecipientReader
from paceline.domain.tables.shape import OpenQuestions, Shape
from paceline.domain.tables.text import TextDecoder
from paceline.errors import InvalidInput

FOUND_LIVE = bytes.fromhex("497c8aadfe81fd0ac6bbc387b19886f7d7c4f4b291c9e991ca7c8e9840cf92")
_WORDS = (
    *(b"email", b"name", b"Status", b"Unsubscribed", b"Opt-in", b"ann@x.example", b"bo@y.example"),
    *(b"yes", b"no", b"unsubscribed", b"(unsubscribed)", b"Opted out:", b"sep=", b"<td>"),
    *(b"<table>", b"BEGIN:VCARD\n", b"EMAIL;ENCODING=QUOTED-PRINTABLE:", b"END:VCARD\n", b"dn: "),
    *(b"mail: ", b"\n", b"\r\n", b",", b";", b"\t", b"|", b'"', b" ", b"\x00"),
    *(b"\x81", b"\x98", b"\xff"),
)
TABLES = st.lists(st.sampled_from(_WORDS) | st.binary(max_size=4), max_size=40).map(b"".join)


def told(data: bytes, encoding: str | None = None) -> tuple[str, Shape | None]:
    """All that a report says of a file, and its shape."""
    reader = RecipientReader(choices=Choices(encoding=encoding))
    read: list[object] = []
    shape = None
    try:
        reader.look_ahead([data])
        for batches in (reader.feed(data), reader.finish()):
            for batch in batches:
                read += map(tuple, batch)
    except OpenQuestions as asked:
        shape = asked.shape
        read.append(str(asked))
    except InvalidInput as refused:
        read.append(str(refused))
    shape = shape or reader.shape
    rows = [(row.value, row.reason) for row in (*reader.refused, *reader.left_out)]
    return " ".join(_texts([read, rows, reader.notes, reader.fields, *_parts(shape)])), shape


def _parts(shape: Shape | None) -> list[object]:
    if shape is None:
        return []
    asked = [
        (question.text, question.chosen or "", [(o.value, o.label) for o in question.options])
        for question in shape.questions
    ]
    columns = [(column.title, column.field or "") for column in shape.columns]
    return [shape.delimiter, shape.opted_out, columns, [s.text for s in shape.skipped], asked]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)


@pytest.mark.parametrize(
    ("encoding", "stray"),
    [
        *(("utf-8", b"\xff"), ("cp1252", b"\x81"), ("cp1251", b"\x98"), ("cp1253", b"\xaa")),
        *(("cp949", b"\xff"), ("euc-jp", b"\xff"), ("gb18030", b"\xff"), ("big5", b"\xff")),
    ],
)
def test_a_stray_byte_in_a_title_is_shown_as_a_replacement(encoding: str, stray: bytes) -> None:
    text, shape = told(b"email,n" + stray + b"\na@walk.example,x\n", encoding)
    assert shape is not None
    assert [column.title for column in shape.columns] == ["email", "n\ufffd"]
    assert "a@walk.example" in text
    assert text.encode()


def test_a_column_is_chosen_by_its_title_as_it_is_shown() -> None:
    table = b"mail \x81,mail 2\na@x.example,b@x.example\n"
    _, shape = told(table, "cp1252")
    assert shape is not None
    question = next(q for q in shape.questions if q.about == "address_column")
    values = [option.value for option in question.options]
    assert values == ["mail \ufffd", "mail 2"]
    reader = RecipientReader(choices=Choices(encoding="cp1252", address_column=values[0]))
    read = [r.address for part in (reader.feed(table), reader.finish()) for b in part for r in b]
    assert read == ["a@x.example"]


@pytest.mark.parametrize(
    "table",
    [
        b"A list \x81 of ours\n\nemail,name\na@x.example,Ann\n",
        b"email,name\na@x.example,Ann\nemail,na\x81me\nb@x.example,Bo\n",
        b"email,name\na@x.example,Ann\nOpted \x81out:,\nb@x.example,Bo\n",
        b"email,name\na@x.example (un\x81subscribed),Ann\nb@x.example,Bo\n",
        b"email,Status \x81\na@x.example,unsubscribed\nb@x.example,ok\n",
        b"sep=\x81\nemail\x81name\na@x.example\x81Ann\n",
        b"BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE:An\x81n\nEMAIL:a@x.example\nEND:VCARD\n",
        b"\x81,name\n\x81@x.example,Ann\nb@x.example,\x81\n",
    ],
)
def test_whatever_else_of_the_file_is_shown_can_be_written(table: bytes) -> None:
    assert told(table, "cp1252")[0].encode()


@given(TABLES, st.none() | st.sampled_from(sorted(ENCODINGS)))
@example(FOUND_LIVE, None)
def test_a_report_on_any_bytes_can_be_written(table: bytes, encoding: str | None) -> None:
    text, _ = told(table, encoding)
    text.encode()


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 1_000])
def test_what_was_written_twice_is_read_once_however_it_is_cut(cut: int) -> None:
    text = "name,email\nÉlodie “Ω” 山田,a@example.com\n"
    twice = "".join(map(as_1252, text.encode())).encode()
    decoder = TextDecoder()
    pieces = [twice[start : start + cut] for start in range(0, len(twice), cut)]
    read = "".join(decoder.feed(piece) for piece in pieces) + decoder.feed(b"", final=True)
    assert (read, decoder.encoding, decoder.others) == (text, "utf-8-twice", ("utf-8",))


@pytest.mark.parametrize("text", ["NÃO,a@example.com", "Ã©té à Orly", "Âge", "Ärzte für Ö", "山田"])
def test_letters_that_look_like_it_are_left_alone(text: str) -> None:
    decoder = TextDecoder()
    assert decoder.feed(text.encode(), final=True) == text
    assert decoder.encoding == "utf-8"


def as_1252(octet: int) -> str:
    try:
        return bytes([octet]).decode("cp1252")
    except UnicodeDecodeError:
        return chr(octet)
