"""Which merge fields a template cannot do without, found out by trying.

Each tag that stands alone, and each outermost `if` or `for`, is tried by itself: with values for
all of its fields, and with one of them missing. So the work grows with the template, not with the
template times its fields, and what a construct can ask for is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from minijinja import Environment, TemplateError

from paceline.delivery.template_engine import environment
from paceline.delivery.template_rules import Tag

# Stand-ins for values: one for each way that an `if` may turn, and a number.
STAND_INS: tuple[object, ...] = ("x", "", 1)
MAX_STEPS = 1_500_000  # of the engine, for all trials of one source
# A trial that runs out of steps finds nothing: the same loop is cut short when a message is made.
_STEPS, _STEPS_PER_TOKEN = 200, 3
_NAME = "construct"
_UNDEFINED = re.compile(r"`([^`]+)` is undefined")


# What is so whatever the values are. Only a name without a value is looked up as a function.
_BROKEN = frozenset({"UnknownFilter", "UnknownFunction", "UnknownTest", "UnknownMethod"})


class Hopeless(Exception):
    """The template fails whatever the values are, or is too much to try; begins with the line."""


class _Construct(NamedTuple):
    source: str  # its tags, with the line ends between them and no other text
    tokens: int
    line: int


def indispensable(source: str, found: Iterable[Tag]) -> frozenset[str]:
    """The fields without which the template fails for some value. Raises `Hopeless`.

    `found` are the tags of the source, which has been checked.
    """
    engine = environment()
    needed: set[str] = set()
    left = MAX_STEPS
    for construct in {c.source: c for c in _constructs(source, found)}.values():
        engine.add_template(_NAME, construct.source)
        used = engine.undeclared_variables_in_template(_NAME)
        engine.fuel = _STEPS + _STEPS_PER_TOKEN * construct.tokens
        left -= engine.fuel * len(used) * len(STAND_INS)
        if left < 0:
            raise Hopeless(f"line {construct.line}: too many merge fields within one if or for")
        try:
            needed |= {field for field in used - needed if _is_needed(engine, field, used)}
        except TemplateError as error:
            line = construct.line + (error.line or 1) - 1
            raise Hopeless(f"line {line}: {error.detail or error.message}") from None
    return frozenset(needed)


def undefined_in(error: TemplateError) -> str | None:
    """The field that had no value, where that is what a rendering failed for."""
    found = _UNDEFINED.search(error.detail or "")
    return found[1] if found else None


def _constructs(source: str, found: Iterable[Tag]) -> Iterator[_Construct]:
    pieces: list[str] = []
    tokens = depth = position = begun = 0
    line = 1
    for tag in found:
        lines = source.count("\n", position, tag.start)
        if not depth:
            line, pieces, tokens = line + source.count("\n", begun, tag.start), [], 0
            begun = tag.start
        else:
            pieces.append("\n" * lines)
        position = tag.end
        if not tag.tokens:
            continue  # a raw block
        pieces.append(source[tag.start : tag.end])
        tokens += len(tag.tokens)
        name = tag.tokens[1].text if tag.tokens[0].text == "{%" and tag.tokens[1:] else ""
        depth += (name in ("if", "for")) - name.startswith("end")
        if not depth:
            yield _Construct("".join(pieces), tokens, line)


def _is_needed(engine: Environment, field: str, used: Iterable[str]) -> bool:
    return any(_is_missed(engine, field, dict.fromkeys(used, value)) for value in STAND_INS)


def _is_missed(engine: Environment, field: str, values: Mapping[str, object]) -> bool:
    given = {name: value for name, value in values.items() if name != field}
    try:
        engine.render_template(_NAME, **given)
    except TemplateError as error:
        if error.kind in _BROKEN:
            raise
        missing = undefined_in(error)
        return missing is not None and missing.partition(".")[0] == field
    return False
