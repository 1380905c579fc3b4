"""Tags as editors leave them: read as what they mean, or named."""

from __future__ import annotations

import pytest

from paceline.delivery.template_spelling import MAX_FOREIGN, spelled


def read(source: str) -> str:
    result = spelled(source, html=True)
    assert result.foreign == ()
    return result.source


def foreign(source: str, *, html: bool = True) -> list[str]:
    return [tag.excerpt for tag in spelled(source, html=html).foreign]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("{{&nbsp;a&nbsp;}}", "{{ a }}"),
        ("{{\xa0a\u2009}}", "{{ a }}"),
        ("{{\u200ba\ufeff}}", "{{a}}"),
        ("{{ fir&shy;st&zwnj; }}", "{{ first }}"),
        ("{\u200b{ a }\ufeff}", "{{ a }}"),
        ("{{ a | default(&quot;b&quot;) }}", '{{ a | default("b") }}'),
        ("{{ a | default(&#39;b&#x27;) }}", "{{ a | default('b') }}"),
        ("{{ a | default(“b”) }}", '{{ a | default("b") }}'),
        ("{{ a | default(„b“) }}", '{{ a | default("b") }}'),
        ("{{ a | default(«b») }}", '{{ a | default("b") }}'),
        ("{{ a | default(‘it’s’) }}", "{{ a | default('it’s') }}"),
        ("{{ a | default(“it’s”) }}", '{{ a | default("it’s") }}'),
        ("{{ a | default(&ldquo;b&rdquo;) }}", '{{ a | default("b") }}'),
        ("{{ a | default(&quot;x &amp; y&quot;) }}", '{{ a | default("x & y") }}'),
        ("{% if a &gt; 2 and b &lt; 3 %}", "{% if a > 2 and b < 3 %}"),
        ("{%&nbsp;if a ≥ 2&nbsp;%}", "{% if a >= 2 %}"),
        ("{{ a – 1 }}", "{{ a - 1 }}"),
        ("{{ <b>a</b> }}", "<b>{{ a }}</b>"),
        ("{{ <i>a</i>b }}", "<i>{{ ab }}</i>"),
        ("{<b>{ a }}</b>", "<b>{{ a }}</b>"),
        ("{{ a }<b>}</b>", "{{ a }}<b></b>"),
        ("{{ a</span><span lang=EN>_b }}", "{{ a_b }}</span><span lang=EN>"),
        ("{{ a<o:p></o:p>_b }}", "{{ a_b }}<o:p></o:p>"),
        ("{{ a</td>\n<td>_b }}</td>", "{{ a_b }}</td><td></td>"),
        ("{{ a<!-- x -->_b }}", "{{ a_b }}<!-- x -->"),
        ("<td>{% if</b> a %}", "<td>{% if a %}</b>"),
        ('<a href="/%7B%7B%20a%20%7D%7D">', '<a href="/{{ a }}">'),
        ('<a href="/%7b%7ba%7Curlencode%7d%7d">', '<a href="/{{a|urlencode}}">'),
        ('<a href="/{{%20a%20}}">', '<a href="/{{ a }}">'),
        ('<a href="/%7B%25%20if%20a%20%25%7Db">', '<a href="/{% if a %}b">'),
    ],
)
def test_a_tag_that_an_editor_changed_is_read_as_what_was_typed(written: str, meant: str) -> None:
    assert read(f"<p>x {written} y</p>") == f"<p>x {meant} y</p>"
    assert read(read(written)) == read(written)


@pytest.mark.parametrize(
    "source",
    [
        *("{{ a }}", "{{a}}", "{{- a -}}", "{% if a < 1 and b > 2 %}", "{{ '}}' ~ a }}"),
        *('{{ a | default("“b”") }}', "{{ a | default('a &amp b') }}", "{% if a <b and c> d %}"),
        *("{{ a | default('<b>x</b>') | safe }}", "{ { a } }", "{#{{ a }}#}", "{<b>{</b>", "}} %}"),
        *("{% raw %}{{#if}} {{&nbsp;a }}{% endraw %}", "{% else %}", "{%- endif -%}"),
        *(
            "<a href='/%7B%7B%20'>",
            "%7B%7B#if%7D%7D",
            "{{ loop.index }}",
            "{{ 'a.b' }}",
            "{{ 1.5 }}",
        ),
    ],
)
def test_what_is_meant_as_it_stands_is_left_alone(source: str) -> None:
    assert read(source) == source


@pytest.mark.parametrize(
    ("tag", "advice"),
    [
        ("{{#if a}}", "{% if a %}"),
        ("{{/if}}", "{% endif %}"),
        ("{{else}}", "{% else %}"),
        ("{{#each a}}", "{% for item in a %}"),
        ("{{{a}}}", "{{ a }}"),
        ("{{&a}}", "{{ a }}"),
        ("{{~a~}}", "{{ a }}"),
        ("{{^a}}", "{% if not a %}"),
        ("{{> a}}", "put the text itself here"),
        ("{{!-- a --}}", "take it out"),
        ("{{ a | default: 'b' }}", "{{ a | default('b') }}"),
        ("{{ a | date: '%Y' }}", "brackets"),
        ("{{ First Name }}", "{{ first_name }}"),
        ("{{ contact.firstname }}", "{{ firstname }}"),
        ("{{ lead.First Name:default=b }}", "{{ first_name }}"),
        ("{{var:name:'b'}}", "{{ name }}"),
        ("{% assign a = 1 %}", "is not available"),
        ("{% unless a %}", "is not available"),
        ("{% if a = 1 %}", "cannot be read"),
        ("{{ }}", "empty"),
        ("{{ a b | c }}", "{% raw %}"),
        ("{{ it's }}", "{% raw %}"),
    ],
)
@pytest.mark.parametrize("html", [True, False])
def test_a_tag_of_another_program_is_named_with_what_to_write(
    tag: str, advice: str, *, html: bool
) -> None:
    source = f"first\n{tag} and {{{{ b }}}}"
    (found,) = spelled(source, html=html).foreign
    assert (found.line, found.excerpt) == (2, tag)
    assert advice in found.advice
    assert str(found) == f"line 2: “{tag}” {found.advice}"


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{{ a", "{{ a"),
        ("{{ a }", "{{ a }"),
        ("{{ a } b {{ c }}", "{{ a } b"),
        ("{{ <b>First&nbsp;Name</b> }}", "{{ First Name }}"),
        ("{{ " + "a b " * 30 + "}}", "{{ " + "a b " * 14 + "…"),
    ],
)
def test_what_is_shown_of_a_tag_is_what_its_reader_would_see(source: str, shown: str) -> None:
    assert foreign(source) == [shown]


@pytest.mark.parametrize("zone", ["<style>{}</style>", "<SCRIPT>{}</SCRIPT >", "<!--{}-->"])
def test_what_nobody_sees_raises_no_alarm_and_stays(zone: str) -> None:
    source = zone.format(".a{{b:c}} {%d%} f({{x:1}}) {{{e}}} {{#if}} {{ a }}")
    made = read(source).replace("{{ '{' }}", "{")
    assert made == source
    assert foreign("<p>{{b:c}}" + source) == ["{{b:c}}"]


def test_all_are_named_up_to_a_limit() -> None:
    source = "".join(f"{{{{#if a{n}}}}}" for n in range(MAX_FOREIGN + 5))
    assert foreign(source) == [f"{{{{#if a{n}}}}}" for n in range(MAX_FOREIGN)]
    assert foreign("{{this}}") == []
    assert foreign("{{#each a}}{{this}}{{/each}}")[1] == "{{this}}"


@pytest.mark.parametrize(
    "piece",
    [
        *("{{ ", "{<a ", "{", "{{{", "{{ a<", "<!--", "{%", "{{ x", "{{a{b", "{{ a}", "%7B%7B"),
        *("{{'", "{{ x }} ", "{{&nbsp;x }}", "{{ a | default('b') }}", "<style>", '{{ "', "{&shy;"),
    ],
)
@pytest.mark.parametrize("html", [True, False])
def test_no_source_takes_longer_than_its_length_allows(piece: str, *, html: bool) -> None:
    """Were it quadratic, this would take minutes."""
    assert spelled(piece * (600_000 // len(piece)), html=html).source


@pytest.mark.parametrize(
    ("tag", "instead"),
    [
        ("{{ first-name }}", "{{ first_name }}"),
        ("{{ job-title-now }}", "{{ job_title_now }}"),
        ('{{ first-name | default("you") }}', "{{ first_name | … }}"),
        ("{{ price - rebate }}", None),
        ("{% if paid-up %}", "paid_up"),
        ("{%- elif First-Name == 'Ada' and b -%}", "first_name"),
        ("{% if a and not paid–up %}", "paid_up"),
        ("{% for x in order-lines %}", "order_lines"),
        ("{% if kind == 'no-show' and n -1 and n-1 and a - b %}", None),
        ("{%-if a-%}", None),
    ],
)
def test_a_name_with_hyphens_is_no_subtraction(tag: str, instead: str | None) -> None:
    told = [foreign.advice for foreign in spelled(tag, html=False).foreign]
    assert [told_so.rpartition(": ")[2] for told_so in told] == (
        [] if instead is None else [f"write {instead}"]
    )
    assert all("no merge field, which is one word" in told_so for told_so in told)
