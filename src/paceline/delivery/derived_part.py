"""The text part where only HTML was given: made once for all recipients where that is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from minijinja import TemplateError

from paceline.delivery.body_encoding import Body, FixedLines, fixed_lines
from paceline.delivery.derived_text import Uncertain, outline_of
from paceline.delivery.plain_text import plain_text, text_part
from paceline.delivery.template_engine import environment
from paceline.delivery.template_parts import Part
from paceline.delivery.text_flow import laid_out

_OUTLINE = "text.txt"
_NO_TEXT = Body((b"",))


class DerivedPart:
    """The text part of one HTML part."""

    __slots__ = ("_constant", "_fixed", "_html", "_outline")

    def __init__(self, html: Part) -> None:
        self._html = html
        self._constant: Body | None = None
        self._outline: Callable[..., str] | None = None
        self._fixed: tuple[FixedLines, ...] = ()
        if html.is_constant:
            text = plain_text(html.source)
            self._constant = Body.fixed_as(text) if text else _NO_TEXT
            return
        try:
            outline = outline_of(html.source)
            engine = environment()
            engine.add_template(_OUTLINE, outline)
        except (Uncertain, TemplateError):
            return  # each recipient's HTML is read
        self._outline = engine.render_template
        self._fixed = fixed_lines(laid_out(outline))

    @property
    def reads_each(self) -> bool:
        """Whether each recipient's HTML has to be read."""
        return self._constant is None and self._outline is None

    def body(self, fields: Mapping[str, object]) -> Body | None:
        """The text for one recipient; None where there is nothing to read."""
        if self._constant is not None:
            return None if self._constant is _NO_TEXT else self._constant
        if self._outline is not None:
            try:
                text = laid_out(self._outline(_OUTLINE, **self._html.given(fields)))
            except TemplateError:
                pass  # out of fuel, say: what the HTML does without must not cost the email
            else:
                return Body.of(text, self._fixed) if text else None
        read = text_part(self._html.render(fields))
        return None if read is None else Body.of(read)
