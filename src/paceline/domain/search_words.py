"""What a text can be found by: its words, small and without accents.

The words of an email and those of a question are made here, by the same rules. A word is a run of
letters, or of digits with the letters right behind them, so that `meyer42` is found by `meyer` and
by `42`. Scripts that put no space between words are taken in twos, so that any part is found.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

MAX_WORD = 100  # characters; what is longer is found by its beginning
MIN_BEGINNING = 3  # characters of a word that is taken as a beginning wherever it stands

_ASCII = re.compile(r"[0-9]+[a-z]*|[a-z]+")
_ANY = re.compile(r"\d+[^\W\d_]*|[^\W\d_]+")
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\U00020000-\U0003ffff"
_RUN = re.compile(f"([{_UNSPACED}]+)|[^{_UNSPACED}]+")
_ACCENTS = re.compile("[\u0300-\u036f]+")
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A word of a question. `is_beginning`: longer ones that begin so are meant as well."""

    word: str
    is_beginning: bool


def words_of(text: str) -> list[str]:
    """All that a text can be found by, in its order."""
    if text.isascii():
        found = _ASCII.findall(text.lower())
        return found if len(text) <= MAX_WORD else [word[:MAX_WORD] for word in found]
    parts = (_in_twos(run) if unspaced else [run] for run, unspaced in _runs(text))
    return list(chain.from_iterable(parts))


def asked_for(question: str) -> list[Asked]:
    """The words of a question, each once. The last one is still being typed."""
    asked: dict[str, Asked] = {}
    runs = list(_runs(question))
    for place, (run, unspaced) in enumerate(runs, start=1):
        if unspaced and len(run) > 1:
            for two in _in_twos(run)[:-1]:
                asked[two] = Asked(two, is_beginning=False)
        else:
            begins = unspaced or len(run) >= MIN_BEGINNING or place == len(runs)
            asked[run] = Asked(run, is_beginning=begins)
    return list(asked.values())


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    """Words; those of scripts without spaces by themselves, with True."""
    for word in _ANY.findall(_plain(text)):
        for run in _RUN.finditer(word):
            yield run[0][:MAX_WORD], run[1] is not None


def _plain(text: str) -> str:
    if text.isascii():
        return text.lower()
    apart = _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return unicodedata.normalize("NFC", apart).casefold().translate(_LETTERS)


def _in_twos(run: str) -> list[str]:
    """Each character with the one behind it; the last one alone."""
    return [run[place : place + 2] for place in range(len(run))]
