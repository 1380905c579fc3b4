"""Rows that no program's rules foresee, and that a reader's eye understands all the same."""

from __future__ import annotations

import pytest

from paceline.domain.recipients import Recipient
from paceline.domain.tables.choices import Choices
from paceline.domain.tables.recipient_files import RecipientReader
from paceline.domain.tables.shape import OpenQuestions

ADA, BO = "ada@example.com", "bo@example.com"


def read(
    text: str, *, choices: Choices | None = None, chunk: int = 1 << 16
) -> tuple[list[Recipient], list[int]]:
    """The recipients, and the lines of the rows that were refused."""
    data = text.encode()
    pieces = [data[start : start + chunk] for start in range(0, len(data), chunk)]
    reader = RecipientReader(choices=choices or Choices())
    reader.look_ahead(pieces)
    found = [one for piece in pieces for batch in reader.feed(piece) for one in batch]
    found += [one for batch in reader.finish() for one in batch]
    assert reader.rows == len(found) + len(reader.refused) + reader.left_out_count
    return found, [row.line for row in reader.refused]


@pytest.mark.parametrize("chunk", [7, 1 << 16])
@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ('"Big" Al', "Big Al"),
        ('"Ada" "Addy" Berg', 'Ada "Addy" Berg'),
        ('"Ada \\"Addy\\" Berg"', 'Ada "Addy" Berg'),  # as MySQL and phpMyAdmin write it
        ('"Berg, Ada" (chair)', "Berg, Ada (chair)"),
    ],
)
def test_quotation_marks_that_close_on_their_own_line_cost_no_row(
    name: str, meant: str, chunk: int
) -> None:
    found, refused = read(f"Name,Email,City\n{name},{ADA},Oslo\nBo,{BO},Rome\n", chunk=chunk)
    assert [(one.name, one.address) for one in found] == [(meant, ADA), ("Bo", BO)]
    assert refused == []


@pytest.mark.parametrize("chunk", [7, 1 << 16])
@pytest.mark.parametrize("cell", ['"never closed', '"a" and "b', '"a \\" b'])
def test_a_quotation_mark_that_stays_open_costs_its_row_alone(cell: str, chunk: int) -> None:
    found, refused = read(f"Name,Email,Note\nAda,{ADA},{cell}\nBo,{BO},ok\n", chunk=chunk)
    assert [one.address for one in found] == [BO]
    assert refused == [2]


@pytest.mark.parametrize(
    "header",
    [
        "From Email Address,To Email Address",
        "Sender,Posted in",
    ],
)
def test_one_address_in_every_row_is_nobodys_own_where_another_column_has_many(
    header: str,
) -> None:
    rows = "".join(f"p{i}@example.com,shop@example.net\n" for i in range(3))
    with pytest.raises(OpenQuestions) as asked:
        read(f"{header}\n{rows}")
    [question] = asked.value.shape.open_questions
    assert [option.value for option in question.options] == header.split(",")
    found, _ = read(f"{header}\n{rows}", choices=Choices(address_column="1"))
    assert len(found) == 3


def test_an_owner_who_is_the_same_in_every_row_is_no_reason_to_ask() -> None:
    found, _ = read(f"Owner Email,Email\nsam@example.net,{ADA}\nsam@example.net,{BO}\n")
    assert [one.address for one in found] == [ADA, BO]


@pytest.mark.parametrize(
    "text",
    [
        f"• Ada Berg – {ADA}\n• Bo Cole – {BO}\n",
        f"Ada Berg - {ADA}\nBo Cole - {BO}\n",
        f"Ada Berg / {ADA}\nBo Cole / {BO}\n",
        f"Ada Berg     {ADA}\nBo Cole      {BO}\n",
        f"To: Ada Berg <{ADA}>\nTo: Bo Cole <{BO}>\n",
        f"> Ada Berg <{ADA}>,\n> > Bo Cole <{BO}>\n",
        f"1. Ada Berg — {ADA}\n2. Bo Cole — <{BO}>\n",
    ],
)
def test_a_name_before_each_address_is_read_as_its_name(text: str) -> None:
    found, refused = read(text)
    assert [(one.name, one.address) for one in found] == [("Ada Berg", ADA), ("Bo Cole", BO)]
    assert refused == []


@pytest.mark.parametrize("chunk", [7, 1 << 16])
@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        (f"{ADA} {BO}", [ADA, BO]),
        (f"{ADA}  {BO}\ncy@x.org di@x.org\n", [ADA, BO, "cy@x.org", "di@x.org"]),
        (f"{ADA}, {BO} cy@x.org", [ADA, BO, "cy@x.org"]),
        (f"<{ADA}> <{BO}>\n", [ADA, BO]),
        # One person, by whose address the mail program calls them: what goes out is said.
        (f"{ADA} <ada@home.example>, Bo <{BO}>", [ADA, BO]),
    ],
)
def test_addresses_with_blanks_between_are_that_many_recipients(
    text: str, addresses: list[str], chunk: int
) -> None:
    found, refused = read(text, chunk=chunk)
    assert ([one.address for one in found], refused) == (addresses, [])


@pytest.mark.parametrize(
    "text",
    [
        f"To: {ADA}\nTo: {BO}\n",
        f"> {ADA}\n> {BO}\n",
        f"- {ADA}\n- {BO}\n",
        f"* {ADA}\n  * {BO}\n",
        f"1. {ADA}\n2. {BO}\n",
        f" 9) {ADA}\n10) {BO}\n",
    ],
)
def test_each_line_of_a_pasted_mail_can_name_one_recipient(text: str) -> None:
    found, refused = read(text)
    assert ([one.address for one in found], refused) == ([ADA, BO], [])


@pytest.mark.parametrize(
    "line",
    [
        "unsubscribed - x@example.com",
        "Do not use    x@example.com",
        "Unsubscribed: x@example.com",
        "Exported by - x@example.com",
        "Questions?  x@example.com",
    ],
)
def test_a_word_against_it_before_an_address_in_such_a_list_is_no_name(line: str) -> None:
    found, _ = read(f"Ada Berg - {ADA}\nBo Cole - {BO}\n{line}\n")
    assert [one.address for one in found] == [ADA, BO]


@pytest.mark.parametrize(
    "cell",
    [
        f'"=HYPERLINK(""mailto:{ADA}"",""{ADA}"")"',
        f'"=HYPERLINK(""mailto:{ADA}?subject=x""; ""Write to Ada"")"',
        f'"=""{ADA}"""',
    ],
)
def test_the_address_in_a_formula_of_a_spreadsheet_is_read(cell: str) -> None:
    found, refused = read(f"Name,Email\nAda,{cell}\nBo,{BO}\n")
    assert [one.address for one in found] == [ADA, BO]
    assert refused == []
