"""UTF-8 that a program took for Windows-1252 and wrote as UTF-8 once more: “DÃ©sinscrit”."""

from __future__ import annotations

import codecs

_UTF_8 = codecs.getincrementaldecoder("utf-8")
_MARK = "\ufeff"


def is_written_twice(text: str, *, whole: bool) -> bool:
    """Whether all that is not ASCII in it, read once more, is UTF-8. `whole`: nothing is cut off.

    No language writes so: hardly two letters in a row would pass, and all have to.
    """
    if text.isascii():
        return False
    try:
        _UTF_8("strict").decode(b"".join(map(_octet, text)), whole)
    except UnicodeError:
        return False
    return True


class TwiceDecoder(codecs.IncrementalDecoder):
    """Reads it, chunk by chunk. What was written but once stays as it is."""

    def __init__(self, errors: str = "surrogateescape") -> None:
        super().__init__(errors)
        self._outer, self._inner = _UTF_8(errors), _UTF_8(errors)
        self._begun = False

    def decode(self, data: bytes, final: bool = False) -> str:  # type: ignore[override]
        """The text of one more chunk, without a mark at its beginning."""
        written = self._outer.decode(data, final)
        if written.isascii():
            text = self._inner.decode(written.encode(), final)
        else:
            text = self._inner.decode(b"".join(map(_octet_or_letter, written)), final)
        if text and not self._begun:
            self._begun = True
            text = text.removeprefix(_MARK)
        return text


def _octet(letter: str) -> bytes:
    """Raises `UnicodeEncodeError` for a letter that was no octet."""
    try:
        return letter.encode("cp1252")
    except UnicodeEncodeError:
        return letter.encode("latin-1")  # five octets are no letters there


def _octet_or_letter(letter: str) -> bytes:
    try:
        return _octet(letter)
    except UnicodeEncodeError:
        return letter.encode("utf-8", "surrogateescape")
