"""What to write instead of a tag that other programs understand and this one does not.

Handlebars, Mustache, Liquid, HubSpot and Marketo all write two braces, and mean other things.
"""

from __future__ import annotations

import re

_NAME = r"[A-Za-z_][\w.@ -]{0,60}?"
_BRACES = re.compile(r"[{}~&]+|%\}|\{%")
_HANDLEBARS = (
    (r"\{\{[#~]*\s*if\s+(?P<x>.+?)~?\}\}", "is Handlebars: write {{% if {x} %}} … {{% endif %}}"),
    (
        r"\{\{[#~]*\s*unless\s+(?P<x>.+?)~?\}\}",
        "is Handlebars: write {{% if not {x} %}} … {{% endif %}}",
    ),
    (
        r"\{\{[#~]*\s*each\s+(?P<x>.+?)~?\}\}",
        "is Handlebars: write {{% for item in {x} %}} … {{% endfor %}}",
    ),
    (r"\{\{~?\s*else\s*~?\}\}", "is Handlebars: write {{% else %}}"),
    (r"\{\{~?/\s*(?:if|unless)\s*~?\}\}", "is Handlebars: write {{% endif %}}"),
    (r"\{\{~?/\s*each\s*~?\}\}", "is Handlebars: write {{% endfor %}}"),
    (r"\{\{!.*", "is a comment of Handlebars: take it out, there are no comments here"),
    (r"\{\{>.*", "is a partial of Handlebars: put the text itself here"),
    (r"\{\{\^\s*(?P<x>.+?)\}\}", "is Mustache: write {{% if not {x} %}} … {{% endif %}}"),
    (r"\{\{#\s*(?P<x>.+?)\}\}", "is Mustache: write {{% if {x} %}} … {{% endif %}}, or for"),
    (r"\{\{/\s*(?P<x>.+?)\}\}", "is Mustache: write {{% endif %}}, or {{% endfor %}}"),
    (r"\{\{\{\s*(?P<x>.+?)\s*\}\}\}", "has a brace too many: write {{{{ {x} }}}}"),
    (r"\{\{[&~]+\s*(?P<x>.+?)\s*~?\}\}", "is Handlebars: write {{{{ {x} }}}}"),
    (r"\{\{@.*", "is Handlebars: in a loop, write {{{{ loop.index }}}}"),
    (
        r"\{\{\s*(?P<x>\w+)\s*\|\s*default:\s*(?P<y>\"[^\"]*\"|'[^']*'|[\w.-]+).*\}\}",
        "is Liquid: write {{{{ {x} | default({y}) }}}}",
    ),
    (
        r"\{\{.*\|\s*\w+\s*:.*\}\}",
        "is Liquid: a filter takes its values in brackets, as in default(1)",
    ),
    (
        r"\{\{\s*var:(?P<x>\w+)(?::.*)?\}\}",
        'is Mailjet: write {{{{ {x} }}}}, or {{{{ {x} | default("…") }}}}',
    ),
    (
        r"\{\{[^{}]*\._",
        "is not available: a merge field is the name of a column of your list, and no more",
    ),
    (
        rf"\{{\{{\s*\w+\.(?P<n>{_NAME})\s*(?:[:|].*)?\}}\}}",
        "is another program's field, ours have no dots: write {{{{ {n} }}}}, if a column of "
        "your list is called so",
    ),
    (
        r"\{\{\s*(?P<n>\w+(?:-\w+)+)\s*\|.*\}\}",
        "is no merge field, which is one word: write {{{{ {n} | … }}}}",
    ),
    (r"\{\{\s*this\s*\}\}", "is Handlebars: write {{{{ item }}}} in {{% for item in … %}}"),
    (r"\{\{\s*\}\}", "is empty: write a merge field's name inside, or take it out"),
    (
        rf"\{{\{{\s*(?P<n>{_NAME})\s*\}}\}}",
        "is no merge field, which is one word: write {{{{ {n} }}}}",
    ),
)
_PATTERNS = [(re.compile(pattern, re.DOTALL), text) for pattern, text in _HANDLEBARS]
STRING = re.compile(r"\"[^\"]*\"|'[^']*'")
_HYPHENATED = re.compile(r"(?<![\w.)\]-])[A-Za-z_]\w*(?:[-\u2010\u2011\u2013][A-Za-z_]\w*)+")
_STATEMENT = re.compile(r"\{%[-+]?\s*(?P<name>\w*)")
_KNOWN = frozenset({"if", "elif", "for"})
_MAX_LOOKED_AT = 300  # characters


def advice(tag: str) -> str:
    """What is wrong with a tag that cannot be read, and what to write instead."""
    tag = tag[:_MAX_LOOKED_AT]
    if statement := _STATEMENT.match(tag):
        name = statement["name"]
        if name in _KNOWN and (title := hyphenated(tag)):
            return f"has “{title}”, no merge field, which is one word: write {as_field(title)}"
        if name in _KNOWN:
            return "cannot be read: write names, values in quotation marks, ==, and, or, not"
        if name in ("else", "endif", "endfor"):
            return f"says more than {{% {name} %}}"
        return "is not available: {% if %}, {% for %} and {% raw %} are"
    for pattern, text in _PATTERNS:
        if found := pattern.match(tag):
            names = {key: value.strip() for key, value in found.groupdict().items()}
            if "n" in names:
                names["n"] = as_field(names["n"])
            return text.format(**names)
    return (
        "cannot be read: write {{ first_name }}, or {% raw %} … {% endraw %} around braces that "
        "are to be sent as they are"
    )


def hyphenated(tag: str) -> str | None:
    """A name with hyphens outside a tag's quotation marks; with spaces it would be subtraction."""
    found = _HYPHENATED.search(STRING.sub("''", tag))
    return found[0] if found else None


def as_field(name: str) -> str:
    """A name of another program as a merge field's: `First Name` is `first_name`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.rpartition(".")[2])
    field = re.sub(r"\W+", "_", words.lower()).strip("_")
    return {"fname": "first_name", "lname": "last_name"}.get(field, field) or "field"
