"""Fields as other programs write them, and what to write instead of each.

What an honest text may hold ("50% off", "@ann", "$5") is let be: most of the patterns count only
around a word that is the name of a field, by habit or because the list has such a column.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from html import unescape
from typing import NamedTuple
from urllib.parse import unquote

from paceline.delivery.foreign_tags import as_field
from paceline.delivery.markup import is_tag_name
from paceline.domain.notes import AS_IT_STANDS


def _named(names: str) -> frozenset[str]:
    return frozenset(names.split())


# Names that hardly anybody puts between brackets or hyphens for another reason.
_PERSONAL = _named(
    "firstname fname lastname lname fullname name nickname salutation email emailaddress company "
    "companyname jobtitle vorname nachname anrede firma prenom nombre apellido empresa cognome "
    "azienda voornaam achternaam yourname yourcompany myname sendername mycompany"
)
_NAMES_OF_FIELDS = _PERSONAL | _named(
    "first last username mail organization organisation account title position role phone mobile "
    "city town country state street address zip zipcode postcode website domain url link date "
    "birthday amount code coupon product order orderid customer recipient subscriber contact lead "
    "unsubscribe unsubscribelink unsubscribeurl optout nom"
)
_OF_THE_SENDER = re.compile(
    "unsub|optout|sender|forward|view|web|browser|footer|update|manage|list"
)


# What is written in these ways in honest texts, too, when it is no column of the list.
_COMMON = _named("name email company firma fullname nickname salutation anrede")
_UNLIKELY = _PERSONAL - _COMMON


class _Pattern(NamedTuple):
    """How some program writes a field: with `hint` in it, for `names` or for all.

    `strict`: for these names and the list's columns alone; else also for what has a `_`.
    """

    hint: str
    regex: re.Pattern[str]
    program: str
    names: frozenset[str] | None
    strict: bool = False


def _pattern(
    hint: str,
    regex: str,
    program: str,
    names: frozenset[str] | None = None,
    *,
    strict: bool = False,
) -> _Pattern:
    return _Pattern(hint, re.compile(regex), program, names, strict)


_WORDS = r"[^\W\d_][\w .-]{0,40}?"
_PATTERNS = (
    _pattern(
        "%",
        r"(?:<|&lt;)%[=-]?\s*(?P<n>[^\W\d][\w.@]{0,60})[^%<>\n]{0,80}%(?:>|&gt;)",
        "a field of another program",
    ),
    _pattern("*|", rf"\*\|(?P<n>{_WORDS}(?:[:;,].{{0,40}}?)?)\|\*", "a field of Mailchimp"),
    _pattern("%%", rf"%%(?P<n>{_WORDS})%%", "a field of Salesforce"),
    _pattern(
        "%",
        r"(?<![%\w])%(?![0-9A-F]{2}[^%\s]{0,60}%[0-9A-Fa-f]{2})"
        r"(?P<n>[A-Z][A-Z0-9_.-]{2,60}(?:\|[A-Z]+)?)%(?!\w)",
        "a field of ActiveCampaign",
    ),
    _pattern(
        "%", r"(?<![%\w])%(?P<n>[a-z][\w.-]{1,60})%(?!\w)", "a field of Mailgun", _NAMES_OF_FIELDS
    ),
    _pattern(
        "[[",
        rf"\[\[\s*(?:data:)?(?P<n>{_WORDS})\s*(?:(?:[:;,|]|\sOR\s)[^\[\]<>\n]{{0,60}})?\]\]",
        "a field of another program",
    ),
    _pattern(
        "[",
        rf"(?<!\[)\[\s*(?P<n>{_WORDS})\s*(?:,\s*fallback=[^\[\]<>\n]{{0,40}})?\](?![\](])",
        "a field of another program",
        _PERSONAL,
    ),
    _pattern("{", r"\{\s+\{\s*(?P<n>[^\W\d]\w{0,60})\s*\}\s*\}", "a field with braces apart"),
    _pattern("}}", r"(?<!\{)\{\s*(?P<n>[^\W\d]\w{0,60})\s*\}\}", "a field with a brace missing"),
    _pattern(
        "{",
        rf"(?<![{{$#\w%])\{{\s*[$!]?(?P<n>{_WORDS})\s*\}}(?!\}})",
        "a field with a brace missing",
        _NAMES_OF_FIELDS,
    ),
    _pattern("{", r"(?<!\{)\{[$!](?P<n>[^\W\d][\w.]{0,60})\}(?!\})", "a field of another program"),
    _pattern("{", r"[$#]\{\s*(?P<n>[^\W\d][\w.]{0,60})\s*\}", "a field of another program"),
    _pattern("-", rf"(?<![\w-])-(?P<n>{_WORDS})-(?![\w-])", "a field of SendGrid", _PERSONAL),
    _pattern("", rf"(?:«|&laquo;)\s?(?P<n>{_WORDS})\s?(?:»|&raquo;)", "a field of Word", _PERSONAL),
    _pattern(
        "<", rf"(?:<<|&lt;&lt;)\s?(?P<n>{_WORDS})\s?(?:>>|&gt;&gt;)", "a field of another program"
    ),
    _pattern("##", rf"(?<!#)##(?P<n>{_WORDS})##(?!#)", "a field of another program", _PERSONAL),
    _pattern("__", rf"(?<!_)__(?P<n>{_WORDS})__(?!_)", "a field of another program", _PERSONAL),
    _pattern("@", rf"(?<!@)@@?(?P<n>{_WORDS})@@?(?!\w)", "a field of another program", _PERSONAL),
    _pattern("｛", r"[｛]{2}\s*(?P<n>[^｛｝\n]{1,40}?)\s*[｝]{2}", "a field in wide braces"),
    _pattern(
        "&",
        r"(?:&#123;|&lbrace;|&lcub;|&#x7[bB];){2}\s*(?P<n>[^&<>\n]{1,60}?)\s*"
        r"(?:&#125;|&rbrace;|&rcub;|&#x7[dD];){2}",
        "a field whose braces are shown as such",
    ),
    _pattern(
        "%", r"(?i:%7B%7B)(?:%20)*(?P<n>[^\s<>\"']{1,60}?)(?:%20)*(?i:%7D%7D)", "an encoded field"
    ),
    _pattern(
        "<",
        rf"(?<![<\w])<\s?(?P<n>{_WORDS})\s?>(?!>)",
        "a field of another program",
        _PERSONAL,
        strict=True,
    ),
    _pattern(
        "&lt;",
        rf"(?<!&lt;)&lt;\s?(?P<n>{_WORDS})\s?&gt;(?!&gt;)",
        "a field of another program",
        _PERSONAL,
        strict=True,
    ),
    _pattern(
        "",
        rf"(?<![\w#~^+=&])(?P<mark>[#~^+=])(?P<n>{_WORDS})(?P=mark)(?![\w#~^+=])",
        "a field of another program",
        _PERSONAL,
        strict=True,
    ),
    _pattern(
        "",
        r"(?<![\w$@:/.])[$@:](?P<n>[^\W\d_]\w{1,40})(?![\w@./-]*@|\.\w|\w)",
        "a field of another program",
        _UNLIKELY,
        strict=True,
    ),
)


class Lookalike(NamedTuple):
    """What looks like a field and is none: where it stands, how it is written, what to say."""

    position: int
    written: str
    what: str


def lookalikes(text: str, columns: Collection[str], *, html: bool) -> Iterator[Lookalike]:
    """Each of them, as one pattern after the other finds them.

    `columns`: the names by which recipients' values are known, as far as they are.
    """
    known = {comparable(column): column for column in columns}
    for pattern in _PATTERNS:
        for found in pattern.regex.finditer(text) if pattern.hint in text else ():
            name = unquote(unescape(found["n"]))
            if _counts(pattern, name, known) and not (html and _is_markup(found[0], name)):
                what = f"looks like {pattern.program}, {_instead(name, known)}"
                yield Lookalike(found.start(), found[0], what)


def _counts(pattern: _Pattern, name: str, known: Collection[str]) -> bool:
    if pattern.names is None or ("_" in name and not pattern.strict):
        return True
    return comparable(name) in pattern.names or comparable(name) in known


def _is_markup(written: str, name: str) -> bool:
    return written.startswith("<") and is_tag_name(name)


_STATEMENTS = {
    "if": "{{% if {field} %}} … {{% endif %}}",
    "ifnot": "{{% if not {field} %}} … {{% endif %}}",
    "elseif": "{{% elif {field} %}}",
    "else": "{{% else %}}",
    "end": "{{% endif %}}",
    "endif": "{{% endif %}}",
}


def _instead(name: str, known: Mapping[str, str]) -> str:
    word, _, rest = name.partition("|")[0].partition(":")
    statement = _STATEMENTS.get(comparable(word)) if rest or comparable(word) != "end" else None
    if statement is not None:
        field = _column(rest, known) or as_field(rest)
        return f"which {AS_IT_STANDS}: write {statement.format(field=field)}"
    field = as_field(word)
    if column := _column(word, known):
        return f"which {AS_IT_STANDS}: write {{{{ {column} }}}}"
    if _OF_THE_SENDER.match(comparable(field)):
        return f"which {AS_IT_STANDS}: there is no such field here"
    if known:
        return f"which {AS_IT_STANDS}: write {{{{ }}}} with the name of a column of your list"
    return f"which {AS_IT_STANDS}: write {{{{ {field} }}}}, if a column of your list is called so"


# Names for the same, one of which a list may have.
_SAME = tuple(
    map(
        _named,
        (
            "firstname fname first givenname forename vorname prenom nombre voornaam",
            "lastname lname last surname familyname nachname apellido cognome achternaam",
            "email emailaddress mail",
            "company companyname organization organisation firma empresa azienda",
            "name fullname",
        ),
    )
)


def _column(name: str, known: Mapping[str, str]) -> str | None:
    """The column that is meant, if the list has one: by its name, or by one that means the same."""
    word = comparable(name.rpartition(".")[2])
    if word in known:
        return known[word]
    same = next((names for names in _SAME if word in names), frozenset[str]())
    return next((known[other] for other in sorted(same) if other in known), None)


def comparable(name: str) -> str:
    """What is the same of a name however it is written."""
    return "".join(character for character in name.lower() if character.isalnum())
