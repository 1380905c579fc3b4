"""What a list says of people outside its columns, and addresses in it that are nobody's."""

from __future__ import annotations

import pytest

from paceline.domain.tables.choices import Choices, OptedOut
from paceline.domain.tables.recipient_files import RecipientReader
from paceline.domain.tables.shape import Shape

IN, OUT = "in@example.com", "out@example.com"


def read(text: str, choices: Choices | None = None, *, chunk: int = 1 << 16) -> RecipientReader:
    data = text.encode()
    pieces = [data[start : start + chunk] for start in range(0, len(data), chunk)]
    reader = RecipientReader(choices=choices or Choices())
    reader.look_ahead(pieces)
    reader.mailed = [  # type: ignore[attr-defined]
        one.address for piece in pieces for batch in reader.feed(piece) for one in batch
    ] + [one.address for batch in reader.finish() for one in batch]
    return reader


def mailed(text: str, choices: Choices | None = None) -> list[str]:
    found: list[str] = read(text, choices).mailed  # type: ignore[attr-defined]
    assert read(text, choices, chunk=7).mailed == found  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize(
    "text",
    [
        f"{IN}\n{OUT} (unsubscribed)\n",
        f"Email\n{IN}\n{OUT} (opted out)\n",
        f"Name,Email\nA,{IN}\nB,{OUT} (bounced)\n",
        f"Ann <{IN}>; {OUT} (abgemeldet)\n",
        f"Email\n{IN}\n\nOpted out:\n{OUT}\n",
        f"{IN}\n\nDo not email\n{OUT}\n",
        f"Ann <{IN}>\nUnsubscribed:\nBob <{OUT}>\n",
        f"Ann <{IN}>\nUnsubscribed: Bob <{OUT}>\n",
        f"Name,Email\nA,{IN}\n\nUnsubscribed contacts\nName,Email\nB,{OUT}\n",
        f"Name,Email,City\nA,{IN},x\nBounced addresses,,\nB,{OUT},y\n",
        f"Unsubscribed contacts\nName,Email\nB,{OUT}\n\nSubscribed contacts\nName,Email\nA,{IN}\n",
        f"Name,Email\nA,{IN}\nBitte nicht kontaktieren:\nB,{OUT}\n",
        # Above, and below once more: who has opted out has.
        f"Name,Email\nA,{IN}\nB,{OUT}\n\nUnsubscribed\nB,{OUT}\n",
    ],
)
def test_who_is_said_to_be_out_beside_or_above_is_left_out(text: str) -> None:
    assert mailed(text) == [IN]
    reader = read(text)
    assert reader.shape is not None
    assert [question.parameter for question in reader.shape.questions][-1] == "opted_out"
    assert OUT in mailed(text, Choices(opted_out=OptedOut.MAIL))


@pytest.mark.parametrize(
    "text",
    [
        f"{IN} (Ann)\n{OUT} (Bob from the office)\n",
        f"Name,Email\nA,{IN}\n\nOur friends\nB,{OUT}\n",
        f"Everybody who has not unsubscribed\nName,Email\nA,{IN}\nB,{OUT}\n",
        f"Name,Email\nUnsubscribed Band,{IN}\nSupport,{OUT}\n",
        f"Name,Email\nHost,{IN}\nExported Goods Ltd,{OUT}\n",
    ],
)
def test_other_words_beside_or_above_leave_nobody_out(text: str) -> None:
    assert mailed(text) == [IN, OUT]


@pytest.mark.parametrize(
    "text",
    [
        f"Name,Email\nA,{IN}\n\nExported by,{OUT}\n",
        f"Name,Email,City\nA,{IN},Rome\nReport sent to:,{OUT},\n",
        f"Name,Email\nA,{IN}\nErstellt von,{OUT}\n",
        f"From: Me <{OUT}>\nTo: Ann <{IN}>\nSubject: lunch\n",
        f"Von: Me <{OUT}>\nAn: Ann <{IN}>\nBetreff: Essen\n",
        f"To: Ann <{IN}>;\nReply-To: {OUT}\n",
        "Attendee Report\nHost Details,\nAttended,User Name,Email\n"
        f"Yes,Host,{OUT}\nAttendee Details,\nAttended,User Name,Email\nYes,Ann,{IN}\n",
    ],
)
def test_addresses_of_a_report_or_of_a_mail_itself_get_nothing_and_are_told(text: str) -> None:
    assert mailed(text) == [IN]
    reader = read(text)
    told = [*reader.refused, *reader.left_out]
    assert any(OUT in row.value for row in told)


def shape_of(text: str) -> Shape:
    shape = read(text).shape
    assert shape is not None
    return shape


def test_copies_of_a_pasted_mail_are_recipients_and_that_is_said() -> None:
    text = f"To: Ann <{IN}>\nCc: Bob <{OUT}>\n"
    assert mailed(text) == [IN, OUT]
    assert "Cc" in shape_of(text).questions[0].text


@pytest.mark.parametrize(
    ("titles", "taken"),
    [
        ("From,To", "To"),
        ("Login,Contact e-mail", "Contact e-mail"),
        ("username,email", "email"),
        ("Created by,Kunde", "Kunde"),
    ],
)
def test_of_two_columns_of_addresses_the_one_taken_is_said_with_the_other(
    titles: str, taken: str
) -> None:
    text = f"{titles}\nme@example.org,{IN}\nme@example.org,{OUT}\n"
    if taken == "email":
        text = f"{titles}\nold@example.org,{IN}\n"
    [question] = shape_of(text).questions
    assert (question.parameter, question.chosen) == ("address_column", taken)
    assert {option.value for option in question.options} == {*titles.split(",")}


def test_other_addresses_in_a_cell_are_told_one_by_one() -> None:
    text = f"Name,Email\nA,{IN}; b@example.com\nB,{OUT} / c@example.com / {OUT}\n"
    assert mailed(text) == [IN, OUT]
    [note] = read(text).notes
    assert "lines 2, 3; not written to: b@example.com, c@example.com." in note
