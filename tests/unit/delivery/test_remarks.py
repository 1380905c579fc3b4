"""What is likely to be wrong with a message: told, and honest texts let be."""

from __future__ import annotations

import pytest

from paceline.delivery import remarks
from paceline.delivery.remarks import MAX_REMARKS


def told(source: str, *, html: bool = False, **options: object) -> tuple[str, ...]:
    parts = {"text": None, "html": source} if html else {"text": source, "html": None}
    return remarks(subject="Hello", **parts, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "instead"),
    [
        ("*|FNAME|*", "{{ first_name }}"),
        ("*|MERGE1|*", "{{ merge1 }}"),
        ("%7B%7Bfirst%20name%7D%7D", "{{ first_name }}"),
        ("%FIRSTNAME%", "{{ firstname }}"),
        ("%FIRSTNAME|TITLECASE%", "{{ firstname }}"),
        ("%recipient.first_name%", "{{ first_name }}"),
        ("%%First Name%%", "{{ first_name }}"),
        ("[[firstname]]", "{{ firstname }}"),
        ('[[FIRSTNAME OR "Friend"]]', "{{ firstname }}"),
        ('[[data:firstname:"you"]]', "{{ firstname }}"),
        ("[First Name]", "{{ first_name }}"),
        ("[Name,fallback=friend]", "{{ name }}"),
        ("{first_name}", "{{ first_name }}"),
        ("{FirstName}", "{{ first_name }}"),
        ("{$name}", "{{ name }}"),
        ("{!firstname_fix}", "{{ firstname_fix }}"),
        ("{first_name}}", "{{ first_name }}"),
        ("{ { first_name } }", "{{ first_name }}"),
        ("${name}", "{{ name }}"),
        ("#{name}", "{{ name }}"),
        ("<%= name %>", "{{ name }}"),
        ("-first_name-", "{{ first_name }}"),
        ("-name-", "{{ name }}"),
        ("«First_Name»", "{{ first_name }}"),
        ("<<First Name>>", "{{ first_name }}"),
        ("##name##", "{{ name }}"),
        ("__name__", "{{ name }}"),
        ("｛｛name｝｝", "{{ name }}"),
        ("%UNSUBSCRIBELINK%", "no such field"),
        ("*|UNSUB|*", "no such field"),
    ],
)
@pytest.mark.parametrize("html", [True, False])
def test_fields_of_other_programs_are_named_with_what_to_write(
    field: str, instead: str, *, html: bool
) -> None:
    written = field.replace("<", "&lt;").replace(">", "&gt;") if html else field
    part = "html" if html else "text"
    (remark,) = told(f"<p>a</p>\nHi {written}, {field if not html else written}", html=html)
    assert remark.startswith(f"{part}, line 2: “{field}” looks like ")
    assert instead in remark


@pytest.mark.parametrize(
    "text",
    [
        *("50% off, 20 % today, 100% cotton", "5%A 6%", "100%%", "a%20b%C3%A9c%DCBER%20"),
        *("https://x.example/%25?q=%E4rger%20%FC", "[sic] [1] [a](b) [name](https://x) [ ]"),
        *("- name -", "well-known-name-tags", "a-first-b", "-o-", "« bonjour »", "«oui»"),
        *("a <b> c << 1", "__init__", "ann@name.example", "@name", "x[0] = {y}", "{}", "{a}"),
        *("${}", "# name #", "C# {", "{{ a }} {%if a%}b{%endif%}", "[link] [image]", ":) {;}"),
        *("{% raw %}{first_name} %NAME%{% endraw %}", "* |a| *", "**|**", "|name|", "<%>"),
        *("Price: $5 {net}", "f(x) = {x | x > 0}", "{a=1|b=2}"),
    ],
)
def test_an_honest_text_raises_no_alarm(text: str) -> None:
    assert told(text) == ()
    assert told(f"<p>{text}</p>", html=True) == ()


@pytest.mark.parametrize("zone", ["<style>{}</style>", "<script>{}</script>", "<!-- {} -->"])
def test_what_nobody_sees_raises_no_alarm(zone: str) -> None:
    hidden = "{first_name} %FIRSTNAME% {a|b} [[name]] {# c #} width:50%"
    found = told("<p>a</p>" + zone.format(hidden), html=True)
    assert [said for said in found if "is taken out" not in said] == []


@pytest.mark.parametrize(
    ("html", "remark"),
    [
        ("<p>{Hi|Hello} there</p>", "no alternatives"),
        ("<p>{# later #}</p>", "no comments"),
        ("<p>[insert date here]</p>", "filled in"),
        ("<p>&#123;&#123; name &#125;&#125;</p>", "shown as such"),
        ("<p>&lbrace;&lbrace;name&rbrace;&rbrace;</p>", "shown as such"),
        ('<a href="/%7B%7B%20first%20%7D%7D%7D">a<br></a>', ""),
        ('<p><img src="data:image/png;base64,AAAA"></p>', "is a data: image"),
        ("<p>&lt;p&gt;Hi&lt;/p&gt;</p>", "HTML tags that were escaped"),
        ("<pre>&lt;!DOCTYPE html&gt;</pre>", "HTML tags that were escaped"),
        ('<p><a href="javascript:alert(1)">a</a></p>', "take out"),
        ('<p><a href="file:///C:/a.pdf">a</a></p>', "your own machine"),
        ('<p><img alt="" src="images/logo.png"></p>', "leads to no image"),
        ("a < b\nc <ann@x.example>", "no HTML tags: it is sent as plain text"),
        ("<b>Hi</b>\n\nthere\nyou", "line breaks that are not shown"),
    ],
)
def test_html_that_will_not_look_as_it_was_meant_is_told(html: str, remark: str) -> None:
    found = told(html, html=True)
    if remark:
        assert len(found) == 1
        assert remark in found[0]
    else:
        assert found == ()


@pytest.mark.parametrize(
    "html",
    [
        '<p><img src="https://x.example/a.png"><img src="cid:a"><img src="{{ a }}"></p>',
        "<p>a &lt; b &gt; c &lt;ann@x.example&gt;</p>",
        "<p>a\nb\n\nc</p>",
        "Hello {{ name }}",
        "<b>a</b>\n",
        "<p><a href='#a'>a</a></p>",
    ],
)
def test_html_that_is_as_it_should_be_is_let_be(html: str) -> None:
    assert told(html, html=True) == ()


@pytest.mark.parametrize(
    ("tag", "field"),
    [
        ("{% if points > 100 %}a{% endif %}", "points"),
        ("{% if not vip and points<=100.5 %}a{% endif %}", "points"),
        ("{% if vip == 'yes' %}{% elif 3 != orders %}a{% endif %}", "orders"),
        ("{{ 'many' if orders >= 3 else 'few' }}", "orders"),
        ("{% if points | int > 100 and 3 < orders | int %}a{% endif %}", None),
        ("{% for x in tags %}{% if loop.index > 3 %}{{ x }}{% endif %}{% endfor %}", None),
        ("{% if points == '100' or name | length > 3 %}a{% endif %}", None),
        ("{{ points > }} {% if 3 > 2 %}a{% endif %}", None),
    ],
)
def test_a_text_that_is_compared_with_a_number_is_told(tag: str, field: str | None) -> None:
    found = told(f"Hi {tag}")
    assert told(f"<p>Hi {tag}</p>", html=True) == tuple(
        said.replace("text, line", "html, line") for said in found
    )
    if field is None:
        assert found == ()
    else:
        (said,) = found
        assert said.endswith(f"write {field} | int")


def test_columns_of_the_list_count_as_names_of_fields() -> None:
    assert told("Hi -plan_b-, -plan-, [Plan]") == told("-plan_b-")
    assert len(told("Hi -plan-, [Seat Row]", fields=["plan", "seat_row"])) == 2


COLUMNS = ["email", "name", "first_name", "plan_b"]


@pytest.mark.parametrize(
    "field",
    [
        *("<first_name>", "<First Name>", "<FIRSTNAME>", "#first_name#", "~FIRST_NAME~"),
        *("$first_name", "@first_name", "-first_name-", ":first_name", "$FirstName", "%FNAME%"),
        *("^first_name^", "$first_name$", "*|FNAME|*", "%FIRSTNAME%", "[[first name]]"),
    ],
)
@pytest.mark.parametrize("html", [True, False])
def test_a_field_of_the_list_is_found_however_it_is_marked(field: str, *, html: bool) -> None:
    (remark,) = told(
        f"<p>Hi {field}, hello</p>" if html else f"Hi {field}.", html=html, fields=COLUMNS
    )
    assert "which is sent as it stands: write {{ first_name }}" in remark
    if html and "<" in field:
        escaped = field.replace("<", "&lt;").replace(">", "&gt;")
        assert len(told(f"<p>Hi {escaped}, hello</p>", html=True, fields=COLUMNS)) == 1


@pytest.mark.parametrize(
    "text",
    [
        *("$5 and $500", "@ann and @first", "<support@x.example>", "#id {a: b}", "a ~ b ~ c"),
        *("#first", "~/first_name/~", "x@first_name.example", "https://x.example/@first_name"),
        *("12:name", "<b>", "a-name-b", "#1 and #2", "me@name", "https://x.example/#name#x"),
    ],
)
def test_what_is_nobodys_column_raises_no_alarm(text: str) -> None:
    assert told(text, fields=COLUMNS) == ()


def test_a_tag_of_html_is_no_field_even_where_a_column_is_called_so() -> None:
    columns = ["title", "time", "code", "label"]
    assert (
        told("<p><time>9</time> <code>x</code> <label>y</label></p>", html=True, fields=columns)
        == ()
    )


@pytest.mark.parametrize(
    ("field", "columns", "instead"),
    [
        ("%FIRSTNAME%", ["email", "vorname"], "write {{ vorname }}"),
        ("%FIRSTNAME%", ["email", "city"], "the name of a column of your list"),
        ("%FIRSTNAME%", [], "write {{ firstname }}, if a column of your list is called so"),
        ("*|IF:FNAME|*", ["first_name"], "write {% if first_name %} … {% endif %}"),
        ("*|ELSE:|*", [], "write {% else %}"),
        ("*|END:IF|*", [], "write {% endif %}"),
        ("*|UNSUB|*", ["email"], "no such field"),
    ],
)
def test_the_advice_is_one_that_works(field: str, columns: list[str], instead: str) -> None:
    (remark,) = told(f"Hi {field}", fields=columns)
    assert instead in remark


@pytest.mark.parametrize(
    ("html", "inline", "missing"),
    [
        ('<p><img src="cid:logo.png"></p>', [], "cid:logo.png"),
        ("<p><img src='CID:logo.png'></p>", ["other.png"], "CID:logo.png"),
        ("<p><img src=cid:logo.png></p>", [], "cid:logo.png"),
        ('<p style="background: url(cid:b.png)">a</p>', ["a.png"], "cid:b.png"),
        ('<p><img src="cid:a.png"><img src="cid:b.png"></p>', ["a.png"], "cid:b.png"),
        (
            '<p><img src="cid:my%20logo.png"><img src="cid:a&amp;b.png"></p>',
            ["my logo.png", "a&b.png"],
            None,
        ),
        ('<p><img src="cid:logo.png"></p>', ["logo.png"], None),
        ('<p><img src="cid:{{ logo }}">lucid:dream</p>', [], None),
        ('<p><img src="cid:logo.png"></p>', None, None),
    ],
)
def test_an_image_that_does_not_go_along_is_told(
    html: str, inline: list[str] | None, missing: str | None
) -> None:
    found = told(html, html=True, inline=inline)
    assert [remark.partition("“")[2].partition("”")[0] for remark in found] == (
        [missing] if missing else []
    )


@pytest.mark.parametrize(
    ("html", "written", "said"),
    [
        ("<p>a</p><script>go()</script>", "<script>", "taken out by every mail program"),
        ('<p>a</p><IFRAME src="//x.org/a">', '<IFRAME src="//x.org/a">', "link to the page"),
        ('<p>a</p><form action="/a"><input name="b"></form>', '<form action="/a">', "the form"),
        ('<p>a</p><video src="https://x.org/v.mp4"></video>', None, "played by few"),
        ('<head><link rel="stylesheet" href="a.css"></head><p>a</p>', None, "loads"),
        ('<p onclick="go()">a</p>', 'onclick="go()', "is script, which"),
        ("<style>p { color: red }</style><p>a</p>", "<style>", "in <head> alone"),
        ("<html><body><style>p {}</style><p>a</p></body></html>", "<style>", "in <head> alone"),
    ],
)
def test_what_mail_programs_take_out_is_told_before_it_is_sent(
    html: str, written: str | None, said: str
) -> None:
    (remark,) = told(html, html=True)
    assert remark.startswith(f"html, line 1: “{written or '<'}")
    assert said in remark


@pytest.mark.parametrize(
    "html",
    [
        "<html><head><style>@media print {}</style></head><body><p>a</p></body></html>",
        '<p>a</p><script type="application/ld+json">{}</script><textarea></textarea>',
        "<p>a</p><!--[if mso]><style>p {}</style><script></script><![endif]-->",
        "<p>Fill in the &lt;form&gt; and press on = off; formalities, scripts</p>",
        "<article><section><p>a</p></section></article>",
        '<p><a href="https://x.org/?only=1&onload=2">a</a></p>',
    ],
)
def test_what_arrives_as_it_is_written_is_let_be(html: str) -> None:
    assert told(html, html=True) == ()


def test_the_subject_is_looked_at_too() -> None:
    (remark,) = remarks(subject="Hi %FIRSTNAME%", text="a", html=None)
    assert remark.startswith("subject, line 1: “%FIRSTNAME%”")


def test_no_more_is_told_than_anybody_reads() -> None:
    assert len(told(" ".join(f"*|F{n}|*" for n in range(50)))) == MAX_REMARKS


@pytest.mark.parametrize(
    "piece",
    [
        *("%A", "[a ", "{a|", "<img ", "<img src=", "&lt;p ", "*|a", "%%a", "-a", "@a", "<<a"),
        *(
            "${a",
            "$a",
            "#a",
            "<a",
            "&lt;a ",
            "=cid:a",
            "[[a",
            "%7B%7B",
            "a\n",
            "{a ",
            "__a",
            "%AAA",
            "[your ",
            "{#",
            "&#123;",
            "«a",
            "<link ",
            "<p on",
            "<style ",
            "<!--",
        ),
    ],
)
def test_any_message_is_looked_at_in_time_that_grows_with_its_length(piece: str) -> None:
    """Were it quadratic, this would take minutes."""
    told("<p>" + piece * (100_000 // len(piece)), html=True)
