"""Header lines: encoded, folded, and never more than one.

A value that holds a control character is refused, also when it only appears after its RFC 2047
encoded words are decoded: the stdlib has turned `=?utf-8?q?a=0D=0ABcc:_v@x.org?=` into a real Bcc
line (CVE-2024-6923). Everything else is carried so that a reader gets back exactly what went in.
"""

from __future__ import annotations

import binascii
import re

from paceline.delivery.addresses import wire_address
from paceline.errors import DomainError, InvalidInput

MAX_LINE = 76  # characters, where a line can be cut; RFC 2047 §2 for lines with encoded words
MAX_UNCUT_LINE = 998  # RFC 5322 §2.1.1
MAX_VALUE = 998  # characters of a subject or a display name

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# Words of visible ASCII with one space between them: survives folding and reading unchanged.
_PLAIN = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_BLANKS = re.compile("  +")
# As loosely as the most liberal reader takes one: any charset or none, question marks inside.
_ENCODED_WORD = re.compile(r"=\?([^?]*)\?([bBqQ])\?(.*?)\?=")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.:\[\]-]+")

_WORD_FRAME = len("=?utf-8?b??=")
_MAX_WORD = 75  # RFC 2047 §2


class RenderError(DomainError):
    """One recipient's email cannot be made. `part` is subject, text, html or a header's name;
    `field` is the merge field at fault where one is."""

    def __init__(self, part: str, message: str, *, field: str | None = None) -> None:
        super().__init__(f"{part}: {message}")
        self.part = part
        self.field = field


def unstructured(name: str, value: str) -> str:
    """`Subject` and its like: free text, folded or encoded as needed. Raises `RenderError`."""
    refuse_unsafe(name, value)
    room = MAX_LINE - len(name) - 2
    if len(value) <= room and _is_plain(value):
        return f"{name}: {value}\r\n"
    if _is_plain(value) and max(map(len, value.split(" "))) < room:
        return _folded(f"{name}:", value)
    return f"{name}: {encoded_words(value, room)}\r\n"


def structured(name: str, value: str) -> str:
    """A header with a syntax of its own, such as `List-Unsubscribe`: ASCII, cut at spaces only."""
    refuse_unsafe(name, value)
    line = _folded(f"{name}:", value)
    if not _PLAIN.fullmatch(value) or max(map(len, line.split("\r\n"))) > MAX_UNCUT_LINE:
        raise RenderError(name, "must be visible ASCII that can be cut into lines at its spaces")
    return line


def mailbox(name: str, display_name: str | None, address: str) -> str:
    """`From`, `To`, `Reply-To`: one address with an optional name. Raises `RenderError`."""
    try:
        wire = wire_address(address, field=name)
    except InvalidInput as error:
        raise RenderError(name, error.problems[0].message) from None
    if display_name:
        refuse_unsafe(name, display_name)
        display_name = display_name.strip()
        if "  " in display_name:  # readers make one of them, and not all alike
            display_name = _BLANKS.sub(" ", display_name)
    if not display_name:
        return f"{name}: {wire}\r\n"
    phrase = _phrase(display_name, MAX_LINE - len(name) - 2)
    last_line = len(name) + 2 + len(phrase) if "\r\n" not in phrase else _MAX_WORD
    gap = " " if last_line + len(wire) + 3 <= MAX_LINE else "\r\n "
    return f"{name}: {phrase}{gap}<{wire}>\r\n"


def message_id(value: str) -> str:
    """Never folded: some readers take a folded one for another. With or without its brackets."""
    inner = value[1:-1] if value[:1] == "<" and value[-1:] == ">" else value
    if len(inner) > MAX_UNCUT_LINE - 16 or not _MESSAGE_ID.fullmatch(inner):
        raise RenderError("Message-ID", f"is not a message id: {value[:80]!a}")
    return f"Message-ID: <{inner}>\r\n"


def refuse_unsafe(name: str, value: str) -> None:
    """Raises `RenderError` for what could end a line, now or after decoding, or is endless."""
    if len(value) > MAX_VALUE:
        raise RenderError(name, f"is longer than {MAX_VALUE} characters")
    if not value.isprintable() and _UNSAFE.search(value):  # nothing unsafe can be printed
        raise RenderError(name, "contains a line break or another control character")
    if "=?" in value and _hides_unsafe(value):
        raise RenderError(name, "contains an encoded word that hides a control character")


def _hides_unsafe(value: str) -> bool:
    for charset, encoding, text in _ENCODED_WORD.findall(value):
        try:
            raw = text.encode("ascii", "replace")
            if encoding in "qQ":
                data = binascii.a2b_qp(raw, header=True)
            else:
                data = binascii.a2b_base64(raw + b"==")
        except binascii.Error:
            return True  # unreadable for us; some reader may see more in it
        if _UNSAFE.search(data.decode("latin-1").translate(_HIGH_HALF)):
            return True
        try:
            decoded = data.decode(charset.partition("*")[0], "replace")
        except (LookupError, ValueError):
            return True
        if _UNSAFE.search(decoded):
            return True
    return False


# Octets above 0x7f are letters in one charset and controls in another; the charset's own reading
# judges them, while an octet below 0x20 is suspect in any.
_HIGH_HALF = dict.fromkeys(range(0x80, 0x100), " ")


def _is_plain(value: str) -> bool:
    if not (value.isascii() and value.isprintable()):
        return False
    return "=?" not in value and "  " not in value and value.strip() == value


def _phrase(display_name: str, room: int) -> str:
    if _is_plain(display_name) and len(display_name) <= room:
        if _ATOMS.fullmatch(display_name):
            return display_name
        quoted = display_name.replace("\\", "\\\\").replace('"', '\\"')
        if len(quoted) + 2 <= room:
            return f'"{quoted}"'
    return encoded_words(display_name, room)


def _folded(start: str, value: str) -> str:
    lines, line = [], start
    for word in value.split(" "):
        # The first word stays beside the name: a line with nothing but "Subject:" upsets some.
        if len(line) + 1 + len(word) > MAX_LINE and line is not start:
            lines.append(line)
            line = ""
        line += f" {word}"
    return "\r\n".join([*lines, line, ""])


def encoded_words(text: str, room: int) -> str:
    """UTF-8 in base64 words on lines of their own, cut between characters (RFC 2047 §5).

    Base64 always: the Q form would be readable in the raw text only, and has more ways to go wrong
    inside a phrase.
    """
    data = text.encode()
    words, start = [], 0
    while start < len(data):
        end = min(start + (min(room, _MAX_WORD) - _WORD_FRAME) // 4 * 3, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        base64 = binascii.b2a_base64(data[start:end], newline=False).decode("ascii")
        words.append(f"=?utf-8?b?{base64}?=")
        start, room = end, _MAX_WORD
    return "\r\n ".join(words)
