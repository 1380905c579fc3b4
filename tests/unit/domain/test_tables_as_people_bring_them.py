"""Tables as real programs export them and people paste them, each with what is right for it.

`expect.json` beside each: `accept` has the addresses with the values of one column, `refuse` what
must be refused or left out and said (an address, or the line that its row begins on), `never` what
must get nothing, `either` what may be read or left out with a word, `ask` that a choice was made
which has to be said, or a question is open. All people and addresses are made up.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from paceline.domain.recipients import Recipient
from paceline.domain.tables.choices import Choices
from paceline.domain.tables.recipient_files import RecipientReader
from paceline.domain.tables.shape import OpenQuestions, Shape
from paceline.domain.tables.words import comparable
from paceline.errors import InvalidInput

TABLES = sorted(path.parent for path in Path(__file__).parent.glob("cases/tables/*/expect.json"))
# Where there is no right guess the table is refused with a question; this is the answer assumed.
ANSWERS = {"58-work-and-personal": "Work email"}


def read(data: bytes, choices: Choices, *, chunk: int) -> tuple[list[Recipient], RecipientReader]:
    pieces = [data[start : start + chunk] for start in range(0, len(data), chunk)]
    reader = RecipientReader(choices=choices)
    reader.look_ahead(pieces)
    found: list[Recipient] = []
    for piece in pieces:
        for batch in reader.feed(piece):
            found += batch
    for batch in reader.finish():
        found += batch
    return found, reader


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.name)
def test_a_table_is_read_as_its_owner_means_it(table: Path) -> None:
    expected = json.loads((table / "expect.json").read_text("utf-8"))
    data = (table / "input.csv").read_bytes()
    if expected.get("nobody") and not expected["accept"]:
        with suppress(InvalidInput):
            found, reader = read(data, Choices(), chunk=1 << 16)
            assert not found or expected.get("either_all") or expected.get("either")
        return
    answer = expected.get("choose_address_column") or ANSWERS.get(table.name)
    if answer is not None:
        with pytest.raises(OpenQuestions) as asked:
            read(data, Choices(), chunk=1 << 16)
        [question] = asked.value.shape.open_questions
        assert answer in [option.value for option in question.options]
    found, reader = read(data, Choices(address_column=answer), chunk=1 << 16)
    assert found == read(data, Choices(address_column=answer), chunk=7)[0]
    assert reader.rows == len(found) + len(reader.refused) + reader.left_out_count
    check_who(expected, found, reader)
    check_values(expected, found, reader)
    if expected["ask"]:
        told = reader.shape is not None and (reader.shape.questions or reader.shape.skipped)
        told = told or reader.refused
        assert told or answer or expected.get("ask_ok"), "a choice was made and not said"


def check_who(expected: dict[str, Any], found: list[Recipient], reader: RecipientReader) -> None:
    got = {recipient.key for recipient in found}
    right = {address.lower() for address in expected["accept"]}
    allowed = {a.lower() for a in (*expected.get("either", ()), *expected.get("either_all", ()))}
    assert got - right - allowed == set(), "gets mail, and should not"
    assert right - got - allowed == set(), "gets no mail, and should"
    assert got.isdisjoint(address.lower() for address in expected.get("never", ()))
    said = {row.line for row in (*reader.refused, *reader.left_out)}
    repeated = {r.line for r in found} - {found_first(found, r).line for r in found}
    header = reader.shape.header_line if reader.shape else None
    for item in expected["refuse"]:
        if isinstance(item, int):
            in_header = header is not None and item == header + 1  # its second row
            assert item in said | repeated or in_header, f"line {item} vanished without a word"


def found_first(found: list[Recipient], like: Recipient) -> Recipient:
    return next(recipient for recipient in found if recipient.key == like.key)


def check_values(expected: dict[str, Any], found: list[Recipient], reader: RecipientReader) -> None:
    if reader.shape is None or not found:
        return
    by_key = {recipient.key: found_first(found, recipient) for recipient in found}
    for address, values in expected["accept"].items():
        recipient = by_key.get(address.lower())
        if recipient is None:
            continue
        for name, value in values.items():
            label = field_of(reader.shape, expected["column"].partition(" (row 2)")[0]) or name
            got = recipient.name if label == "name" else recipient.fields.get(label)
            assert (got or "") == value, f"{label} of {address}"


def field_of(shape: Shape, title: str) -> str | None:
    """What the program calls the column with this title: the last one, if two have it."""
    names = [
        column.field
        for column in shape.columns
        if comparable(column.title) == comparable(title) and column.title and column.field
    ]
    return min(names, key=len) if names else None
