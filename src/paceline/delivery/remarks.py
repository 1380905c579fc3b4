"""What in a message is likely to be wrong, though it can be sent: said before the launch.

Fields as other programs write them (`%FIRSTNAME%`, `*|FNAME|*`, `[[name]]`, `{first_name}`), which
everybody would get as they stand; HTML that is shown instead of read; images that nobody will see.
What an honest text may hold ("50% off", `%20` in a link, "[sic]") is let be: most of the patterns
count only around a word that is the name of a field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from html import escape, unescape
from typing import NamedTuple

from paceline.delivery import template_rules
from paceline.delivery.foreign_tags import as_field
from paceline.delivery.markup import is_text_after_all, looks_like_html
from paceline.delivery.template_spelling import excerpt, quiet_zones, spelled

MAX_REMARKS = 20  # about one part
# In each remark on what readers would see instead of what was meant: enough to stop a script.
AS_IT_STANDS = "is sent as it stands"


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


class _Pattern(NamedTuple):
    """How some program writes a field: with `hint` in it, for `names` or for all."""

    hint: str
    regex: re.Pattern[str]
    program: str
    names: frozenset[str] | None


def _pattern(hint: str, regex: str, program: str, names: frozenset[str] | None = None) -> _Pattern:
    return _Pattern(hint, re.compile(regex), program, names)


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
)
_SPINTAX = re.compile(r"(?<![{$#\w])\{[^{}|<>\n=;]{1,60}(?:\|[^{}|<>\n=;]{0,60}){1,12}\}(?!\})")
_COMMENT = re.compile(r"\{#[^{}\n]{1,200}?#\}")
_TO_FILL_IN = re.compile(
    r"\[\s*(?:insert|enter|your|add|put|hier|ihr|votre|tu)\b[^\[\]<>\n]{0,40}\](?!\()",
    re.IGNORECASE,
)
_DATA_IMAGE = re.compile(
    r"src\s{0,9}=\s{0,9}[\"']?\s{0,9}(data:image/[a-z+.-]{1,20})", re.IGNORECASE
)
_SHOWN_HTML = re.compile(
    r"&lt;(?:!doctype|/?(?:p|div|br|table|tr|td|html|head|body|a|span|b|i|u|strong|em|h[1-6]|ul|ol"
    r"|li|img|style|font|center)\b)[^&<>]{0,100}(?:&quot;[^<>]{0,100})?&gt;",
    re.IGNORECASE,
)
_SCRIPT_LINK = re.compile(
    r"href\s{0,9}=\s{0,9}[\"']?\s{0,9}(javascript:[^\"'<>\s]{0,30})", re.IGNORECASE
)
_IMAGE = re.compile(
    r"<img\b[^<>]{0,2000}?\ssrc\s{0,9}=\s{0,9}[\"']?([^\"'<>\s]{1,300})", re.IGNORECASE
)
_LOCAL_LINK = re.compile(r"(?:href|src)\s{0,9}=\s{0,9}[\"']?(file:[^\"'<>\s]{0,80})", re.IGNORECASE)
_REACHED = re.compile(r"https?://|//|cid:|data:|\ufdd7|file:|%7B", re.IGNORECASE)
_BLOCK = re.compile(r"<(?:br|p|div|td|li|h[1-6]|pre|hr|blockquote|center|tr)\b", re.IGNORECASE)
_TWO_LINES = re.compile(r"[^\s<>][ \t]*\r?\n(?:[ \t]*\r?\n)?[ \t]*[^\s<>]")


def remarks(
    *, subject: str, text: str | None, html: str | None, fields: Collection[str] = ()
) -> tuple[str, ...]:
    """Sentences for the author, each with its part and line. Never raises.

    `fields` are names that recipients have besides the usual ones.
    """
    known = frozenset(map(_comparable, fields))
    found: list[str] = []
    for part, source in (("subject", subject), ("text", text), ("html", html)):
        if source and source.strip():
            found += _Part(part, source, known).remarks(has_text=bool(text and text.strip()))
    return tuple(found)


class _Part:
    """One part, with what cannot be at fault blotted out, character by character."""

    def __init__(self, part: str, source: str, known: frozenset[str]) -> None:
        self._part = part
        self._is_html = part == "html"
        self._source = spelled(source, html=self._is_html).source
        self._seen = _blotted(self._source, html=self._is_html)
        self._known = known
        self._lines: list[str] = []
        self._told: set[str] = set()
        self._covered = bytearray(len(self._seen))  # by what has been told

    def remarks(self, *, has_text: bool) -> list[str]:
        self._fields()
        self._each(_SPINTAX, f"{AS_IT_STANDS}: there are no alternatives to choose from here")
        self._each(_COMMENT, f"{AS_IT_STANDS}: there are no comments here")
        self._each(_TO_FILL_IN, f"{AS_IT_STANDS}: it seems still to be filled in")
        if self._is_html:
            self._html(has_text=has_text)
        return self._lines[:MAX_REMARKS]

    def _fields(self) -> None:
        for hint, regex, program, names in _PATTERNS:
            for found in regex.finditer(self._seen) if hint in self._seen else ():
                name = unescape(found["n"])
                if names is None or "_" in name or _comparable(name) in names | self._known:
                    self._tell(found.start(), found[0], f"looks like {program}, {_instead(name)}")

    def _html(self, *, has_text: bool) -> None:
        source = self._source
        if is_text_after_all(source):
            how = "its line breaks are not shown" if has_text else "it is sent as plain text"
            self._say(f"has no HTML tags: {how}")
        elif (
            looks_like_html(source) and not _BLOCK.search(source) and _TWO_LINES.search(self._seen)
        ):
            self._say("has line breaks that are not shown: write <br> or <p>")
        self._first(
            _DATA_IMAGE,
            "is a data: image, which Gmail and Outlook do not show: attach the file inline, "
            'and write src="cid:" and its name',
        )
        self._first(_SHOWN_HTML, "is shown as text: these are HTML tags that were escaped")
        self._first(_SCRIPT_LINK, "is a link that mail programs take out")
        self._first(_LOCAL_LINK, "leads to a file on your own machine, which nobody else has")
        self._first(
            _IMAGE,
            "leads to no image outside your own site: write its whole address, or "
            "attach it inline and write cid: and its name",
            unless=_REACHED.match,
        )

    def _each(self, regex: re.Pattern[str], why: str) -> None:
        for found in regex.finditer(self._seen):
            self._tell(found.start(), found[0], why)

    def _first(
        self,
        regex: re.Pattern[str],
        why: str,
        *,
        unless: Callable[[str], object] = lambda _: False,
    ) -> None:
        """The first of a kind, which stands for all: one mistake, made everywhere."""
        for found in regex.finditer(self._seen):
            shown = found[found.lastindex or 0]
            if not unless(shown):
                self._tell(found.start(), shown, why)
                return

    def _tell(self, position: int, written: str, why: str) -> None:
        if len(self._lines) >= MAX_REMARKS:
            return
        shown = excerpt(written) if self._is_html else excerpt(escape(written))
        if self._covered[position]:
            return
        self._covered[position : position + len(written)] = b"1" * len(written)
        if shown in self._told:
            return
        self._told.add(shown)
        line = self._seen.count("\n", 0, position) + 1
        self._lines.append(f"{self._part}, line {line}: “{shown}” {why}")

    def _say(self, what: str) -> None:
        self._lines.append(f"{self._part}: {what}")


def _instead(name: str) -> str:
    field = as_field(name.partition("|")[0].partition(":")[0])
    if _OF_THE_SENDER.match(_comparable(field)):
        return "which is sent as it stands: there is no such field here"
    return f"which is sent as it stands: write {{{{ {field} }}}}"


def _comparable(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _blotted(source: str, *, html: bool) -> str:
    """The source without our own tags and what nobody sees; every position stays."""
    pieces, position = [], 0
    for start, end, mark in sorted([*_tags(source), *_quiet(source, html=html)]):
        if start < position:
            continue
        hidden = "".join(c if c == "\n" else mark for c in source[start:end])
        pieces += [source[position:start], hidden]
        position = end
    return "".join([*pieces, source[position:]])


def _tags(source: str) -> Iterator[tuple[int, int, str]]:
    try:
        for tag in template_rules.tags(source):
            yield tag.start, tag.end, "\ufdd7"
    except template_rules.RuleBroken:
        return  # refused for that


def _quiet(source: str, *, html: bool) -> Iterator[tuple[int, int, str]]:
    if html:
        for start, end in quiet_zones(source):
            yield start, end, " "
