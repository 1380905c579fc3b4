"""The fields of the compose page that say how a list is to be read, and what each has to offer.

Left alone they are empty, and the reader finds out; the page shows what it found beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields

from starlette.datastructures import FormData

from paceline.domain.numbers import parse_whole_number
from paceline.domain.tables.choices import COLUMNS, ENCODINGS, NOTHING_CHOSEN, Choices, OptedOut
from paceline.domain.tables.shape import Becomes, Column, Question, Shape
from paceline.errors import InvalidInput
from paceline.web.forms import Problems, text_of

CHOOSE = "Choose one …"
_MAX_LABEL = 60  # characters of a line, or of a title
# A service's names for fields, and ours.
FIELDS = {name: name for name in ("encoding", "header_line", *COLUMNS, "opted_out")}

_WITH_LINES = ("table", "list", "lines")  # not web pages and contact cards
_WEIGHTY = ("address_column", "encoding", "opted_out")

Options = list[tuple[str, str]]  # (value, what a person reads)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingForm:
    """What was chosen; "" is left to the reader."""

    encoding: str = ""
    header_line: str = ""
    address_column: str = ""
    opt_out_column: str = ""
    opt_in_column: str = ""
    opted_out: str = ""

    @classmethod
    def read(cls, form: FormData) -> ReadingForm:
        """What was posted."""
        return cls(**{field.name: text_of(form, field.name).strip() for field in fields(cls)})

    @classmethod
    def of(cls, draft: object) -> ReadingForm:
        """What was kept."""
        return cls(**{field.name: getattr(draft, field.name) for field in fields(cls)})

    def choices(self, problems: Problems) -> Choices:
        """The same as the reader takes it; nothing at all is chosen where some of it is wrong."""
        line = None
        if self.header_line:
            line = problems.read("header_line", parse_whole_number, self.header_line)
        try:
            return Choices(
                encoding=self.encoding or None,
                header_line=line,
                address_column=self.address_column or None,
                opt_out_column=self.opt_out_column or None,
                opt_in_column=self.opt_in_column or None,
                opted_out=OptedOut(self.opted_out or OptedOut.LEAVE_OUT),
            )
        except InvalidInput as error:
            problems.take(error.problems, names=FIELDS)
        except ValueError:
            problems.add("opted_out", "choose one of the two")
        return NOTHING_CHOSEN


def choices_for(question: Question) -> Options:
    """What may be answered to an open question."""
    return [("", CHOOSE), *((option.value, option.label) for option in question.options)]


def guesses(form: ReadingForm, shape: Shape | None) -> list[str]:
    """What was taken in doubt, nobody having chosen, and decides who gets what: to be seen."""
    questions = shape.questions if shape else ()
    return [
        question.text
        for question in questions
        if question.chosen and question.about in _WEIGHTY and not getattr(form, question.parameter)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    """One choice as the page shows it. `asks`: above the others, because something is in doubt."""

    name: str
    label: str
    hint: str
    options: Options
    selected: str
    asks: bool


def selects(
    form: ReadingForm, shape: Shape | None, lines: Sequence[tuple[int, str]]
) -> list[Select]:
    """What there is to choose about a list: all of it, whether in doubt or not.

    `lines` are the first ones of the file, numbered, for a header to be picked from.
    """
    questions = {q.parameter: q for q in shape.questions} if shape else {}
    return list(_selects(form, shape, lines, questions))


def _selects(
    form: ReadingForm,
    shape: Shape | None,
    lines: Sequence[tuple[int, str]],
    questions: dict[str, Question],
) -> Iterator[Select]:
    def one(name: str, label: str, options: Options, hint: str = "") -> Select:
        question, selected = questions.get(name), getattr(form, name)
        if selected and selected not in dict(options):
            options = [*options, (selected, selected[:_MAX_LABEL])]
        return Select(
            name=name,
            label=label,
            hint=question.text if question else hint,
            options=options,
            selected=selected,
            asks=question is not None or bool(selected),
        )

    if shape and shape.columns and (len(shape.columns) > 1 or "address_column" in questions):
        yield one("address_column", "Column with the addresses", _columns(shape, questions))
    if shape and len(shape.columns) > 1:
        yield from _who_is_out(one, shape)
    if form.opted_out or "opted_out" in questions:
        yield one("opted_out", "Who has opted out", _opted_out())
    if shape is None or shape.form in _WITH_LINES:
        hint = "What stands above it is skipped; its titles become the fields of the message"
        yield one("header_line", "Line with the titles of the columns", _lines(shape, lines), hint)
    hint = "Choose another if letters look wrong in the rows below"
    yield one("encoding", "Encoding", _encodings(shape, questions), hint)


def _who_is_out(one: Callable[..., Select], shape: Shape) -> Iterator[Select]:
    told = [column.label[:_MAX_LABEL] for column in shape.columns if _is_status(column)]
    found = f"Found: {' and '.join(told)}" if told else "Found: there is none"
    offered = _offered(shape)
    hint = "Where “yes”, a tick or a date stands in it, nobody is written to"
    yield one("opt_out_column", "Column that says who has opted out", [("", found), *offered], hint)
    hint = "Where it does not say yes, nobody is written to"
    yield one("opt_in_column", "Column that says who has agreed", [("", found), *offered], hint)


def _is_status(column: Column) -> bool:
    return column.becomes is Becomes.STATUS


def _offered(shape: Shape, *, all_of_them: bool = False) -> Options:
    titles = [column.title for column in shape.columns]
    return [
        (
            column.title
            if column.title and titles.count(column.title) == 1
            else str(column.position),
            column.label[:_MAX_LABEL],
        )
        for column in shape.columns
        if all_of_them or column.becomes is not Becomes.ADDRESS
    ]


def _columns(shape: Shape, questions: dict[str, Question]) -> Options:
    asked = questions.get("address_column")
    offered = [(option.value, option.label) for option in asked.options] if asked else []
    known = {value for value, _ in offered}
    offered += [option for option in _offered(shape, all_of_them=True) if option[0] not in known]
    taken = [column.label[:_MAX_LABEL] for column in shape.address_columns]
    if asked and asked.is_open:
        return [("", CHOOSE), *offered]
    return [("", f"Found: {' and '.join(taken)}"), *offered]


def _opted_out() -> Options:
    return [
        ("", "Leave them out"),
        (OptedOut.MAIL.value, "Write to them all the same"),
    ]


def _lines(shape: Shape | None, lines: Sequence[tuple[int, str]]) -> Options:
    found = "Found: there is none" if shape else "Find it"
    if shape and shape.header_line:
        found = f"Found: line {shape.header_line}"
    shown = [(str(number), f"Line {number}: {text[:_MAX_LABEL]}") for number, text in lines]
    return [("", found), ("0", "None: the first line is a recipient"), *shown]


def _encodings(shape: Shape | None, questions: dict[str, Question]) -> Options:
    asked = questions.get("encoding")
    found = f"Found: {ENCODINGS.get(shape.encoding, shape.encoding)}" if shape else "Find it"
    offered = {option.value: option.label for option in asked.options} if asked else ENCODINGS
    return [("", found), *offered.items()]


_BECAME = {
    Becomes.ADDRESS: "the address",
    Becomes.NAME: "the name",
    Becomes.FIELD: "a field",
    Becomes.STATUS: "says who has opted out",
    Becomes.IGNORED: "not used",
}


def became(column: Column) -> str:
    """What a column turned into, in words."""
    return _BECAME[column.becomes]
