"""Tables whose columns are held apart by blanks: what terminals and old reports print."""

from __future__ import annotations

import pytest

from paceline.domain.recipients import Recipient
from paceline.domain.tables.recipient_files import RecipientReader

PRINTED = """\
Members of the club

NAME                EMAIL                     CITY        UNSUBSCRIBED
Ada Berg            ada@example.com           New York    no
Bo, the Elder       bo@example.com                        no
Cy                  cy@example.com            Lima        yes
"""
BELOW_DASHES = """\
name     email            status
-------- ---------------- ------------
Ada Berg ada@example.com  active
Bo       bo@example.com   active
Cy Zwölf cyrus@example.co unsubscribed
"""


def read(text: str, *, chunk: int) -> tuple[list[Recipient], RecipientReader]:
    data = text.encode()
    pieces = [data[start : start + chunk] for start in range(0, len(data), chunk)]
    reader = RecipientReader()
    reader.look_ahead(pieces)
    found = [one for piece in pieces for batch in reader.feed(piece) for one in batch]
    found += [one for batch in reader.finish() for one in batch]
    return found, reader


@pytest.mark.parametrize("chunk", [7, 1 << 16])
def test_columns_begin_where_blanks_end_on_every_line(chunk: int) -> None:
    found, reader = read(PRINTED, chunk=chunk)
    assert [(one.line, one.address, one.name) for one in found] == [
        (4, "ada@example.com", "Ada Berg"),
        (5, "bo@example.com", "Bo, the Elder"),
    ]
    assert found[0].fields["city"] == "New York"
    assert "city" not in found[1].fields
    assert [row.value for row in reader.left_out] == ["cy@example.com"]
    assert not reader.refused


@pytest.mark.parametrize("chunk", [7, 1 << 16])
def test_below_a_rule_of_dashes_a_column_is_as_wide_as_they_are(chunk: int) -> None:
    found, reader = read(BELOW_DASHES, chunk=chunk)
    assert [(one.address, one.name) for one in found] == [
        ("ada@example.com", "Ada Berg"),
        ("bo@example.com", "Bo"),
    ]
    assert [row.reason for row in reader.left_out] == ["status: unsubscribed"]


def test_a_line_that_runs_over_an_edge_is_cut_at_its_own_blanks() -> None:
    rows = "".join(f"P{n:<11}p{n}@example.com".ljust(31) + "Rome\n" for n in range(300))
    longer = "Maximilian Graf  max@example.com  Bern\n"
    found, reader = read(f"NAME        EMAIL              CITY\n{rows}{longer}", chunk=1 << 16)
    assert (found[-1].address, found[-1].name) == ("max@example.com", "Maximilian Graf")
    assert len(found) == 301
    assert not reader.refused


def test_blanks_within_the_cells_of_a_delimited_table_are_no_columns() -> None:
    text = "Name    ; Email            ; City\nAda     ; ada@example.com  ; Rome\n"
    found, reader = read(f"{text}Bo      ; bo@example.com   ; Oslo\n", chunk=1 << 16)
    assert [(one.address, one.fields["city"]) for one in found] == [
        ("ada@example.com", "Rome"),
        ("bo@example.com", "Oslo"),
    ]
    assert reader.shape is not None
    assert reader.shape.form == "table"
