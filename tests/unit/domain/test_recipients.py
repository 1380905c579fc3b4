from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from paceline.domain.addresses import InvalidAddress
from paceline.domain.bounds import MAX_BATCH, MAX_FILE_OCTETS, MAX_REFUSED
from paceline.domain.recipients import FieldValue, Recipient, Refusal, RefusedRow, from_values
from paceline.domain.tables.recipient_files import RecipientReader
from paceline.errors import InvalidInput

ANN = ("ann@example.com", "Ann")
BOB = ("bob@example.org", "Bob")


def read(
    data: bytes | str, *, chunk: int = 1 << 16, required: tuple[str, ...] = ()
) -> tuple[list[Recipient], list[RefusedRow], RecipientReader]:
    """The whole file at once, fed in chunks of `chunk` octets."""
    data = data.encode() if isinstance(data, str) else data
    reader = RecipientReader(required=required)
    found: list[Recipient] = []
    for start in range(0, len(data), chunk):
        for batch in reader.feed(data[start : start + chunk]):
            found += batch
    for batch in reader.finish():
        found += batch
    assert reader.rows == len(found) + len(reader.refused) + reader.left_out_count
    return found, reader.refused, reader


SHAPES = {
    "comma": "email,name\nann@example.com,Ann\nbob@example.org,Bob\n",
    "semicolon": "email;name\nann@example.com;Ann\nbob@example.org;Bob\n",
    "tab": "email\tname\nann@example.com\tAnn\nbob@example.org\tBob\n",
    "pipe": "email|name\nann@example.com|Ann\nbob@example.org|Bob\n",
    "carriage return, line feed": "email,name\r\nann@example.com,Ann\r\nbob@example.org,Bob\r\n",
    "carriage returns alone": "email,name\rann@example.com,Ann\rbob@example.org,Bob",
    "no last line ending": "email,name\nann@example.com,Ann\nbob@example.org,Bob",
    "blank lines": "\n\nemail,name\n\nann@example.com,Ann\n  \n,\nbob@example.org,Bob\n\n",
    "quotes": '"email","name"\n"ann@example.com","Ann"\n"bob@example.org","Bob"\n',
    "blanks around": "email , name\n ann@example.com , Ann\nbob@example.org,  Bob \n",
    "columns the other way round": "Name,E-Mail\nAnn,ann@example.com\nBob,bob@example.org\n",
    "announced separator": "sep=;\nemail;name\nann@example.com;Ann\nbob@example.org;Bob\n",
    "a street address beside it": (
        "Address;Contact e-mail;Name\nMain St 1, Springfield;ann@example.com;Ann\n"
        "Side St 2, Springfield;bob@example.org;Bob\n"
    ),
    "commas inside semicolons": (
        "name;email;city\nAnn;ann@example.com;Rome, Italy\nBob;bob@example.org;Oslo, Norway\n"
    ),
    "first and last name": "email,first name,Surname\nann@example.com,Ann,\nbob@example.org,,Bob\n",
    "German": "Vorname;E-Mail-Adresse\nAnn;ann@example.com\nBob;bob@example.org\n",
}


@pytest.mark.parametrize("chunk", [1, 7, 1 << 16])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_table_of_any_usual_shape_yields_the_same_recipients(shape: str, chunk: int) -> None:
    found, refused, _ = read(SHAPES[shape], chunk=chunk)
    assert [(r.address, r.name) for r in found] == [ANN, BOB]
    assert refused == []


ENCODINGS = {
    "UTF-8": "email,name\njose@example.com,José €\n".encode(),
    "UTF-8 with a mark": b"\xef\xbb\xbf" + "email,name\njose@example.com,José €\n".encode(),
    "UTF-16 little": b"\xff\xfe" + "email,name\njose@example.com,José €\n".encode("utf-16-le"),
    "UTF-16 big": b"\xfe\xff" + "email,name\njose@example.com,José €\n".encode("utf-16-be"),
    "UTF-16 without a mark": "email,name\njose@example.com,José €\n".encode("utf-16-le"),
    "UTF-32 with a mark": "email,name\njose@example.com,José €\n".encode("utf-32"),
    "Windows-1252": "email,name\njose@example.com,José €\n".encode("cp1252"),
}


@pytest.mark.parametrize("chunk", [1, 3, 1 << 16])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_names_survive_the_usual_encodings(encoding: str, chunk: int) -> None:
    found, _, reader = read(ENCODINGS[encoding], chunk=chunk)
    assert [(r.address, r.name) for r in found] == [("jose@example.com", "José €")]
    assert bool(reader.notes) == (encoding == "Windows-1252")


def test_a_stray_byte_costs_its_row_and_no_other() -> None:
    data = "email,name\na@x.org,Zoë\nb@x.org,B\xff\nc@x.org,Çelik\n".encode()
    data = data.replace("\xff".encode(), b"\xff")
    found, refused, _ = read(data)
    assert [r.name for r in found] == ["Zoë", "Çelik"]
    assert [(r.line, r.value) for r in refused] == [(3, "b@x.org")]


def test_a_plain_list_needs_no_header() -> None:
    found, refused, _ = read("ann@example.com\nnot an address\nbob@example.org\n")
    assert [(r.line, r.address) for r in found] == [(1, ANN[0]), (3, BOB[0])]
    assert refused == [RefusedRow(2, "not an address", "there is no @ in it: not an address")]


def test_a_misspelt_first_address_of_a_plain_list_is_reported_and_not_taken_for_a_title() -> None:
    _, refused, _ = read("ann.example.com\nbob@example.org\n")
    assert [r.line for r in refused] == [1]


def test_without_a_header_the_address_is_found_by_its_looks_and_the_rest_is_numbered() -> None:
    found, _, reader = read("Ann,ann@example.com,Acme\nBob,bob@example.org,\n")
    assert found[0].fields == {"column_1": "Ann", "column_3": "Acme"}
    assert found[1].fields == {"column_1": "Bob"}
    assert reader.fields == ("email", "name", "column_1", "column_3")


def test_other_columns_become_merge_fields_with_names_fit_for_a_template() -> None:
    header = "email,First Name,Postleitzahl / Ort,2nd,,if,First name,Prénom,Étage"
    found, _, _ = read(header + "\na@x.org,1,2,3,4,5,6,7,8\n")
    assert list(found[0].fields) == [
        *("first_name", "postleitzahl_ort", "column_2nd", "column_5", "if_"),
        *("first_name_2", "prenom", "etage"),
    ]


def test_a_title_that_the_message_uses_keeps_its_spelling() -> None:
    found, _, _ = read("email,FirstName\na@x.org,Ann\n", required=("FirstName",))
    assert found[0].fields == {"FirstName": "Ann"}


def test_refused_rows_carry_the_line_they_begin_on_even_after_quoted_line_breaks() -> None:
    data = 'email,note\na@x.org,"one\ntwo\nthree"\nnonsense,x\nb@x.org,y\n'
    found, refused, _ = read(data, chunk=5)
    assert [(r.line, r.address) for r in found] == [(2, "a@x.org"), (6, "b@x.org")]
    assert [(r.line, r.value) for r in refused] == [(5, "nonsense")]
    assert found[0].fields == {"note": "one\ntwo\nthree"}


@pytest.mark.parametrize("chunk", [3, 1 << 16])
@pytest.mark.parametrize("later", ["", '"Carol"', 'the "big" one'])
def test_a_quotation_mark_that_is_never_closed_costs_only_its_own_row(
    later: str, chunk: int
) -> None:
    rows = [f"{c}@x.org,{c}" for c in "cdefgh"]
    data = "\n".join(["email,name", "a@x.org,A", 'b@x.org,"B', *rows, f"z@x.org,{later}", ""])
    found, refused, _ = read(data, chunk=chunk)
    assert [r.line for r in refused] == [3]
    assert [r.address[0] for r in found] == list("acdefghz")


def test_an_unclosed_quotation_mark_in_a_long_file_is_noticed_before_it_swallows_it() -> None:
    data = 'email,name\nb@x.org,"B\n' + "".join(f"u{i}@x.org,U\n" for i in range(20_000))
    found, refused, _ = read(data)
    assert (len(found), [r.line for r in refused]) == (20_000, [2])


def test_a_row_with_more_values_than_titles_is_refused_because_its_values_have_shifted() -> None:
    _, refused, _ = read("email,city,plan\na@x.org,Paris, Texas,pro\nb@x.org,Rome,pro,\n")
    assert [(r.line, r.reason) for r in refused] == [(2, "has 4 values where the header has 3")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a@x.org\x00,A", "control characters"),
        ("a@x.org,A\x00", "control characters"),
        ("a@x.org,\x1b[31mA", "control characters"),
        ('"a@x.org\nBcc: v@x.org",A', "line breaks"),
        ("a@x.org," + "A" * 201, "longer than 200"),
        (",A", "empty"),
    ],
)
def test_a_hostile_or_broken_row_is_refused_and_its_neighbours_are_not(
    row: str, reason: str
) -> None:
    found, refused, _ = read(f"email,name\nb@x.org,B\n{row}\nc@x.org,C\n")
    assert [r.address for r in found] == ["b@x.org", "c@x.org"]
    assert len(refused) == 1
    assert refused[0].line == 3
    assert reason in refused[0].reason
    assert refused[0].value.isprintable()


def test_line_breaks_and_invisible_marks_do_not_survive_in_a_name() -> None:
    found, _, _ = read('email,name\na@x.org,"Ann\r\nBcc:\u202e \u200fLee"\n')
    assert found[0].name == "Ann Bcc: Lee"


def test_formulas_are_stored_as_they_are() -> None:
    found, _, _ = read("email,note\na@x.org,=1+1\n")
    assert found[0].fields == {"note": "=1+1"}


def test_a_row_without_a_value_that_the_message_needs_is_refused() -> None:
    found, refused, _ = read(
        "email,first_name\na@x.org,Ann\nb@x.org,\nc@x.org\n", required=("first_name", "email")
    )
    assert [r.address for r in found] == ["a@x.org"]
    assert [(r.line, r.reason) for r in refused] == [
        (3, "no value for {{ first_name }}"),
        (4, "no value for {{ first_name }}"),
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "holds nothing"),
        (b"\n \n", "holds nothing"),
        (b"\n" * 100_000 + b"a@x.org", "no row that can be read"),
        (b"name,city\nAnn,Rome\n", "no column with email addresses"),
        (b"PK\x03\x04rest", "Excel"),
        (b"\xd0\xcf\x11\xe0rest", "Excel"),
        (b"%PDF-1.7", "PDF"),
        (b"e\x00\x00\x00\x01mail\n" + b"x" * 60, "zero bytes"),
        (b'[{"email": "a@x.org"}]', "JSON"),
        (b"{\\rtf1 a@x.org}", "RTF"),
        (b"\x1f\x8b\x08rest", "gzip"),
        (b"INSERT INTO people VALUES (1, 'a@x.org');\n", "SQL"),
        (b'<?xml version="1.0"?><Workbook>a@x.org</Workbook>', "XML"),
        (b"email," + b",".join(b"c%d" % i for i in range(100)), "101 columns"),
    ],
)
def test_a_file_that_is_no_table_of_addresses_is_refused_as_a_whole(
    data: bytes, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message) as refused:
        read(data)
    assert refused.value.problems[0].field == "file"


def test_a_message_that_uses_a_column_that_is_not_there_says_which_there_are() -> None:
    with pytest.raises(InvalidInput, match=r"\{\{ nick \}\}.*email, name, city"):
        read("email,city\na@x.org,Rome\n", required=("nick",))


def test_a_file_of_rubbish_is_given_up_after_ten_thousand_refusals() -> None:
    with pytest.raises(InvalidInput, match="more than 10000 rows"):
        read("email\n" + "x@\n" * (MAX_REFUSED + 1))


def test_a_file_beyond_the_bound_is_refused_before_it_is_read() -> None:
    reader = RecipientReader()
    with pytest.raises(InvalidInput, match="128 MiB"):
        list(reader.feed(b"x" * (MAX_FILE_OCTETS + 1)))


def test_batches_are_bounded() -> None:
    data = b"".join(b"u%d@x.org\n" % i for i in range(2 * MAX_BATCH + 1))
    reader = RecipientReader()
    batches = [*reader.feed(data), *reader.finish()]
    assert [len(batch) for batch in batches] == [MAX_BATCH, MAX_BATCH, 1]


CELL = st.text(st.sampled_from("ab@.\"'\n\r,;| é\t="), max_size=12)


@given(
    rows=st.lists(st.lists(CELL, min_size=1, max_size=4), max_size=12),
    delimiter=st.sampled_from(",;\t|"),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    chunk=st.integers(1, 50),
)
@example(rows=[["a@b.ab", '"'], ["b@b.ab", '"']], delimiter=",", ending="\n", chunk=3)
@example(rows=[["=@=", "", ""], ["", ";"]], delimiter=",", ending="\n", chunk=1)
@example(rows=[["|", "\r==\r"]], delimiter=",", ending="\n", chunk=1)
def test_no_row_is_lost_whatever_stands_in_it(
    rows: list[list[str]], delimiter: str, ending: str, chunk: int
) -> None:
    sheet = io.StringIO(newline="")
    table = csv.writer(sheet, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL)
    table.writerow(["email", "b", "c", "d"])
    table.writerow(["first@x.org", "", "", ""])
    table.writerows(rows)
    found, refused, _ = read(f"sep={delimiter}{ending}" + sheet.getvalue(), chunk=chunk)
    expected = sum(any(map(str.strip, cells)) for cells in rows)
    assert len(found) + len(refused) == 1 + expected


def test_a_line_of_dashes_within_a_cell_draws_no_table() -> None:
    found, refused, _ = read(
        'email,note\na@x.org,"Regards\n--\nAnn | Acme\n-----\nx"\nb@x.org,"y | z"\n'
    )
    assert [(each.address, each.fields["note"]) for each in found] == [
        ("a@x.org", "Regards\n--\nAnn | Acme\n-----\nx"),
        ("b@x.org", "y | z"),
    ]
    assert refused == []


@given(data=st.binary(max_size=200), chunk=st.integers(1, 60))
def test_any_bytes_at_all_are_read_or_refused_and_chunks_make_no_difference(
    data: bytes, chunk: int
) -> None:
    def outcome(size: int) -> object:
        try:
            found, refused, reader = read(b"email,n\na@x.org,b\n" + data, chunk=size)
        except InvalidInput as error:
            return str(error)
        return found, refused, reader.rows

    assert outcome(chunk) == outcome(1 << 16)


def test_a_callers_own_values_meet_the_same_rules() -> None:
    fields: dict[str, FieldValue | None] = {"plan": "pro", "seats": 3, "note": "", "gone": None}
    recipient = from_values(1, "A@X.org", " Ann  Lee ", fields)
    assert recipient == Recipient(1, "A@x.org", "a@x.org", "Ann Lee", {"plan": "pro", "seats": 3})


@pytest.mark.parametrize(
    ("email", "name", "fields"),
    [
        ("a@x.org\r\n", None, {}),
        ("a@x.org", "A\x00", {}),
        ("a@x.org", None, {"first name": "A"}),
        ("a@x.org", None, {"email": "b@x.org"}),
        ("a@x.org", None, {"if": "b"}),
        ("a@x.org", None, {"note": "\x00"}),
        ("a@x.org", None, {f"f{i}": 1 for i in range(101)}),
    ],
)
def test_a_callers_values_are_refused_like_a_row(
    email: str, name: str | None, fields: dict[str, str]
) -> None:
    with pytest.raises((Refusal, InvalidAddress)):
        from_values(1, email, name, fields)
