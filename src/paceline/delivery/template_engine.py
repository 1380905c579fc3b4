"""The template engine as it is set up here: strict, bounded, without methods and without comments.

Comments are not offered: `{#` is how minified CSS begins a rule for an id, and everything up to the
next `#}` would be gone. The engine insists on having marks for them; these nobody can write.
"""

from __future__ import annotations

from minijinja import Environment

FUEL = 100_000  # engine steps for one part of one email
# Noncharacters: a source that holds them is refused.
NEVER_WRITTEN = "\ufdd4", "\ufdd5"
# The engine's HTML escaping makes this of each slash, which some web mail takes for no link.
SLASH = "&#x2f;"


def environment() -> Environment:
    """An empty one. Templates named `….html` escape what they are given."""
    made = Environment(
        fuel=FUEL,
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
    return made


def _auto_escape(template: str) -> str | None:
    return "html" if template.endswith(".html") else None  # "none" is an error in the binding


def _default(value: object, default: object = "", _boolean: object = True) -> object:
    """An empty cell of a table is no value: "Hello ," is what `default` is there to prevent."""
    return default if value is None or value == "" else value
