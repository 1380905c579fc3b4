"""Comparisons of a merge field with a number: what comes out of a table is text, even "5".

A text is more than any number and equals none, so everybody would get the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from paceline.delivery.template_rules import Tag, Token

_OPERATORS = frozenset({"==", "!=", "<", ">", "<=", ">="})
_NO_FIELDS = frozenset(
    {"true", "false", "none", "True", "False", "None", "and", "or", "not", "in", "is", "if", "else"}
)
_NOTHING = Token("mark", "")


def compared_with_numbers(found: Iterable[Tag]) -> Iterator[tuple[Tag, str]]:
    """Tags of a source in which a field stands beside a number, with nothing that makes it one."""
    for tag in found:
        for field in _compared(tag.tokens):
            yield tag, field


def _compared(tokens: list[Token]) -> Iterator[str]:
    padded = [_NOTHING, *tokens, _NOTHING]
    for i in range(1, len(padded) - 3):
        before, left, operator, right, after = padded[i - 1 : i + 4]
        if operator.kind != "mark" or operator.text not in _OPERATORS:
            continue
        if right.kind == "number" and _is_field(left) and before.text not in ("|", "."):
            yield left.text
        if left.kind == "number" and _is_field(right) and after.text not in ("|", "."):
            yield right.text


def _is_field(token: Token) -> bool:
    return token.kind == "name" and token.text not in _NO_FIELDS
