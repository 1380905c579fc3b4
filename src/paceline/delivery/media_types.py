"""What a file says it is: its media type, with the few parameters that readers act upon.

Of a declared type only what is certainly one is kept; of its parameters the charset of a text, and
of a calendar object its method and component: without the method Outlook shows a file where an
invitation was meant (RFC 6047 §2.4). Both are read out of the calendar itself where it has them.
"""

from __future__ import annotations

import re

OCTET_STREAM = "application/octet-stream"
CALENDAR = "text/calendar"

# RFC 6838 §4.2, both halves together within its limit for one.
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")
_MAX_MEDIA_TYPE = 127
# Composite types must not be encoded (RFC 2046 §5); a form is what clients say who say nothing.
_NOT_AS_A_FILE = re.compile(r"(?:multipart|message)/.*|application/x-www-form-urlencoded")
_VALUES = {
    "charset": r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,39}",
    "format": r"flowed|fixed",
    "delsp": r"yes|no",
    "method": r"[A-Za-z][A-Za-z-]{0,29}",
    "component": r"[A-Za-z][A-Za-z-]{0,29}",
}
_PARAMETERS = {
    name: re.compile(rf'(?:^|;)\s*{name}\s*=\s*"?({value})"?\s*(?:;|$)', re.ASCII | re.IGNORECASE)
    for name, value in _VALUES.items()
}
_OF_TEXTS = ("charset", "format", "delsp")
_OF_CALENDARS = ("charset", "method", "component")
_CALENDAR_NAMES = (".ics", ".ical", ".ifb")
_NO_NEWS = frozenset({OCTET_STREAM, "application/ics", "application/x-ics", "text/plain"})
_CALENDAR_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*BEGIN:VCALENDAR\s", re.IGNORECASE)
_METHOD = re.compile(rb"^METHOD(?:;[^\r\n:]{0,200})?:\s*([A-Za-z-]{1,30})\s*$", re.M | re.I)
_COMPONENT = re.compile(rb"^BEGIN:\s*(VEVENT|VTODO|VJOURNAL|VFREEBUSY)\s*$", re.M | re.I)
_PICTURES = (
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ("image/gif", re.compile(rb"GIF8[79]a")),
    ("image/webp", re.compile(rb"RIFF....WEBP", re.DOTALL)),
)
_MAX_READ = 256 * 1024  # octets of a calendar that are looked at


def media_type(declared: str) -> str:
    """What the part will say it is: the declared type where it is one that a file can have."""
    kind, parameters = _parted(declared)
    kept = _OF_CALENDARS if kind == CALENDAR else _OF_TEXTS if kind.startswith("text/") else ()
    return _joined(kind, {name: _parameter(parameters, name) for name in kept})


def media_type_of(declared: str, file_name: str, content: bytes) -> str:
    """The same, with what the file itself tells: a calendar's method, and the charset of a text."""
    kind, parameters = _parted(declared)
    is_calendar = _CALENDAR_START.match(content) is not None
    if is_calendar and kind in _NO_NEWS and file_name.lower().endswith(_CALENDAR_NAMES):
        kind = CALENDAR
    if not kind.startswith("text/"):
        return media_type(declared)
    kept = _OF_CALENDARS if kind == CALENDAR else _OF_TEXTS
    values = {name: _parameter(parameters, name) for name in kept}
    values["charset"] = values["charset"] or _charset(content, is_calendar=is_calendar)
    if kind == CALENDAR:
        head = content[:_MAX_READ]
        # The object wins over the label: Outlook reads it so, and the two must not differ.
        values["method"] = _found(_METHOD, head) or values["method"]
        values["component"] = _found(_COMPONENT, head) or values["component"]
    return _joined(kind, values)


def image_type(content: bytes) -> str | None:
    """The media type of a picture that mail programs show, by its first octets; else None.

    Not SVG, which few of them show, and which may hold scripts.
    """
    return next((kind for kind, start in _PICTURES if start.match(content)), None)


def method_of(content_type: str) -> str | None:
    """The method of a calendar object; None for anything else."""
    kind, parameters = _parted(content_type)
    return _parameter(parameters, "method") if kind == CALENDAR else None


def _parted(declared: str) -> tuple[str, str]:
    kind, _, parameters = declared.strip().partition(";")
    kind = kind.rstrip().lower()
    if len(kind) > _MAX_MEDIA_TYPE or not _MEDIA_TYPE.fullmatch(kind):
        return OCTET_STREAM, ""
    return (OCTET_STREAM, "") if _NOT_AS_A_FILE.fullmatch(kind) else (kind, parameters)


def _parameter(parameters: str, name: str) -> str | None:
    found = _PARAMETERS[name].search(parameters)
    if found is None:
        return None
    return found[1].upper() if name in ("method", "component") else found[1].lower()


def _joined(kind: str, values: dict[str, str | None]) -> str:
    pieces = [
        f'{name}="{value}"' if name == "charset" else f"{name}={value}"
        for name, value in values.items()
        if value
    ]
    return "; ".join([kind, *pieces])


def _charset(content: bytes, *, is_calendar: bool) -> str | None:
    """UTF-8 where it certainly is: unlabelled, some readers would take it for their own charset."""
    if content.isascii():
        return "utf-8" if is_calendar else None
    try:
        content.decode()
    except UnicodeDecodeError:
        return None
    return "utf-8"


def _found(pattern: re.Pattern[bytes], content: bytes) -> str | None:
    found = pattern.search(content)
    return found[1].decode("ascii").upper() if found else None
