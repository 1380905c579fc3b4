"""Whether an email can be made for a row, before it is taken in.

Each row's subject is made here as it will be sent, so that nobody learns of a line break or an
endless subject when the email fails; and one that comes out empty goes to nobody. Where the subject
is fields alone and the values are plain, looking at the values is enough, which costs half a
microsecond a row. So is a body that some values break, as a number's filters do; where bodies take
long to make, only of the first rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from paceline.delivery import MessageTemplate, RenderError, is_script
from paceline.domain.recipients import Recipient, shown

SHOWN_REFUSED = 5
MAX_LONG_BODIES = 1_000  # at most 20 ms each

_ADDRESS = re.compile(r"(?:[a-zA-Z][a-zA-Z0-9+.-]*:\S|//\S|/|#)")


class RowChecks:
    """The checks of one import, with what there is to say at its end."""

    def __init__(self, template: MessageTemplate) -> None:
        self._template = template
        self._links = sorted(template.whole_links - {"email"})
        self._dead: dict[str, tuple[int, int, str]] = {}  # field → how many, first line, its value
        self._refused = 0
        self._bodies_made = 0
        self._first_refused: list[str] = []

    def sound(
        self, batch: list[Recipient], refuse: Callable[[Recipient, str], None]
    ) -> list[Recipient]:
        """Those of a batch that can be sent; the others are handed to `refuse` with a reason."""
        kept = []
        for recipient in batch:
            reason = self.refusal(recipient)
            if reason is None:
                kept.append(recipient)
                if self._links:
                    self._look_at_links(recipient)
            else:
                refuse(recipient, reason)
                self._refused += 1
                if len(self._first_refused) < SHOWN_REFUSED:
                    where = f"line {recipient.line}, {shown(recipient.address)}"
                    self._first_refused.append(f"{where}, is left out: {reason}")
        return kept

    def refusal(self, recipient: Recipient) -> str | None:
        """Why no email can be made for this recipient."""
        try:
            self._template.check_headers(recipient.address, recipient.name, recipient.fields)
            if self._template.may_break and self._may_take_its_time():
                self._template.check_bodies(recipient.address, recipient.name, recipient.fields)
        except RenderError as error:
            return str(error)
        return None

    def _may_take_its_time(self) -> bool:
        self._bodies_made += 1
        return self._bodies_made <= MAX_LONG_BODIES or not self._template.takes_long

    def notes(self) -> Iterator[str]:
        """About values that can be sent, and will not work."""
        for field, (count, line, value) in self._dead.items():
            rows = "1 row has" if count == 1 else f"{count:,} rows have"
            yield (
                f"{rows} a value for {{{{ {field} }}}} that is no address a link can lead to "
                f"(first on line {line}: “{value}”): write it with https://"
            )

    def left_out(self) -> Iterator[str]:
        """The rows that were refused, or the first of them."""
        yield from self._first_refused
        if self._refused > SHOWN_REFUSED:
            yield f"… and {self._refused - SHOWN_REFUSED:,} more rows are left out"

    def _look_at_links(self, recipient: Recipient) -> None:
        for field in self._links:
            value = recipient.fields.get(field)
            if isinstance(value, str) and (is_script(value) or not _ADDRESS.match(value)):
                count, line, first = self._dead.get(field, (0, recipient.line, shown(value)))
                self._dead[field] = (count + 1, line, first)
