"""A file's name in its part's header, twice: as the standard has it, and as Outlook reads it.

`Content-Disposition` carries it after RFC 2231. Readers that know nothing of that (Outlook over POP
and IMAP, QQ Mail) show "untitled" unless `Content-Type` has it too, as encoded words in quotation
marks: RFC 2047 §5 forbids it, and all of them read it.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from paceline.delivery.headers import RenderError, encoded_words, refuse_unsafe

MAX_FILE_NAME = 200  # characters
MAX_LINE = 76  # octets, where a line can be cut

# Directions and invisible marks: how `gpj.exe` is made to look like `exe.jpg`. Not the two that
# join and part letters (U+200C, U+200D): Persian words and families of emoji are made with them.
_DISGUISE = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
# Needs neither escapes nor RFC 2231, in the eyes of any reader.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.,()+@~-]+(?: [A-Za-z0-9_.,()+@~-]+)*")
_ATTRIBUTE_CHARACTERS = "!#$&+^`{|}~"  # beside letters, digits and `_.-` (RFC 2231 §7)
_SEGMENT = MAX_LINE - len(" filename*99*=;")
_NAME_ROOM = MAX_LINE - len(' name=""')


def unusable_name(name: str) -> str | None:
    """Why a file cannot be called so; None where it can."""
    if not name or name != name.strip() or name.strip(".") == "":
        return "must be a file's name, without blanks around it"
    if len(name) > MAX_FILE_NAME:
        return f"is longer than {MAX_FILE_NAME} characters"
    if "/" in name or "\\" in name:
        return "must be the name alone, without a folder"
    if _DISGUISE.search(name):
        return "contains an invisible character that would disguise it"
    try:
        refuse_unsafe("file_name", name)
    except RenderError as error:
        return str(error).removeprefix("file_name: ")
    return None


def content_type(kind: str, file_name: str) -> str:
    """The header line, folded."""
    start, *parameters = kind.split("; ")
    lines = [f"Content-Type: {start}"]
    for parameter in [*parameters, _name(file_name)]:
        room = MAX_LINE - len(lines[-1]) - len(";;  ")
        if len(parameter) <= room and "\r\n" not in parameter:
            lines[-1] += f"; {parameter}"
        else:
            lines[-1] += ";"
            lines.append(f" {parameter}")
    return "\r\n".join(lines)


def disposition(kind: str, file_name: str) -> str:
    """The header line, folded."""
    start = f"Content-Disposition: {kind};"
    plain = f'{start} filename="{file_name}"'
    if len(plain) <= MAX_LINE and _PLAIN_NAME.fullmatch(file_name):
        return plain
    return ";\r\n ".join([start[:-1], *_extended(file_name)])


def _name(file_name: str) -> str:
    if len(file_name) <= _NAME_ROOM and _PLAIN_NAME.fullmatch(file_name):
        return f'name="{file_name}"'
    return f'name="{encoded_words(file_name, _NAME_ROOM)}"'


def _extended(file_name: str) -> list[str]:
    """The name as RFC 2231 has it, one parameter per line, cut between characters."""
    segments = ["utf-8''"]
    for character in file_name:
        encoded = quote(character, safe=_ATTRIBUTE_CHARACTERS)
        if len(segments[-1]) + len(encoded) > _SEGMENT:
            segments.append("")
        segments[-1] += encoded
    if len(segments) == 1:
        return [f"filename*={segments[0]}"]
    return [f"filename*{number}*={segment}" for number, segment in enumerate(segments)]
