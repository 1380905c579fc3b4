"""Family `tables`: uploads of recipients in any bytes.

A composed table comes with who is in it, worked out while it is written. Of a spoiled one the sum
must come out, every refused row say where and why, and the cuts of the upload make no difference.
"""

from __future__ import annotations

import itertools
import random
import re
from dataclasses import dataclass

from paceline.delivery import Envelope
from paceline.domain.bounds import MAX_CELL, MAX_COLUMNS, MAX_NAME
from paceline.domain.recipients import Recipient, RefusedRow
from paceline.domain.tables.recipient_files import RecipientReader
from paceline.errors import InvalidInput
from tests.fuzz import addresses, alphabet
from tests.fuzz.hunting import Family, hold, pure

_ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252")
_HEADERS = (
    "email",
    "E-Mail",
    "name",
    "First name",
    "city",
    "sep=",
    "",
    "email",
    "é\u202e",
    "x" * 100,
)
_CELLS = (
    "Ann",
    "",
    "Rome, Italy",
    'the "best"',
    "two\nlines",
    "a;b",
    "=1+1",
    "  ",
    "Zoë",
    "1" * 40,
)
_HEADS = (
    b"PK\x03\x04",
    b"%PDF",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"sep=;\n",
    b"sep=\0\n",
    b"sep= \n",
    b"\0\0",
    b"sep=\xff",
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Case:
    data: bytes
    chunks: tuple[bytes, ...]
    required: tuple[str, ...] = ()
    accepted: tuple[str, ...] | None = None  # the addresses, where they are known
    refused: int = 0


def make(dice: random.Random) -> Case:
    """A table that is known, the same spoiled, or rows of anything."""
    turn = dice.random()
    if turn < 0.01:
        return _large(dice)
    if turn < 0.4:
        return _composed(dice)
    if turn < 0.75:
        data = alphabet.spoiled(dice, _composed(dice).data, most=5)
    else:
        rows = [_row(dice) for _ in range(dice.choice((1, 3, 10, 40)))]
        data = (
            dice.choice(("\n", "\r\n", "\r", "\n\n"))
            .join(rows)
            .encode(dice.choice(_ENCODINGS), errors="replace")
        )
    if dice.random() < 0.1:
        data = dice.choice(_HEADS) + data
    if dice.random() < 0.05:
        data += dice.choice(
            (b'"' + b"a\n" * 300, b"x" * (MAX_CELL + 9), b"," * 2_000, dice.randbytes(99))
        )
    required = ("city",) if dice.random() < 0.1 else ()
    return Case(data, alphabet.cut(dice, data), required)


def _row(dice: random.Random) -> str:
    cells = [
        addresses.make(dice) if dice.random() < 0.4 else dice.choice((*_CELLS, *_HEADERS))
        for _ in range(dice.randint(1, 4))
    ]
    return dice.choice((",", ";", "\t", "|")).join(cells)


def _composed(dice: random.Random) -> Case:
    delimiter, end = dice.choice(",;\t|"), dice.choice(("\n", "\r\n", "\r"))
    lines = [delimiter.join(("email", "name", "city"))] if dice.random() < 0.8 else []
    accepted, refused = [], 0
    for number in range(dice.randint(1, 12)):
        address, good = f"user{number}@example.com", True
        # The first is sound, so that it is certain what the table's form is.
        turn = dice.random() if number else 0.0
        if turn > 0.9:
            lines.append(dice.choice(("", "   ", delimiter * 2)))
            continue
        if turn > 0.6:
            address, good = (
                dice.choice(("no address", "a@b@c.org", "@", "a%b@x.org")),
                False,
            )
        cells = [address, dice.choice(_CELLS), dice.choice(_CELLS)]
        if turn > 0.5 and good and len(lines) > number:  # with a header, this is the name
            cells[1], good = "n" * (MAX_NAME + 1), False
        elif turn > 0.55 and good:
            cells[1] = dice.choice(("a\x00b", "\x1b[31m", "\x7f"))
            good = len(lines) == number  # without a header, it is a column that nobody uses
        lines.append(delimiter.join(_quoted(cell, end) for cell in cells))
        accepted += [address] * good
        refused += not good
    data = (end.join(lines) + end * dice.randint(0, 2)).encode(dice.choice(_ENCODINGS[:5]))
    return Case(data, alphabet.cut(dice, data), (), tuple(accepted), refused)


def _large(dice: random.Random) -> Case:
    """More than is looked at before the table's form is settled, cut where a cut may hurt."""
    end = dice.choice(("\n", "\r\n", "\r"))
    accepted = [f"user{number}@example.com" for number in range(1_500)]
    rows = [f'{address},{"é" * 20},"two{end}lines"' for address in accepted]
    data = end.join(("email,name,city", *rows)).encode()
    places = [found.end() for found in re.finditer(rb'[\r"\xc3]', data)]
    edges = [0, *sorted(dice.sample(places, k=40)), len(data)]
    chunks = tuple(data[a:b] for a, b in itertools.pairwise(edges))
    return Case(data, chunks, (), tuple(accepted))


def _quoted(cell: str, end: str) -> str:
    return '"' + cell.replace("\n", end).replace('"', '""') + '"'


def judge(case: Case) -> str:
    """Read whole, and read in pieces."""
    whole, pieces = _read((case.data,), case.required), _read(case.chunks, case.required)
    hold(whole == pieces, "depends on how the upload is cut")
    if isinstance(whole, str):
        hold(case.accepted is None, f"a sound table is refused: {whole}")
        hold(whole.isprintable() and len(whole) < 4_000, "a reason nobody can read")
        return "refused"
    found, refused, rows, left_out = whole
    hold(rows == len(found) + len(refused) + left_out, "the sum does not come out")
    if case.accepted is not None:
        hold(tuple(r.address for r in found) == case.accepted, "other recipients than are in it")
        hold(len(refused) == case.refused, f"{case.refused} rows are bad, {len(refused)} refused")
    lines = [item.line for item in (*found, *refused)]
    physical = len(re.findall(rb"\r\n?|\n", case.data)) + 1
    hold(not lines or (min(lines) >= 1 and max(lines) <= physical), "a line that is not there")
    for row in refused:
        hold(row.reason.strip() and row.reason.isprintable(), "refused without a reason")
        hold(
            row.value.isprintable() or not _CONTROL.search(row.value),
            "a report with control characters",
        )
    for recipient in found:
        _check_recipient(recipient, case)
    return "some" if refused else "all" if found else "none"


def _check_recipient(recipient: Recipient, case: Case) -> None:
    made = Envelope(mail_from="news@example.com", rcpt_to=recipient.address)
    hold(made.rcpt_to == recipient.address, "cannot be sent to")
    hold(recipient.name is None or 0 < len(recipient.name) <= MAX_NAME, "a name without bounds")
    texts = [*map(str, recipient.fields.values()), recipient.name or ""]
    hold(not any(map(_CONTROL.search, texts)), "holds what PostgreSQL or a header cannot")
    hold(all(texts[:-1]) and len(texts) <= MAX_COLUMNS + 1, "an empty field, or too many")
    hold(set(case.required) <= recipient.fields.keys() | {"email", "name"}, "lacks a merge field")


def _read(
    chunks: tuple[bytes, ...], required: tuple[str, ...]
) -> tuple[list[Recipient], list[RefusedRow], int, int] | str:
    reader = RecipientReader(required=required)
    found: list[Recipient] = []
    try:
        for chunk in chunks:
            for batch in reader.feed(chunk):
                found += batch
        for batch in reader.finish():
            found += batch
    except InvalidInput as refused:
        [problem] = refused.problems
        hold(problem.field in ("file", "address_column"), f"blames {problem.field}")
        return problem.message
    return found, reader.refused, reader.rows, reader.left_out_count


TABLES = Family(
    name="tables",
    cases=3_000,
    outcomes=frozenset({"refused", "some", "all"}),
    make=make,
    open=pure(judge),
)
