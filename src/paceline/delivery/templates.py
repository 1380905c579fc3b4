"""A campaign's subject, text and HTML: compiled once, rendered for each recipient.

The only door to the template engine. Templates come from customers and so do the values: fuel and
sizes are bounded, a merge field without a value is an error rather than a hole in the sentence,
HTML is escaped, and only plain data goes in, since the engine would hand out an object's methods.
Where there is HTML alone, the text is made out of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from minijinja import Environment, TemplateError

from paceline.delivery import link_values, mime, template_rules
from paceline.delivery.attachments import Attached
from paceline.delivery.derived_text import Uncertain, outline_of
from paceline.delivery.headers import MAX_VALUE, RenderError, refuse_unsafe
from paceline.delivery.inline_images import MAX_OUTPUT
from paceline.delivery.markup import is_text_after_all
from paceline.delivery.mime import Headers
from paceline.delivery.plain_text import plain_text, text_part
from paceline.delivery.quoted_printable import FixedLines, FixedParts, fixed_lines
from paceline.delivery.template_engine import FUEL, NEVER_WRITTEN, SLASH, environment
from paceline.delivery.template_fields import (
    STAND_INS,
    Hopeless,
    indispensable,
    undefined_in,
)
from paceline.delivery.template_spelling import spelled
from paceline.delivery.text_flow import laid_out
from paceline.errors import FieldProblem, InvalidInput

MAX_SOURCE = 1024 * 1024  # octets of one part
NO_BODY = "is missing: give text, html or both"
LONG_SOURCE = 32 * 1024  # characters of text and HTML: past it, an email may take many ms to make
LONG_HTML = 8 * 1024  # the same of HTML that has to be read for each recipient
MAX_FIELDS = 200  # merge fields of one template
SUBJECT_FUEL = 2_000  # engine steps: lists show two hundred subjects, and a subject is one line
ACCEPTED_FUEL = 100_000  # of any part of what was accepted before subjects had fewer than bodies
MAX_ADDRESS = 254  # octets (RFC 5321 §4.5.3.1.3)
MAX_DEPTH = 4  # of lists inside a recipient's field

_MARKUP = re.compile(r"\{\{|\{%")
_LOOP = re.compile(r"\{%[-+]?\s*for\b")
_FIELDS_ALONE = re.compile(
    r"(?:[^{]|\{(?![{%])"
    r"|\{\{ ?\w{1,64} ?(?:\| ?(?:upper|lower|title|capitalize|trim) ?)?\}\})*"
)
_FIELD = re.compile(r"\{\{.*?\}\}")
# The binding looks a field up in a dict of Python's, and finds the dict's own methods there.
_TAKEN_NAMES = frozenset(name for name in dir(dict) if not name.startswith("_"))
_WRITTEN_SLASH = "\ufdd6"  # while the engine's own are taken out
_PARTS = {"subject": "subject.txt", "text": "text.txt", "html": "html.html"}


class MessageTemplate:
    """The parts of a campaign's email. Made by `compile`; safe to share between tasks."""

    __slots__ = (
        "_derived",
        "_fixed",
        "_html",
        "_subject",
        "_text",
        "fields",
        "optional",
        "takes_long",
        "whole_links",
    )

    def __init__(self, parts: Mapping[str, _Part], derived: _Derived | None) -> None:
        self._subject = parts["subject"]
        self._text = parts.get("text")
        self._html = parts.get("html")
        self._derived = derived
        text = self._text or derived
        self._fixed = FixedParts(
            text=text.fixed if text else (), html=self._html.fixed if self._html else ()
        )
        self.fields = frozenset[str]().union(*(part.fields for part in parts.values()))
        used = frozenset[str]().union(*(part.used for part in parts.values()))
        self.optional = used - self.fields
        written = sum(len(part.source) for part in parts.values())
        self.takes_long = (
            written > LONG_SOURCE
            or any(part.has_loop for part in parts.values())
            or (derived is not None and derived.reads_each and written > LONG_HTML)
        )
        self.whole_links = link_values.whole_links(self._html.source) if self._html else frozenset()

    @classmethod
    def compile(
        cls, *, subject: str, text: str | None, html: str | None, accepted: bool = False
    ) -> MessageTemplate:
        """Raises `InvalidInput` that names subject, text or html, with the line where there is one.

        `fields` of the result are the merge fields that a recipient must have: those which are used
        somewhere without `| default(…)`. HTML without any tag is read as the text that it is.

        `accepted`: its campaign is under way, perhaps since before templates were bounded as they
        are now. Those bounds refuse nothing then; fuel still ends what takes too long. Of a part
        that is too much to try, `fields` has none.
        """
        if html is not None and text is not None and not text.strip():
            text = None  # nothing to read is no text part
        sources = {"subject": ("subject", subject), "text": ("text", text), "html": ("html", html)}
        if html is not None and text is None and is_text_after_all(html):
            sources = {"subject": ("subject", subject), "html": ("text", html)}
        problems: list[FieldProblem] = []
        parts: dict[str, _Part] = {}
        for given_as, (name, source) in sources.items():
            if source is None:
                continue
            try:
                parts[name] = _Part(name, source, accepted=accepted)
            except _Refused as refused:
                problems += [FieldProblem(given_as, reason) for reason in refused.reasons]
        if text is None and html is None:
            problems.append(FieldProblem("text", NO_BODY))
        if problems:
            raise InvalidInput(problems)
        derives = "html" in parts and "text" not in parts
        return cls(parts, _Derived(parts["html"].source) if derives else None)

    def check_headers(
        self, address: str, name: str | None, recipient: Mapping[str, object]
    ) -> None:
        """Make what of a recipient's own goes into the header. Raises `RenderError`."""
        if name is not None and not (name.isprintable() and "=?" not in name):
            refuse_unsafe("the name", name)
        if self._subject.is_constant or self._subject.is_plain_for(recipient, len(name or "")):
            return
        fields = _plain({**recipient, "email": address, "name": name or ""})
        subject = self._subject.render(_on_one_line(fields, self._subject.used))
        refuse_unsafe("the subject", subject)
        if not _says_something(subject):
            raise RenderError(
                "subject", "comes out empty for this recipient: give a value, or a default that is"
            )

    def render(
        self,
        recipient: Mapping[str, object],
        *,
        headers: Headers,
        attached: Attached | None = None,
    ) -> bytes:
        """The complete message for one recipient, CRLF line ends. Raises `RenderError`.

        `recipient` maps merge fields to str, int, float, bool or lists of these; None and an absent
        key are the same. For `| default(…)`, so is an empty text.
        """
        fields = _plain(recipient)
        subject = self._subject.render(_on_one_line(fields, self._subject.used))
        text = None if self._text is None else self._text.render(fields)
        html = None if self._html is None else self._html.render(fields)
        if self._derived is not None and html is not None:
            text = self._derived.render(fields, html)
        return mime.message(
            headers, subject=subject, text=text, html=html, attached=attached, fixed=self._fixed
        )


class _Refused(Exception):
    """Why a part cannot be compiled: one reason or several."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(*reasons)
        self.reasons = reasons


class _Part:
    """One compiled source: the subject, the text or the HTML."""

    __slots__ = (
        *("_accepted", "_constant", "_has_slash", "_has_words", "_is_fields_alone", "_render"),
        *("_template", "fields", "fixed", "name", "source", "used"),
    )

    def __init__(self, name: str, source: str, *, accepted: bool) -> None:
        self.name = name
        self._accepted = accepted
        self._template = _PARTS[name]
        self.fields: frozenset[str] = frozenset()
        self.used: frozenset[str] = frozenset()
        self._has_slash = SLASH in source
        self._refuse_source(source)
        source = self.source = _understood(source, html=name == "html")
        is_subject = name == "subject"
        self._is_fields_alone = is_subject and _FIELDS_ALONE.fullmatch(source) is not None
        self._has_words = self._is_fields_alone and _says_something(_FIELD.sub("", source))
        self.fixed = fixed_lines(source)
        self._constant = None if _MARKUP.search(source) else source
        if self._constant is None:
            self._render: Callable[..., str] = self._compiled(source).render_template

    def render(self, fields: Mapping[str, object]) -> str:
        """The part for one recipient. Raises `RenderError`."""
        if self._constant is not None:
            return self._constant
        try:
            rendered = self._render(self._template, **fields)
        except TemplateError as error:
            raise self._explained(error) from None
        if len(rendered) > MAX_OUTPUT:
            raise RenderError(self.name, f"becomes longer than {MAX_OUTPUT} characters")
        if self.name == "html" and SLASH in rendered:
            rendered = rendered.replace(SLASH, "/")
        return rendered.replace(_WRITTEN_SLASH, SLASH) if self._has_slash else rendered

    @property
    def is_constant(self) -> bool:
        """Whether it is the same for everybody."""
        return self._constant is not None

    @property
    def has_loop(self) -> bool:
        """Whether more may come out of it than stands there."""
        return _LOOP.search(self.source) is not None

    def is_plain_for(self, recipient: Mapping[str, object], name_length: int) -> bool:
        """Whether these values certainly make one sound line: of fields alone, and plain ones.

        A line says something; a value of white space does not.
        """
        if not self._is_fields_alone:
            return False
        # The address and the name, which is sound, are no fields of the recipient's.
        room = MAX_VALUE - len(self.source) - MAX_ADDRESS - 3 * name_length
        says_something = self._has_words
        for field in self.used:
            value = recipient.get(field, "")
            if type(value) is not str or not value.isprintable() or "=?" in value:
                return False
            room -= 3 * len(value)  # some letters have three capitals
            says_something = says_something or bool(value and not value.isspace())
        return room > 0 and says_something

    def _refuse_source(self, source: str) -> None:
        if len(source) > MAX_SOURCE or len(source.encode(errors="replace")) > MAX_SOURCE:
            raise _Refused(f"is larger than {MAX_SOURCE // 1024} KiB")
        try:
            source.encode()
        except UnicodeEncodeError:
            raise _Refused("contains half of a surrogate pair, which is no character") from None
        if any(mark in source for mark in NEVER_WRITTEN):
            raise _Refused("contains U+FDD4 or U+FDD5, which are no characters")
        if self.name == "subject":
            try:
                refuse_unsafe("subject", source)
            except RenderError as error:
                raise _Refused(str(error).removeprefix("subject: ")) from None

    @property
    def _fuel(self) -> int:
        if self._accepted:
            return ACCEPTED_FUEL
        return SUBJECT_FUEL if self.name == "subject" else FUEL

    def _compiled(self, source: str) -> Environment:
        engine = environment(fuel=self._fuel)
        try:
            tags = list(template_rules.tags(source))
            template_rules.refuse_depth(source, tags)
            template_rules.refuse_unbalanced(source, tags)
            engine.add_template(self._template, source)  # what is no template is refused first
            template_rules.check(source, tags)
            if not self._accepted:
                template_rules.refuse_costly(source, tags)
            if self.name != "subject":
                self.source = link_values.encoded(source, tags, html=self.name == "html")
            engine.add_template(self._template, self.source.replace(SLASH, _WRITTEN_SLASH))
            used = engine.undeclared_variables_in_template(self._template)
        except TemplateError as error:
            raise _Refused(_located(error)) from None
        except template_rules.RuleBroken as broken:
            raise _Refused(str(broken)) from None
        if len(used) > MAX_FIELDS:
            raise _Refused(f"uses more than {MAX_FIELDS} merge fields")
        if taken := used & _TAKEN_NAMES:
            raise _Refused(f"cannot have a merge field named {min(taken)}: rename it")
        self.used = frozenset(used)
        try:
            self._refuse_broken(engine, used)
            self.fields = indispensable(source, tags)
        except TemplateError as error:
            raise _Refused(_located(error)) from None
        except Hopeless as hopeless:
            if not self._accepted:
                raise _Refused(str(hopeless)) from None
        return engine

    def _refuse_broken(self, engine: Environment, used: Collection[str]) -> None:
        """Raises `TemplateError` for what fails whatever the values are."""
        for stand_in in STAND_INS:
            try:
                engine.render_template(self._template, **dict.fromkeys(used, stand_in))
            except TemplateError as error:
                if error.kind in _BROKEN_FOR_EVERYBODY:
                    raise

    def _explained(self, error: TemplateError) -> RenderError:
        missing = undefined_in(error)
        if missing is not None:
            message = f"the recipient has no value for the merge field {missing}"
            return RenderError(self.name, message, field=missing)
        if error.kind == "OutOfFuel":
            return RenderError(self.name, "takes too long to render")
        return RenderError(self.name, _located(error))


def _understood(source: str, *, html: bool) -> str:
    """The source with its tags as they are meant. Raises `_Refused` for those of other programs."""
    read = spelled(source, html=html)
    if read.foreign:
        raise _Refused(*map(str, read.foreign))
    return read.source


class _Derived:
    """The text part where only HTML was given: made once for all recipients where that is right."""

    __slots__ = ("_outline", "_text", "fixed")

    def __init__(self, html: str) -> None:
        self._text: str | None = None  # the same for everybody
        self._outline: Callable[..., str] | None = None
        self.fixed: tuple[FixedLines, ...] = ()
        if not _MARKUP.search(html):
            self._text = plain_text(html)
            self.fixed = fixed_lines(self._text)
            return
        try:
            outline = outline_of(html)
            engine = environment()
            engine.add_template(_PARTS["text"], outline)
        except (Uncertain, TemplateError):
            return  # each recipient's HTML is read
        self._outline = engine.render_template
        self.fixed = fixed_lines(laid_out(outline))

    @property
    def reads_each(self) -> bool:
        """Whether each recipient's HTML has to be read."""
        return self._text is None and self._outline is None

    def render(self, fields: Mapping[str, object], html: str) -> str | None:
        """The text for one recipient, whose HTML this is; None where there is nothing to read."""
        if self._text is not None:
            return self._text or None
        if self._outline is not None:
            try:
                return laid_out(self._outline(_PARTS["text"], **fields)) or None
            except TemplateError:
                pass  # out of fuel, say: what the HTML does without must not cost the email
        return text_part(html)


_BROKEN_FOR_EVERYBODY = frozenset(
    {"UnknownFilter", "UnknownFunction", "UnknownTest", "UnknownMethod", "OutOfFuel"}
)


def _located(error: TemplateError) -> str:
    what = error.detail or error.message.partition(" (in ")[0]
    return f"line {error.line}: {what}" if error.line else what


def _says_something(line: str) -> bool:
    """Whether anybody would see anything: neither white space nor invisible characters are."""
    return any(character.isprintable() and not character.isspace() for character in line)


def _on_one_line(fields: dict[str, object], used: frozenset[str]) -> dict[str, object]:
    """The fields with each run of white space in a used one as one space: headers hold no more."""
    if not used:
        return fields
    return {
        name: " ".join(value.split()) if type(value) is str else value
        for name in used
        if (value := fields.get(name)) is not None
    }


_SCALARS = frozenset({str, int, float, bool})


def _plain(recipient: Mapping[str, object]) -> dict[str, object]:
    """The recipient's fields, None left out. Raises `RenderError` for anything but plain data."""
    fields: dict[str, object] = {}
    for name, value in recipient.items():
        if type(value) is str:  # nearly always
            fields[name] = value
        elif value is not None:
            fields[name] = _plain_value(name, value, MAX_DEPTH)
    return fields


def _plain_value(name: str, value: object, depth: int) -> object:
    if type(value) in _SCALARS:
        return value
    if depth and isinstance(value, list | tuple):
        # As tuples: of a list or a dict the engine would also hand out the methods that change it.
        return tuple(_plain_value(name, item, depth - 1) for item in value)
    message = f"the merge field {name} is neither text, number nor a list of them"
    raise RenderError("recipient", message, field=name)
