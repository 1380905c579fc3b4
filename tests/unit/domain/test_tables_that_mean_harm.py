"""Small files that would keep a processor busy for minutes, or lose rows, if read carelessly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from paceline.domain.bounds import MAX_FILE_OCTETS
from paceline.domain.tables.address_mending import resembles_an_address
from paceline.domain.tables.cards import CardRows
from paceline.domain.tables.consent_answers import refuses_or_not_yet, says_out_plainly
from paceline.domain.tables.html import HtmlRows
from paceline.domain.tables.lists import MAX_BEFORE, ListRows
from paceline.domain.tables.recipient_files import RecipientReader
from paceline.errors import InvalidInput
from tests.bounded_work import bounded_work


def test_blanks_before_a_colon_are_read_at_once() -> None:
    rows = list(ListRows().feed("To: ann@x.org\n" + " " * 60_000 + ":,\n", final=True))
    assert rows[0].cells == ["", "ann@x.org"]


def test_blanks_before_an_address_and_in_a_status_are_read_at_once() -> None:
    blanks = " " * 60_000
    assert len([*ListRows().feed(f"Ann{blanks}ann@x.org\nBo -{blanks}-\n", final=True)]) == 2
    assert not says_out_plainly(f"x{blanks}x")
    assert refuses_or_not_yet(f"Consent{blanks}5") is False


def test_a_card_of_soft_line_breaks_alone_is_not_kept_for_ever() -> None:
    rows = CardRows("vcard")
    for _ in range(40):
        list(rows.feed("NOTE;ENCODING=QUOTED-PRINTABLE:x" + "=\nxxxx" * 5_000))
    assert list(rows.feed("\nEND:VCARD\n", final=True))


@pytest.mark.parametrize("unfinished", ["<a ", '<td a="', "<!--", "<!["])
def test_a_page_that_ends_within_a_tag_is_refused_at_once(unfinished: str) -> None:
    with bounded_work(cpu_seconds=5), pytest.raises(InvalidInput, match="never ends"):
        list(HtmlRows().feed("<table>" + unfinished * 20_000, final=True))


def test_what_office_writes_between_brackets_is_passed_over() -> None:
    page = "<table><tr><td>ann@x.org<![if x]> <![ y ]></td></tr></table>"
    assert [row.cells for row in HtmlRows().feed(page, final=True)] == [["ann@x.org"]]


def test_rows_of_a_page_without_line_breaks_have_numbers_of_their_own() -> None:
    page = "<table>" + "<tr><td>x</td></tr>" * 3 + "\n\n\n\n<tr><td>y</td></tr></table>"
    assert [row.line for row in HtmlRows().feed(page, final=True)] == [1, 2, 3, 5]


@pytest.mark.parametrize("cell", ["<" + "@" * 999, "[](" + "a@" * 498])
def test_a_cell_of_at_signs_is_no_address(cell: str) -> None:
    assert not resembles_an_address(cell)


def test_looking_ahead_holds_no_line_without_an_end_and_reads_no_further_than_is_read() -> None:
    asked = 0

    def pieces() -> Iterator[bytes]:
        nonlocal asked
        yield b"email,name\nann@x.org,Ann\n"
        while True:
            asked += 1
            yield b"x" * 65_536

    RecipientReader().look_ahead(pieces())
    assert asked == MAX_FILE_OCTETS // 65_536


class Counting(ListRows):
    """Counts the characters that it looks at while they wait for an address."""

    looked_at = 0
    _waits = ""

    @property
    def _pending(self) -> str:
        self.looked_at += len(self._waits)
        return self._waits

    @_pending.setter
    def _pending(self, text: str) -> None:
        self._waits = text


def looked_at(text: str) -> int:
    rows = Counting()
    found = list(rows.feed(f"{text}ann@x.org", final=True))
    assert found[-1].cells[1].endswith("ann@x.org")
    return rows.looked_at


@pytest.mark.parametrize("piece", ["a,", "a\n", '"a" ,'])
def test_twice_as_much_that_waits_for_an_address_is_twice_the_work(piece: str) -> None:
    once = looked_at(piece * 10_000)
    assert once > 10_000
    assert looked_at(piece * 20_000) < 2.1 * once


@pytest.mark.parametrize("piece", ["a,", "a\n", '"a" ,'])
def test_what_waits_for_an_address_does_not_grow_for_ever(piece: str) -> None:
    rows = list(ListRows().feed(piece * 50_000 + "ann@x.org", final=True))
    assert rows[-1].cells[1].endswith("ann@x.org")
    assert max(len(row.cells[1]) for row in rows) < 2 * MAX_BEFORE
