"""What a template may say: merge fields with filters, `if`, `for` and `raw`. Nothing that grows.

The engine's fuel stops loops, but not one expression over a value that is small in memory and huge
when written out: `[1] * 10**12`, or ten lists of ten lists of ten lists, keep a processor busy for
hours before any fuel is counted. What can build such a value is refused here, when the template is
saved: multiplication, lists made of anything but constants, and every statement and filter that
binds or nests. So is what costs by length without using up fuel: slices, and texts of a megabyte
within a tag, which a loop would compare again and again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

STATEMENTS = frozenset({"if", "elif", "else", "endif", "for", "endfor"})
FILTERS = frozenset(
    {
        "abs",
        "bool",
        "capitalize",
        "count",
        "d",
        "default",
        "e",
        "escape",
        "first",
        "float",
        "format",
        "indent",
        "int",
        "join",
        "last",
        "length",
        "lower",
        "max",
        "min",
        "replace",
        "reverse",
        "round",
        "safe",
        "sort",
        "split",
        "string",
        "sum",
        "title",
        "trim",
        "truncate",
        "unique",
        "upper",
        "urlencode",
    }
)
# The engine reads and drops what it has parsed by recursion, on the machine's stack. It counts the
# depth of brackets and blocks only: 20,000 times `not`, or `elif`, end the process.
MAX_STEPS = 250  # names, operators and brackets of one tag
MAX_STRING = 4_000  # characters of a text within a tag
MAX_ELIFS = 250  # of one template: each lies inside the one before
# All of one template's tags together. A newsletter with a thousand merge fields has 3,000; a loop
# writes out more than anybody would by hand. A megabyte of tags would take seconds to read.
MAX_TOKENS = 20_000

_CONSTANTS = frozenset({"true", "false", "none", "True", "False", "None"})
_WORD_OPERATORS = frozenset({"and", "or", "not", "in", "is", "if", "elif", "else", "for"})

_OPENING = re.compile(r"\{\{|\{%")
_RAW = re.compile(r"[-+]?\s*raw\s*[-+]?%\}")
_ENDRAW = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")
_STRINGS = {'"': r'"(?:\\.|[^"\\])*"', "'": r"'(?:\\.|[^'\\])*'"}
_NEVER = "(?!)"


def _token_but(unclosed: str) -> re.Pattern[str]:
    """A token, where strings in these quotation marks are known to have no end."""
    strings = "|".join(s for quote, s in _STRINGS.items() if quote not in unclosed) or _NEVER
    return re.compile(
        rf"""\s*(?:(?P<string>{strings})
             |(?P<name>[^\W\d]\w*)
             |(?P<number>\d[\w.]*)
             |(?P<mark>\*\*|//|==|!=|<=|>=|[^\s]))""",
        re.VERBOSE | re.DOTALL,
    )


# The end of a string is looked for up to the end of the source. Where there is none, there is none
# for the next string in the same marks either: its first mark was escaped in the one before, and
# both are read alike from there on. Looking again at each takes minutes over a megabyte.
_TOKENS = {unclosed: _token_but(unclosed) for unclosed in ("", '"', "'", "\"'")}


_BELONGS_TO = {"elif": ("if",), "else": ("if", "for"), "endif": ("if",), "endfor": ("for",)}
_MAX_SHOWN = 60  # characters of a tag


class RuleBroken(Exception):
    """The template says something that templates may not; the message begins with the line."""


class Token(NamedTuple):
    kind: str
    text: str


_STATEMENT = Token("mark", "{%")
_COLON = Token("mark", ":")


class Tag(NamedTuple):
    """`{{ }}` or `{% %}`, with its tokens; or a raw block, without any."""

    start: int
    end: int
    tokens: list[Token]

    def line(self, source: str) -> int:
        """The line of the source on which it begins."""
        return source.count("\n", 0, self.start) + 1


def refuse_depth(source: str, found: Iterable[Tag]) -> None:
    """Refuses what the engine must not even parse. Raises `RuleBroken`; the source may be broken.

    No step of an expression lies deeper than there are steps before it. `found` are its tags, here
    as below.
    """
    elifs = 0
    for tag in found:
        tokens = tag.tokens
        steps = sum(token.kind in ("name", "mark") and token.text != "," for token in tokens)
        if steps > MAX_STEPS:
            raise RuleBroken(
                f"line {tag.line(source)}: an expression of more than {MAX_STEPS} steps"
            )
        elifs += any(token.text == "elif" for token in tokens[1:2])
        if elifs > MAX_ELIFS:
            raise RuleBroken(
                f"line {tag.line(source)}: more than {MAX_ELIFS} times elif in one template"
            )


def check(source: str, found: Iterable[Tag]) -> None:
    """Raises `RuleBroken`. `source` is one that the engine has parsed already."""
    for tag in found:
        try:
            _check_tag(tag.tokens)
        except RuleBroken as broken:
            raise RuleBroken(f"line {tag.line(source)}: {broken}") from None


def refuse_costly(source: str, found: Iterable[Tag]) -> None:
    """Refuses what costs by length without using up fuel. Raises `RuleBroken`.

    `source` is one that `check` lets through.
    """
    for tag in found:
        for token in tag.tokens:
            if token == _COLON:
                broken = "a piece of a text is not available: use first, last or truncate"
            elif token.kind == "string" and len(token.text) > MAX_STRING:
                broken = f"a text of more than {MAX_STRING:,} characters within a tag"
            else:
                continue
            raise RuleBroken(f"line {tag.line(source)}: {broken}")


def refuse_unbalanced(source: str, found: Iterable[Tag]) -> None:
    """Refuses an `if` or `for` without its end, and the other way round. Raises `RuleBroken`.

    The engine says on which line the source ends.
    """
    open_tags: list[Tag] = []
    for tag in found:
        name = tag.tokens[1].text if tag.tokens[:1] == [_STATEMENT] and tag.tokens[1:] else ""
        if name in ("if", "for"):
            open_tags.append(tag)
        elif name in _BELONGS_TO:
            begun = open_tags[-1].tokens[1].text if open_tags else ""
            if begun not in _BELONGS_TO[name]:
                need = " or ".join(f"{{% {begin} … %}}" for begin in _BELONGS_TO[name])
                shown = source[tag.start : tag.end]
                raise RuleBroken(f"line {tag.line(source)}: “{shown}” has no {need} before it")
            if name.startswith("end"):
                open_tags.pop()
    for tag in open_tags[-1:]:
        shown = source[tag.start : tag.end][:_MAX_SHOWN]
        end = f"{{% end{tag.tokens[1].text} %}}"
        raise RuleBroken(f"line {tag.line(source)}: “{shown}” has no {end} after it")


def _check_tag(tokens: list[Token]) -> None:
    if not tokens:
        return
    statement = tokens[0].text == "{%"
    if statement and (len(tokens) < 2 or tokens[1].text not in STATEMENTS):
        name = tokens[1].text if len(tokens) > 1 else ""
        raise RuleBroken(f"{{% {name} %}} is not available; if, for and raw are")
    open_brackets: list[str] = []  # "list", "group" or "other"
    before = tokens[0]
    for token in tokens[1:]:
        mark = token.text if token.kind == "mark" else ""
        if mark in ("*", "**", "{"):
            raise RuleBroken(f"{mark} is not available in templates")
        if before.text == "|" and before.kind == "mark" and token.text not in FILTERS:
            raise RuleBroken(f"the filter {token.text} is not available")
        if open_brackets and open_brackets[-1] == "list" and not _constant(token):
            raise RuleBroken("a list may hold only constants")
        if mark == "," and (not open_brackets or open_brackets[-1] == "group"):
            raise RuleBroken("a list of values is not available here")
        if mark in ("[", "("):
            own = "list" if mark == "[" else "group"
            open_brackets.append("other" if _follows_value(before) else own)
        elif mark in ("]", ")") and open_brackets:
            open_brackets.pop()
        before = token


def _constant(token: Token) -> bool:
    if token.kind == "name":
        return token.text in _CONSTANTS
    return token.kind in ("string", "number") or token.text in (",", "-", "]")


def _follows_value(before: Token) -> bool:
    """Whether a bracket after this token calls or subscribes it, rather than opening a literal."""
    if before.kind == "name":
        return before.text not in _WORD_OPERATORS
    return before.kind == "string" or before.text in ("]", ")")


def tags(source: str, *, most: int = MAX_TOKENS) -> Iterator[Tag]:
    """The tags of a source in their order, cut as the engine cuts it; text between is free.

    Raises `RuleBroken` when they come to more than `most` tokens.
    """
    position, room, unclosed = 0, most, ""
    while opening := _OPENING.search(source, position):
        start = opening.start()
        tokens: list[Token] = []
        if opening[0] == "{%" and (raw := _RAW.match(source, opening.end())):
            end_raw = _ENDRAW.search(source, raw.end())
            position = end_raw.end() if end_raw else len(source)
        else:
            closing = "}}" if opening[0] == "{{" else "%}"
            signed = source.startswith(("-", "+"), opening.end())  # about white space
            begin = opening.end() + signed
            tokens, position, unclosed = _tag(source, begin, closing, room, unclosed)
            tokens.insert(0, Token("mark", opening[0]))
        room -= max(1, len(tokens))  # raw blocks count too
        if room < 0:
            line = source.count("\n", 0, start) + 1
            raise RuleBroken(
                f"line {line}: more than {most:,} names, values and marks in one template"
            )
        yield Tag(start, position, tokens)


def _tag(
    source: str, position: int, closing: str, room: int, unclosed: str
) -> tuple[list[Token], int, str]:
    """The tokens up to the closing mark, which counts only outside brackets, and where it ends.

    No more of them than `room`. `unclosed` are the quotation marks that open no string any more, in
    the order of `_TOKENS`; the last of what is returned, those of them after this tag.
    """
    tokens: list[Token] = []
    end = re.compile(rf"\s*[-+]?{re.escape(closing)}")
    depth = 0
    while len(tokens) < room and (token := _TOKENS[unclosed].match(source, position)):
        if depth == 0 and (ended := end.match(source, position)):
            return tokens, ended.end(), unclosed
        kind = token.lastgroup or ""
        tokens.append(Token(kind, token[kind]))
        if kind == "mark":
            depth += (token[kind] in "([{") - (token[kind] in ")]}")
            if token[kind] in _STRINGS and token[kind] not in unclosed:
                unclosed = "".join(quote for quote in _STRINGS if quote in unclosed + token[kind])
        position = token.end()
    return tokens, len(source), unclosed
