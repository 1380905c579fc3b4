"""The template engine as it is set up here: strict, bounded, without methods and without comments.

Comments are not offered: `{#` is how minified CSS begins a rule for an id, and everything up to the
next `#}` would be gone. The engine insists on having marks for them; these nobody can write.
"""

from __future__ import annotations

import re

from minijinja import Environment, TemplateError

from paceline.delivery import link_values, template_rules

# Engine steps for one part of one email, a step for each 64 octets of a value among them: at most
# 20 ms. A megabyte of text takes 16,000, five thousand merge fields 10,000.
FUEL = 50_000
# Noncharacters: a source that holds them is refused.
NEVER_WRITTEN = "\ufdd4", "\ufdd5"
# The engine's HTML escaping makes this of each slash, which some web mail takes for no link.
SLASH = "&#x2f;"


def environment(*, fuel: int = FUEL) -> Environment:
    """An empty one. Templates named `….html` escape what they are given."""
    made = Environment(
        fuel=fuel,
        undefined_behavior="strict",
        pycompat=False,  # no methods on values
        auto_escape_callback=_auto_escape,
        comment_start_string=NEVER_WRITTEN[0],
        comment_end_string=NEVER_WRITTEN[1],
    )
    for name in list(made.globals):
        made.remove_global(name)
    made.add_filter("default", _default)
    made.add_filter("d", _default)
    for name, filter_ in link_values.FILTERS.items():
        made.add_filter(name, filter_)
    return made


def _auto_escape(template: str) -> str | None:
    return "html" if template.endswith(".html") else None  # "none" is an error in the binding


def _default(
    value: object, default: object = "", _boolean: object = True, *more: object, **named: object
) -> object:
    """An empty cell of a table is no value: "Hello ," is what `default` is there to prevent."""
    if more or named:
        raise TemplateError('default takes one value, as in default("there")')
    return default if value is None or value == "" else value


def reads(tag: str) -> bool:
    """Whether one tag says something that the engine reads, whatever it may then refuse."""
    statement = _STATEMENT.fullmatch(tag)
    if statement is None:
        return _is_expression(tag)
    name, rest = statement["name"], statement["rest"].strip()
    if name in ("if", "elif"):
        return _is_expression(f"{{{{ {rest} }}}}")
    if name == "for":
        loop = _LOOP.fullmatch(rest)
        return loop is not None and _is_expression(f"{{{{ {loop['over']} }}}}")
    return name in ("else", "endif", "endfor", "raw", "endraw") and not rest


def _is_expression(tag: str) -> bool:
    """Not asked about what is so deep that reading it would end the process: that is refused."""
    try:
        template_rules.refuse_depth(tag, template_rules.tags(tag))
    except template_rules.RuleBroken:
        return True
    try:
        names = _READER.undeclared_variables_in_str(tag)
    except TemplateError:
        return False
    return not names & _NO_NAMES


_READER = environment()
_STATEMENT = re.compile(r"\{%[-+]?\s*(?P<name>[A-Za-z]+)\b(?P<rest>.*?)[-+]?%\}", re.DOTALL)
_LOOP = re.compile(r"\w+(?:\s*,\s*\w+){0,3}\s+in\b(?P<over>.*)", re.DOTALL)
_NO_NAMES = frozenset({"if", "elif", "else", "endif", "for", "endfor", "raw", "endraw"})
