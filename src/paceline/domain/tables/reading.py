"""Settles how a table is read, from its beginning and what was chosen, and puts it into words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from paceline.domain.printing import printable
from paceline.domain.tables.address_columns import Found
from paceline.domain.tables.choices import ENCODINGS, Choices, OptedOut
from paceline.domain.tables.columns import LIST_LAYOUT, Layout, address_column, lay_out
from paceline.domain.tables.forms import Form, form_of, sample_of
from paceline.domain.tables.header import Header, find_header
from paceline.domain.tables.lists import has_copies
from paceline.domain.tables.rows import Row
from paceline.domain.tables.sections import section_at, title_says_out
from paceline.domain.tables.shape import (
    Becomes,
    Column,
    OpenQuestions,
    Option,
    Question,
    Shape,
    SkippedLine,
)
from paceline.domain.tables.text import TextDecoder, showable
from paceline.domain.tables.unread_consent import unread_consent
from paceline.errors import InvalidInput

MAX_SKIPPED = 20  # lines above the header that are told
_MAX_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the rest of the table is read. Rows before `from_line` are above it, or its header."""

    form: Form
    layout: Layout
    from_line: int
    shape: Shape
    section: str | None = None  # a title above the rows that says nobody below it wants mail
    notes: tuple[str, ...] = ()  # of columns that may say who wants no mail


def settle(
    text: str, *, final: bool, decoder: TextDecoder, choices: Choices, wanted: Collection[str]
) -> Reading:
    """Raises `InvalidInput` for what is no table, `OpenQuestions` for one of several readings."""
    form = form_of(text, final=final, choices=choices)
    body_text = text[form.begin :]
    rows = sample_of(body_text, form.rows(), final=final)
    rows = rows or sample_of(body_text, form.rows(), final=True)
    rows = [Row(line, [*map(showable, cells or [])]) for line, cells in rows]  # titles come of it
    if not rows:
        raise InvalidInput.of("file", "holds no row that can be read")
    if form.name == "list":
        return _as_list(form, decoder, copies=has_copies(text))
    header = find_header(rows, given=form.has_header, line=choices.header_line)
    start = 0 if header.last is None else header.last + 1
    body = [row.cells or [] for row in rows[start:]]
    found = address_column(header, body, chosen=choices.address_column, wanted=wanted)
    shape = _shape(form, header, rows, decoder)
    if found.column is None:
        raise OpenQuestions(
            _with(shape, _columns(header, None), [_which_column(header, found, body)])
        )
    named = {name: value for name, value in choices.columns.items() if name != "address_column"}
    layout = lay_out(header, body, address=found.column, wanted=wanted, named=named)
    questions = _questions(header, found, body, decoder)
    return Reading(
        form=form,
        layout=layout,
        from_line=1 if header.last is None else rows[header.last].line + 1,
        shape=_with(shape, _columns(header, layout), questions),
        section=section_at([row.cells or [] for row in rows[: header.first or 0]])
        or title_says_out([header.titles[found.column]]),
        notes=unread_consent(header.titles, body, address=found.column, statuses=layout.statuses),
    )


def _as_list(form: Form, decoder: TextDecoder, *, copies: bool) -> Reading:
    column = Column(position=1, title="", becomes=Becomes.ADDRESS)
    shape = Shape(
        form="list",
        encoding=decoder.encoding,
        delimiter="",
        header_line=None,
        columns=(column,),
        questions=(*_encoding_question(decoder), _WITH_COPIES if copies else _ALL_OF_A_LIST),
    )
    return Reading(form=form, layout=LIST_LAYOUT, from_line=1, shape=shape)


_ALL_OF_A_LIST = Question(
    about="header_line",
    text="The file is a list of addresses without a header: each of them is a recipient.",
    options=(
        Option(value="0", label="A list: every address is a recipient"),
        Option(value="1", label="A table: line 1 is its header"),
    ),
    chosen="0",
    parameter="header_line",
)


_WITH_COPIES = replace(
    _ALL_OF_A_LIST,
    text="The file is a list of addresses without a header: each of them is a recipient, those in "
    "copy (Cc, Bcc) among them. Delete their lines from the list to leave them out.",
)


def again(layout: Layout, cells: Sequence[str], *, wanted: Collection[str]) -> Layout | None:
    """The layout that a header further down asks for; None where it changes nothing."""
    titles = tuple(" ".join(showable(cell).split()) for cell in cells)
    if titles == layout.titles:
        return None
    header = Header(first=0, last=0, titles=titles)
    try:
        found = address_column(header, [], chosen=None, wanted=wanted)
    except InvalidInput:
        return None
    if found.column is None:
        return None
    return lay_out(header, [], address=found.column, wanted=wanted, named=dict(layout.named))


def _shape(form: Form, header: Header, rows: Sequence[Row], decoder: TextDecoder) -> Shape:
    above = rows[: header.first or 0]
    return Shape(
        form=form.name,
        encoding=decoder.encoding,
        delimiter=form.delimiter,
        header_line=None if header.first is None else rows[header.first].line or None,
        columns=(),
        skipped=tuple(
            SkippedLine(line=row.line, text=_shown(row.cells or [])) for row in above[:MAX_SKIPPED]
        ),
    )


def _with(shape: Shape, columns: Iterable[Column], questions: Iterable[Question]) -> Shape:
    return Shape(
        form=shape.form,
        encoding=shape.encoding,
        delimiter=shape.delimiter,
        header_line=shape.header_line,
        columns=tuple(columns),
        skipped=shape.skipped,
        questions=tuple(questions),
    )


def _columns(header: Header, layout: Layout | None) -> list[Column]:
    fields = dict(layout.fields) if layout else {}
    statuses = {status.index for status in layout.statuses} if layout else set()
    columns = []
    for i, title in enumerate(header.titles):
        becomes = Becomes.FIELD if i in fields else Becomes.IGNORED
        if layout and i == layout.address:
            becomes = Becomes.ADDRESS
        elif i in statuses:
            becomes = Becomes.STATUS
        elif layout and layout.name == (i,):
            becomes = Becomes.NAME
        name = "name" if becomes is Becomes.NAME and i not in fields else fields.get(i)
        columns.append(Column(position=i + 1, title=title, becomes=becomes, field=name))
    return columns


def _questions(
    header: Header, found: Found, body: Sequence[list[str]], decoder: TextDecoder
) -> list[Question]:
    questions = [*_encoding_question(decoder)]
    if header.first is None:
        questions.append(_no_header(body))
    if found.others:
        questions.append(_which_column(header, found, body))
    return questions


def _no_header(body: Sequence[list[str]]) -> Question:
    first = _shown(body[0]) if body else ""
    return Question(
        about="header_line",
        text=f"There is no header: the first row, “{first}”, is read as a recipient.",
        options=(
            Option(value="0", label="No header: every row is a recipient"),
            Option(value="1", label="Line 1 is the header"),
        ),
        chosen="0",
        parameter="header_line",
    )


def _which_column(header: Header, found: Found, body: Sequence[list[str]]) -> Question:
    indices = sorted({*found.others} | ({found.column} if found.column is not None else set()))
    options = tuple(
        Option(value=_value(header, i), label=f"{_label(header, i)} ({_example(body, i)})")
        for i in indices
    )
    several = ", ".join(_label(header, i) for i in indices)
    if found.column is None:
        text = f"Several columns hold addresses, {several}, and none is plainly the recipient's."
        return Question(
            about="address_column",
            text=f"{text} Choose one.",
            options=options,
            chosen=None,
            parameter="address_column",
        )
    because = f", because {found.why}" if found.why else ""
    return Question(
        about="address_column",
        text=f"Addresses stand in {several}; {_label(header, found.column)} is taken{because}.",
        options=options,
        chosen=_value(header, found.column),
        parameter="address_column",
    )


def _value(header: Header, index: int) -> str:
    title = header.titles[index]
    return title if title and header.titles.count(title) == 1 else str(index + 1)


def _label(header: Header, index: int) -> str:
    title = _shown([header.titles[index]])
    return f"“{title}”" if title else f"column {index + 1}"


def _example(body: Sequence[list[str]], index: int) -> str:
    values = (row[index].strip() for row in body if index < len(row))
    return _shown([next(filter(None, values), "empty")])


def _encoding_question(decoder: TextDecoder) -> list[Question]:
    if not decoder.guessed:
        return []
    likely = (decoder.encoding, *decoder.others)
    options = (*likely, *(codec for codec in ENCODINGS if codec not in likely))
    return [
        Question(
            about="encoding",
            text=f"The file is not UTF-8; it is read as {ENCODINGS[decoder.encoding]}.",
            options=tuple(Option(value=codec, label=ENCODINGS[codec]) for codec in options),
            chosen=decoder.encoding,
            parameter="encoding",
        )
    ]


def opted_out_question(shape: Shape, *, opted_out: OptedOut, counts: dict[str, int]) -> Question:
    """What was done with the rows whose status says no."""
    total = sum(counts.values())
    named = "; ".join(f"{label} ({count})" for label, count in list(counts.items())[:10])
    verb = "left out" if opted_out is OptedOut.LEAVE_OUT else "mailed all the same"
    rows = "1 row is" if total == 1 else f"{total:,} rows are"
    return Question(
        about="opted_out",
        text=f"{rows} {verb} that the table says not to write to: {named}.",
        options=(
            Option(value=OptedOut.LEAVE_OUT.value, label="Leave them out"),
            Option(value=OptedOut.MAIL.value, label="Write to them all the same"),
        ),
        chosen=opted_out.value,
        parameter="opted_out",
    )


def _shown(cells: Sequence[str]) -> str:
    text = ", ".join(" ".join(cell.split()) for cell in cells if cell.strip())
    text = text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"
    return printable(text)
