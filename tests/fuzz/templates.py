"""Family `templates`: hostile and broken Jinja, and hostile values in templates that are sound.

A composed template comes with what it must become, worked out here without any engine. A spoiled
one must end in a named refusal or a sound message, soon, and show nothing of the inside.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from random import Random
from typing import Any

from paceline.delivery import Headers, MessageTemplate, RenderError
from paceline.errors import InvalidInput
from tests.fuzz import alphabet
from tests.fuzz.hunting import Family, hold, pure

HEADERS = Headers(
    from_address="news@example.com",
    to_address="ann@example.org",
    message_id="<1@example.com>",
    date=datetime(2027, 1, 1, tzinfo=UTC),
    boundary_seed="seed",
)
_FIELDS = ("name", "city", "company_2", "x", "_y")
_HOSTILE = (
    *(
        "{{ x.__class__.__mro__ }}",
        "{{ ''.__class__ }}",
        "{{ x['__globals__'] }}",
        "{{ x|attr('__class__') }}",
    ),
    *(
        "{{ self }}",
        "{{ loop }}",
        "{{ range(10**9) }}",
        "{{ namespace() }}",
        "{{ debug() }}",
        "{{ dict(a=1) }}",
    ),
    *(
        "{% for a in x %}{% for b in x %}{{ a }}{% endfor %}{% endfor %}",
        "{% include 'text.txt' %}",
    ),
    *(
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% set x = 1 %}",
        "{% block a %}{% endblock %}",
    ),
    *(
        "{{ 'a' * 10**9 }}",
        "{{ x|replace('', x)|replace('', x) }}",
        "{{ x|indent(10**9) }}",
        "{{ 1 // 0 }}",
    ),
    *(
        "{{ x|urlencode|safe }}",
        "{% raw %}{{ x }}",
        "{# ",
        "{{ '%999999d'|format(1) }}",
        "{{ [x, [x]] }}",
    ),
    *(
        "{{ x|sort|join(',') }}",
        "{{ 2 ** 999999 }}",
        "{{ x|title|truncate(3) }}",
        "{{ -9223372036854775808 - 1 }}",
    ),
    *(
        "{{ items }}",
        "{{ keys }}",
        "{% if x %}{% elif 1 %}",
        "{{ '\\ud800' }}",
        "{{ x.y.z|default('d') }}",
    ),
)
_MARKUP = (
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "|",
    "x",
    " ",
    "'",
    '"',
    "(",
    ")",
    "[",
    "]",
    "~",
    "\\",
    "-%}",
    "in",
)
_DEEP = (
    "not ",
    "- ",
    "(",
    "[",
    "{",
    "x|upper|",
    "x.a.",
    "x~",
    "x and ",
    "1 if x else ",
    "'}}'~",
    "x[",
    "~",
)
_INSIDE = re.compile(r"object at 0x|<class |built-in|<function|Traceback|__\w+__ of")
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True)
class Case:
    subject: str
    text: str | None
    html: str | None
    values: Mapping[str, Any]
    becomes: str | None = None  # the text, where it is known
    lacks: tuple[str, ...] = field(default=())  # merge fields without a value


def make(dice: Random) -> Case:
    """Composed, hostile or spoiled."""
    values: dict[str, Any] = {name: _value(dice) for name in _FIELDS if dice.random() < 0.85}
    if dice.random() < 0.45:
        return _composed(dice, values)
    source = _hostile(dice)
    if dice.random() < 0.1:
        values["x"] = dice.choice(
            ([1, 2, "a"], [[["x"]]], 10**18, 1.5e308, True, ["a"] * 2_000, {"a": 1})
        )
    return Case(
        subject=source if dice.random() < 0.15 else "Hello {{ x|default('') }}",
        text=source if dice.random() < 0.7 else "plain",
        html=source if dice.random() < 0.4 else None,
        values=values,
    )


def _value(dice: Random) -> str:
    turn = dice.random()
    if turn < 0.3:
        return dice.choice(
            ("Ann", "", "{{ x }}", "{% for %}", "<script>alert(1)</script>", "' \" & <")
        )
    return alphabet.mild(dice) if turn < 0.9 else alphabet.text(dice)


def _hostile(dice: Random) -> str:
    turn = dice.random()
    if turn < 0.3:
        source = "".join(dice.choice(_HOSTILE) for _ in range(dice.randint(1, 3)))
        return source if dice.random() < 0.5 else alphabet.spoiled(dice, source)
    if turn < 0.6:
        return alphabet.spoiled(dice, _composed(dice, {"x": "x"}).text or "", most=4)
    if turn < 0.95:
        return "".join(dice.choice(_MARKUP) for _ in range(dice.randint(1, 30)))
    deep = dice.choice(_DEEP) * dice.choice((30, 300, 3_000, 30_000))
    return dice.choice(
        (f"{{{{ {deep}x }}}}", f"{{{{ x{deep}", "{% if x %}" + "{% elif x %}" * len(deep))
    )


def _composed(dice: Random, values: dict[str, Any]) -> Case:
    source, becomes, lacks = "", "", []
    for _ in range(dice.randint(1, 8)):
        name, other = dice.choice(_FIELDS), str(dice.randrange(100))
        value = values.get(name, "")
        literal = alphabet.mild(dice, most=2).replace("{", "").replace("%", "").replace("#", "")
        turn = dice.randrange(5)
        if turn == 0:
            source, becomes = source + literal, becomes + literal
        elif turn == 1:
            source, becomes = f"{source}{{{{ {name} }}}}", becomes + value
            lacks += [name] * (name not in values)
        elif turn == 2:
            source += f'{{{{{name}|default("{other}")}}}}'
            becomes += value or other
        elif turn == 3:
            source += f"{{% if {name}|d %}}{other}{{% else %}}-{{% endif %}}"
            becomes += other if value else "-"
        else:
            source += f"{{% raw %}}{{{{ {other} }}}}{{% endraw %}}{{# {other} #}}"
            becomes += f"{{{{ {other} }}}}{{# {other} #}}"
    shown = f"<p>{{{{ {name}|d }}}}</p>"
    return Case("Hello", f"{source}.", shown, values, f"{becomes}.", tuple(lacks))


def judge(case: Case) -> str:
    """Refused when it is saved, or for one recipient, or rendered."""
    try:
        template = MessageTemplate.compile(subject=case.subject, text=case.text, html=case.html)
    except InvalidInput as refused:
        hold(case.becomes is None or _halves(case.text), f"a sound template is refused: {refused}")
        named = {problem.field for problem in refused.problems}
        hold(named <= {"subject", "text", "html"}, f"blames {named}")
        return "refused"
    try:
        made = template.render(case.values, headers=HEADERS)
    except RenderError as refused:
        return _check_refusal(case, refused)
    hold(not case.lacks, f"goes without {case.lacks}")
    parsed = message_from_bytes(made, policy=policy.SMTP)
    hold(not parsed.defects and len(parsed.get_all("Subject")) == 1, "is no sound message")
    hold(not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", made), "a bare CR or LF, or NUL")
    hold(max(map(len, made.split(b"\r\n"))) <= 998, "a line that is too long")
    leaves = [part for part in parsed.walk() if not part.is_multipart()]
    said = "".join(part.get_payload(decode=True).decode() for part in leaves)
    hold(not _INSIDE.search(said + str(parsed["Subject"])), "shows something of the inside")
    if case.becomes is not None and not any(map(_halves, case.values.values())):
        hold(leaves[0].get_payload(decode=True).decode() == _lines(case.becomes), "another text")
        _check_escaped(case, leaves[1].get_payload(decode=True).decode())
        return "as composed"
    return "sound"


def _check_refusal(case: Case, refused: RenderError) -> str:
    hold(
        refused.part in ("subject", "text", "html", "recipient", "Subject"),
        f"blames {refused.part}",
    )
    if case.becomes is not None:
        halves = any(map(_halves, case.values.values()))
        hold(case.lacks or halves, f"a sound recipient is refused: {refused}")
        hold(
            refused.field is None or refused.field in case.lacks,
            f"says that {refused.field} has no value",
        )
    return "unrenderable"


def _check_escaped(case: Case, body: str) -> None:
    name = str(case.html).partition("{{ ")[2].partition("|")[0]
    shown = body.removeprefix("<p>").removesuffix("</p>\r\n")
    hold(not re.search("[<>\"']", shown), f"HTML that was not escaped: {shown[:80]!a}")
    value = re.sub(r"\r\n|\r|\n", "\r\n", case.values.get(name, ""))
    hold(html.unescape(shown) == html.unescape(html.escape(value)), "another value in the HTML")


def _halves(text: str | None) -> bool:
    return re.search("[\ud800-\udfff]", text or "") is not None


def _lines(text: str) -> str:
    text = re.sub(r"\r\n|\r|\n", "\r\n", text)
    return text if text.endswith("\r\n") else text + "\r\n"


TEMPLATES = Family(
    name="templates",
    cases=2_500,
    outcomes=frozenset({"refused", "unrenderable", "as composed", "sound"}),
    make=make,
    open=pure(judge),
)
