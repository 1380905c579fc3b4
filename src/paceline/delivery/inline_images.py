"""The places in HTML that show an inline image: `cid:` and one of the names that it has.

What an image is called on the wire is up to `attachments.py`; which one a name means is told here,
the same for what is sent, for what is previewed, and for what a draft takes along.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterable
from urllib.parse import quote

from paceline.delivery.headers import RenderError

MAX_OUTPUT = 2 * 1024 * 1024  # characters of one rendered part, with its links as they go out


class InlineImages:
    """`images`: (content id, file name) of each. Of two with the same name the first is meant."""

    __slots__ = ("_ids", "_links")

    def __init__(self, images: Iterable[tuple[str, str]]) -> None:
        backwards = reversed(list(images))
        self._ids = {name: id for id, file_name in backwards for name in _names(id, file_name)}
        self._links = _links(self._ids)

    def shown_in(self, body: str) -> frozenset[str]:
        """The content ids of those that this HTML shows."""
        return frozenset(self.places_in(body))

    def places_in(self, body: str) -> Counter[str]:
        """In how many places this HTML shows each of them, by its content id."""
        if self._links is None:
            return Counter()
        return Counter(self._ids[link[1]] for link in self._links.finditer(body))

    def led_on_the_wire(self, body: str, address: Callable[[str], str]) -> str:
        """The same for an email, which stays as short as a part has to be. Raises `RenderError`.

        Links can be as many as a text has characters for, and become twenty times as long.
        """
        room = MAX_OUTPUT - len(body)

        def lead(link: re.Match[str]) -> str:
            nonlocal room
            led = address(self._ids[link[1]])
            room -= len(led) - len(link[0])
            if room < 0:
                raise RenderError("html", f"becomes longer than {MAX_OUTPUT} characters")
            return led

        return body if self._links is None else self._links.sub(lead, body)

    def led_to(self, body: str, address: Callable[[str], str]) -> str:
        """The HTML with each of these links leading to `address(content id)`."""
        if self._links is None:
            return body
        return self._links.sub(lambda link: address(self._ids[link[1]]), body)


def _names(content_id: str, name: str) -> set[str]:
    """What an image may be called by: its id, and its name in each form that HTML has it."""
    return {content_id, name, quote(name), html.escape(name), html.escape(name, quote=False)}


def _links(names: Iterable[str]) -> re.Pattern[str] | None:
    longest_first = sorted(names, key=len, reverse=True)
    if not longest_first:
        return None
    alternatives = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?<![A-Za-z0-9])(?i:cid):({alternatives})(?=[\"'\s)>&?#]|$)")
