"""One part of a template: the subject, the text or the HTML, compiled and rendered.

Templates come from customers and so do the values: fuel and sizes are bounded, a merge field
without a value is an error rather than a hole in the sentence, and HTML is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence

from minijinja import Environment, TemplateError

from paceline.delivery import link_values, template_rules
from paceline.delivery.body_encoding import Body
from paceline.delivery.derived_text import MAX_TOKENS
from paceline.delivery.headers import MAX_VALUE, RenderError, refuse_unsafe
from paceline.delivery.inline_images import MAX_OUTPUT
from paceline.delivery.template_engine import FUEL, NEVER_WRITTEN, SLASH, environment
from paceline.delivery.template_fields import STAND_INS, Hopeless, indispensable, undefined_in
from paceline.delivery.template_skeleton import Skeleton
from paceline.delivery.template_spelling import spelled
from paceline.delivery.template_values import on_one_line, says_something

MAX_SOURCE = 1024 * 1024  # octets of one part
MAX_FIELDS = 200  # merge fields of one template
SUBJECT_FUEL = 2_000  # engine steps: lists show two hundred subjects, and a subject is one line
ACCEPTED_FUEL = 100_000  # of any part of what was accepted before subjects had fewer than bodies
MAX_ADDRESS = 254  # octets (RFC 5321 §4.5.3.1.3)

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
# What the engine knows a part by, and the part without the lines that all get alike.
_WHOLE = {"subject": "subject.txt", "text": "text.txt", "html": "html.html"}
_SKELETON = {"text": "skeleton.txt", "html": "skeleton.html"}
_BROKEN_FOR_EVERYBODY = frozenset(
    {"UnknownFilter", "UnknownFunction", "UnknownTest", "UnknownMethod", "OutOfFuel"}
)
# "Unknown" is said by filters of our own.
_WRONGLY_CALLED = {
    "TooManyArguments": "a filter is given more than it takes; as in truncate(length=20), it may "
    "have to be named",
    "MissingArgument": 'a filter lacks a value, as in replace("old", "new")',
    "Unknown": "",
}


class Refused(Exception):
    """Why a part cannot be compiled: one reason or several."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(*reasons)
        self.reasons = reasons


class Part:
    """One compiled source: the subject, the text or the HTML."""

    __slots__ = (
        *("_accepted", "_constant", "_constant_body", "_has_slash", "_has_words"),
        *("_is_fields_alone", "_names", "_render", "_skeleton"),
        *("fields", "may_break", "name", "source", "used"),
    )

    def __init__(self, name: str, source: str, *, accepted: bool) -> None:
        self.name = name
        self._accepted = accepted
        self.fields: frozenset[str] = frozenset()
        self.used: frozenset[str] = frozenset()
        # Whether it can be made hangs on the values, not on their being there.
        self.may_break = False
        self._has_slash = SLASH in source
        self._refuse_source(source)
        source = self.source = _understood(source, html=name == "html")
        is_subject = name == "subject"
        self._is_fields_alone = is_subject and _FIELDS_ALONE.fullmatch(source) is not None
        self._has_words = self._is_fields_alone and says_something(_FIELD.sub("", source))
        self._constant = None if _MARKUP.search(source) else source
        self._constant_body = None if self._constant is None else Body.fixed_as(source)
        self._names: frozenset[str] = frozenset()
        self._skeleton: Skeleton | None = None
        if self._constant is None:
            self._render: Callable[..., str] = self._compiled(source).render_template

    def render(self, fields: Mapping[str, object]) -> str:
        """The part for one recipient. Raises `RenderError`."""
        if self._constant is not None:
            return self._constant
        given = self.given(fields)
        try:
            rendered = self._render(_WHOLE[self.name], **given)
        except TemplateError as error:
            raise self._explained(error) from None
        if len(rendered) > MAX_OUTPUT:
            raise RenderError(self.name, f"becomes longer than {MAX_OUTPUT} characters")
        return self._with_slashes(rendered)

    def body(self, fields: Mapping[str, object]) -> Body:
        """The same, as it goes into a message."""
        if self._constant_body is not None:
            return self._constant_body
        if self._skeleton is not None:
            try:
                rendered = self._render(_SKELETON[self.name], **self.given(fields))
            except TemplateError:
                pass  # said below, with the line on which it is
            else:
                if len(rendered) + self._skeleton.written <= MAX_OUTPUT:
                    body = self._skeleton.filled(self._with_slashes(rendered))
                    if body is not None:
                        return body
        return self.body_of(self.render(fields))

    def body_of(self, rendered: str) -> Body:
        """What `render` gave, perhaps with other links in it, as it goes into a message."""
        return Body.of(rendered, self._skeleton.runs if self._skeleton else ())

    def line(self, fields: Mapping[str, object]) -> str:
        """The part for one recipient, whose values come in one line. Raises `RenderError`."""
        if self._constant is not None:
            return self._constant
        return self.render(on_one_line(self.given(fields)))

    def given(self, fields: Mapping[str, object]) -> dict[str, object]:
        """What of the recipient's the engine is asked to look at."""
        return {name: fields[name] for name in self._names if name in fields}

    def _with_slashes(self, rendered: str) -> str:
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
            raise Refused(f"is larger than {MAX_SOURCE // 1024} KiB")
        try:
            source.encode()
        except UnicodeEncodeError:
            raise Refused("contains half of a surrogate pair, which is no character") from None
        if any(mark in source for mark in NEVER_WRITTEN):
            raise Refused("contains U+FDD4 or U+FDD5, which are no characters")
        if self.name == "subject":
            try:
                refuse_unsafe("subject", source)
            except RenderError as error:
                raise Refused(str(error).removeprefix("subject: ")) from None

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
            engine.add_template(_WHOLE[self.name], source)  # what is no template is refused first
            template_rules.check(source, tags)
            if not self._accepted:
                template_rules.refuse_costly(source, tags)
            if self.name != "subject":
                self.source = link_values.encoded(source, tags, html=self.name == "html")
            engine.add_template(_WHOLE[self.name], self.source.replace(SLASH, _WRITTEN_SLASH))
            used = engine.undeclared_variables_in_template(_WHOLE[self.name])
        except TemplateError as error:
            raise Refused(_located(error)) from None
        except template_rules.RuleBroken as broken:
            raise Refused(str(broken)) from None
        if len(used) > MAX_FIELDS:
            raise Refused(f"uses more than {MAX_FIELDS} merge fields")
        if taken := used & _TAKEN_NAMES:
            raise Refused(f"cannot have a merge field named {min(taken)}: rename it")
        self.used = frozenset(used)
        try:
            self._refuse_broken(engine, used)
            self.fields = indispensable(source, tags)
        except TemplateError as error:
            raise Refused(_located(error)) from None
        except Hopeless as hopeless:
            if not self._accepted:
                raise Refused(str(hopeless)) from None
        tags = list(template_rules.tags(self.source, most=MAX_TOKENS))
        # The engine knows of no field that has a name of its own, such as self, and yet takes it.
        self._names = frozenset(token.text for tag in tags for token in tag.tokens)
        if self.name != "subject":
            self._add_skeleton(engine, tags)
        return engine

    def _add_skeleton(self, engine: Environment, tags: Sequence[template_rules.Tag]) -> None:
        skeleton = Skeleton.of(self.source, tags)
        if skeleton is not None:
            source = skeleton.source.replace(SLASH, _WRITTEN_SLASH)
            engine.add_template(_SKELETON[self.name], source)
            self._skeleton = skeleton

    def _refuse_broken(self, engine: Environment, used: Collection[str]) -> None:
        """Raises `TemplateError` for what fails whatever the values are; notes what some break."""
        for stand_in in STAND_INS:
            try:
                engine.render_template(_WHOLE[self.name], **dict.fromkeys(used, stand_in))
            except TemplateError as error:
                wrongly_called = error.kind in _WRONGLY_CALLED and not self._accepted
                if wrongly_called or error.kind in _BROKEN_FOR_EVERYBODY:
                    raise
                self.may_break = True

    def _explained(self, error: TemplateError) -> RenderError:
        missing = undefined_in(error)
        if missing is not None:
            message = f"the recipient has no value for the merge field {missing}"
            return RenderError(self.name, message, field=missing)
        if error.kind == "OutOfFuel":
            return RenderError(self.name, "takes too long to render")
        return RenderError(self.name, _located(error))


def _understood(source: str, *, html: bool) -> str:
    """The source with its tags as they are meant. Raises `Refused` for those of other programs."""
    read = spelled(source, html=html)
    if read.foreign:
        raise Refused(*map(str, read.foreign))
    return read.source


def _located(error: TemplateError) -> str:
    what = _WRONGLY_CALLED.get(error.kind) or error.detail or error.message.partition(" (in ")[0]
    return f"line {error.line}: {what}" if error.line else what
