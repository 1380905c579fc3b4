"""A campaign's subject, text and HTML: compiled once, rendered for each recipient.

Its parts are compiled and rendered in `template_parts`, by the engine that `template_engine` sets
up. Where there is HTML alone, the text is made out of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from paceline.delivery import link_values, mime
from paceline.delivery.attachments import Attached
from paceline.delivery.body_encoding import Body
from paceline.delivery.derived_part import DerivedPart
from paceline.delivery.headers import RenderError, refuse_unsafe
from paceline.delivery.markup import is_text_after_all
from paceline.delivery.mime import Headers
from paceline.delivery.template_parts import Part, Refused
from paceline.delivery.template_values import plain, says_something
from paceline.errors import FieldProblem, InvalidInput

NO_BODY = "is missing: give text, html or both"
LONG_SOURCE = 32 * 1024  # characters of text and HTML: past it, an email may take many ms to make
LONG_HTML = 8 * 1024  # the same of HTML that has to be read for each recipient


class MessageTemplate:
    """The parts of a campaign's email. Made by `compile`; safe to share between tasks."""

    __slots__ = (
        "_derived",
        "_html",
        "_subject",
        "_text",
        "fields",
        "may_break",
        "optional",
        "takes_long",
        "whole_links",
    )

    def __init__(self, parts: Mapping[str, Part], derived: DerivedPart | None) -> None:
        self._subject = parts["subject"]
        self._text = parts.get("text")
        self._html = parts.get("html")
        self._derived = derived
        self.fields = frozenset[str]().union(*(part.fields for part in parts.values()))
        used = frozenset[str]().union(*(part.used for part in parts.values()))
        self.optional = used - self.fields
        self.may_break = any(part.may_break for part in (self._text, self._html) if part)
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
        parts: dict[str, Part] = {}
        for given_as, (name, source) in sources.items():
            if source is None:
                continue
            try:
                parts[name] = Part(name, source, accepted=accepted)
            except Refused as refused:
                problems += [FieldProblem(given_as, reason) for reason in refused.reasons]
        if text is None and html is None:
            problems.append(FieldProblem("text", NO_BODY))
        if problems:
            raise InvalidInput(problems)
        derives = "html" in parts and "text" not in parts
        return cls(parts, DerivedPart(parts["html"]) if derives else None)

    def check_headers(
        self, address: str, name: str | None, recipient: Mapping[str, object]
    ) -> None:
        """Make what of a recipient's own goes into the header. Raises `RenderError`."""
        if name is not None and not (name.isprintable() and "=?" not in name):
            refuse_unsafe("the name", name)
        if self._subject.is_constant or self._subject.is_plain_for(recipient, len(name or "")):
            return
        fields = plain({**recipient, "email": address, "name": name or ""})
        subject = self._subject.line(fields)
        refuse_unsafe("the subject", subject)
        if not says_something(subject):
            raise RenderError(
                "subject", "comes out empty for this recipient: give a value, or a default that is"
            )

    def check_bodies(self, address: str, name: str | None, recipient: Mapping[str, object]) -> None:
        """Make what comes below the header. Raises `RenderError`; never, unless `may_break`."""
        fields = plain({**recipient, "email": address, "name": name or ""})
        for part in (self._text, self._html):
            if part is not None and part.may_break:
                part.render(fields)

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
        fields = plain(recipient)
        subject = self._subject.line(fields)
        text, html = self._bodies(fields, attached)
        return mime.composed(headers, subject=subject, text=text, html=html, attached=attached)

    def _bodies(
        self, fields: Mapping[str, object], attached: Attached | None
    ) -> tuple[Body | None, Body | None]:
        text = None if self._text is None else self._text.body(fields)
        part, derived = self._html, self._derived
        if part is None:
            return text, None
        if attached is None and (derived is None or not derived.reads_each):
            html = part.body(fields)
        else:
            rendered = part.render(fields)
            html = part.body_of(rendered if attached is None else attached.linked(rendered))
        if derived is not None:
            text = derived.body(fields)
        return text, html
