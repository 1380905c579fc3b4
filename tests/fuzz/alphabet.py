"""What bad inputs are made of: single pieces with a history, and ways to spoil what is good."""

from __future__ import annotations

import base64
import itertools
import quopri
from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T", str, bytes)

LINE_ENDS = (
    "\r\n",
    "\n",
    "\r",
    "\n\r",
    "\r\r\n",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x85",
    "\u2028",
    "\u2029",
)
CONTROLS = ("\x00", "\x01", "\x08", "\x1a", "\x1b[31m", "\x7f", "\x80", "\x9f")
INVISIBLE = (
    "\u200b",
    "\u202e",
    "\u2066",
    "\u061c",
    "\u200f",
    "\ufeff",
    "\u00ad",
    "\u00a0",
    "\u3000",
)
HALVES = ("\ud800", "\udfff", "\udc80", "\udcff")
LETTERS = (
    "é",
    "ß",
    "İ",
    "ﬀ",
    "e\u0301",
    "中文",
    "ع",
    "я",
    "😀",
    "👨\u200d👩",
    "\U000e0001",
    "\uffff",
)
SYNTAX = (
    '"',
    "\\",
    "<",
    ">",
    ",",
    ";",
    ":",
    "@",
    "(",
    ")",
    "[",
    "]",
    "=?",
    "?=",
    "=",
    "&",
    "%",
    "'",
)
INJECTIONS = (
    "\r\nBcc: v@x.org",
    "\nBcc: v@x.org",
    "\r\n\r\nbody",
    "\r\n .",
    "\r\nX: y\r\n",
    "\r\n.\r\n",
)
WORDS = ("a", "Ann", "Hello", "news", "x" * 80, "word " * 30, " ", "  ", "\t", "")
CHARSETS = (
    "utf-8",
    "UTF-8*en",
    "iso-8859-1",
    "utf-16",
    "utf-7",
    "cp037",
    "no-such",
    "",
    "us-ascii",
)

HOSTILE = LINE_ENDS + CONTROLS + INVISIBLE + HALVES + LETTERS + SYNTAX + INJECTIONS


def text(dice: Random, *, most: int = 6, pieces: Sequence[str] = HOSTILE) -> str:
    """Some pieces among ordinary words, encoded words between them."""
    parts = []
    for _ in range(dice.randint(1, most)):
        turn = dice.random()
        if turn < 0.5:
            parts.append(dice.choice(WORDS))
        elif turn < 0.9:
            parts.append(dice.choice(pieces))
        else:
            parts.append(encoded_word(dice))
    return "".join(parts)


def mild(dice: Random, *, most: int = 8) -> str:
    """Text that is odd, and yet nothing that ends a line or is half a character."""
    return text(dice, most=most, pieces=LETTERS + SYNTAX + INVISIBLE)


def encoded_word(dice: Random) -> str:
    """An RFC 2047 word, right or nearly so, that may hide a line end or a control character."""
    hidden = "".join(dice.choice(WORDS[:4] + LINE_ENDS + CONTROLS + LETTERS) for _ in range(3))
    charset = dice.choice(CHARSETS)
    try:
        data = hidden.encode(charset.partition("*")[0] or "ascii")
    except (LookupError, UnicodeError):
        data = hidden.encode()
    if dice.random() < 0.5:
        kind, body = dice.choice("bB"), base64.b64encode(data).decode()
        body = body if dice.random() < 0.8 else body.rstrip("=")
    else:
        kind, body = dice.choice("qQ"), quopri.encodestring(data, header=True).decode("ascii")
        body = body.replace("\n", "=0A") if dice.random() < 0.9 else body.replace("=", "=\t")
    word = f"=?{charset}?{kind}?{body}?="
    return word if dice.random() < 0.9 else spoiled(dice, word)


def spoiled(dice: Random, good: T, *, most: int = 3) -> T:
    """The same with a few places cut, doubled, swapped or overwritten."""
    pieces: Sequence[T]
    if isinstance(good, str):
        pieces = HOSTILE
    else:
        pieces = [piece.encode(errors="surrogatepass") for piece in HOSTILE] + [b"\xff", b"\x80"]
    for _ in range(dice.randint(1, most)):
        at = dice.randint(0, len(good))
        to = min(len(good), at + dice.choice((0, 1, 1, 2, 8)))
        turn = dice.randrange(5)
        if turn == 0:
            good = good[:at] + good[to:]
        elif turn == 1:
            good = good[:to] + good[at:]
        elif turn == 2:
            good = good[:at] + dice.choice(pieces) + good[to:]
        elif turn == 3:
            good = good[:at] + dice.choice(pieces) + good[at:]
        else:
            good = good[at:to] + good[:at] + good[to:]
    return good


def cut(dice: Random, data: bytes) -> tuple[bytes, ...]:
    """The same bytes in pieces: whole, one by one, or anyhow."""
    turn = dice.random()
    if turn < 0.4 or len(data) < 2:
        return (data,) if data else ()
    if turn < 0.6 and len(data) <= 300:
        return tuple(data[i : i + 1] for i in range(len(data)))
    places = sorted(dice.randint(0, len(data)) for _ in range(dice.randint(1, 5)))
    edges = [0, *places, len(data)]
    return tuple(data[a:b] for a, b in itertools.pairwise(edges) if a < b)
