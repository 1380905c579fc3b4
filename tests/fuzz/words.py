"""Family `words`: times, durations, numbers, zones and cursors as text that nobody wrote with care.

Composed ones come with the value that they stand for; of the others, what is taken must lie within
the bounds that are promised, and what is refused must be refused by the promised error.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from zoneinfo import ZoneInfo

from paceline.domain.numbers import parse_hourly_limit, parse_seconds
from paceline.domain.when import LONGEST, InvalidWhen, parse_duration, parse_start
from paceline.errors import InvalidInput
from paceline.persistence.stores.segments import Segment
from paceline.services import cursors
from paceline.services.validation import Problems
from paceline.web.forms import wall_time
from paceline.web.list_query import NAMES, ListQuery
from tests.fuzz import alphabet
from tests.fuzz.hunting import Family, hold, pure

NOW = datetime(2027, 3, 14, 12, 30, tzinfo=UTC)
ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia")]
_UNITS = {"ms": 1_000, "s": 10**6, "m": 60 * 10**6, "h": 3600 * 10**6, "d": 86_400 * 10**6}
_UNTIMED = [Segment.CAMPAIGN, Segment.WHOLE]
_TIMED = [segment for segment in Segment if segment not in _UNTIMED]
_PIECES = (
    *"0123456789.:,-+_eE/ TZ",
    *_UNITS,
    "now",
    "in ",
    "tomorrow",
    "today at ",
    "9:00",
    "25:61",
    "24:00",
    *(
        "٣",
        "１",
        "²",
        "NaN",
        "Infinity",
        "-0",
        "1e9",
        "1e999999999",
        "9" * 30,
        "\0",
        "\ud800",
        "+99:99",
    ),
    *(
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "2027-02-30",
        "2027-W10-1",
        "12:30:60",
    ),
    *("Europe/Berlin", "../../etc/passwd", "UTC+25", "GMT-0", "posixrules", "Europe", ""),
)


@dataclass(frozen=True)
class Case:
    kind: str
    text: str
    zone: int = 0
    means: object = None  # where it is known


def make(dice: Random) -> Case:
    """Text for one of the doors."""
    kind = dice.choice(tuple(_DOORS))
    zone = dice.randrange(len(ZONES))
    if kind in _COMPOSED and dice.random() < 0.5:
        text, means = _COMPOSED[kind](dice)
        if dice.random() < 0.5:
            return Case(kind, text, zone, means)
        return Case(kind, alphabet.spoiled(dice, text), zone)
    if kind in ("cursor", "position"):
        return Case(kind, _cursor(dice), zone)
    if dice.random() < 0.2:
        return Case(kind, alphabet.text(dice), zone)
    return Case(kind, "".join(dice.choice(_PIECES) for _ in range(dice.randint(1, 6))), zone)


def _duration(dice: Random) -> tuple[str, object]:
    units = dice.sample(sorted(_UNITS), k=dice.randint(1, 3))
    counts = [dice.randrange(100) for _ in units]
    text = dice.choice(("", " ")).join(f"{n}{u}" for n, u in zip(counts, units, strict=True))
    total = sum(n * _UNITS[u] for n, u in zip(counts, units, strict=True))
    return text, timedelta(microseconds=total)


def _start(dice: Random) -> tuple[str, object]:
    if dice.random() < 0.4:
        text, means = _duration(dice)
        assert isinstance(means, timedelta)
        return f"in {text}", NOW + means
    at = NOW + timedelta(seconds=dice.randrange(10**8))
    zone = timezone(timedelta(minutes=dice.randint(-1_439, 1_439)))
    return at.astimezone(zone).isoformat(), at


def _seconds(dice: Random) -> tuple[str, object]:
    hundredths = dice.randrange(8_640_000)  # of three digits nobody knows whether they are a group
    return f"{hundredths // 100}.{hundredths % 100:02}", hundredths * 10


def _limit(dice: Random) -> tuple[str, object]:
    limit = dice.randint(1, 1_000_000)
    return dice.choice((f"{limit}", f"{limit:07}", f" {limit} ")), limit


def _position(dice: Random) -> tuple[str, object]:
    at = None if dice.random() < 0.3 else NOW + timedelta(seconds=dice.randint(-(10**9), 10**9))
    segment = str(dice.choice(_UNTIMED if at is None else _TIMED))
    email_id = uuid.UUID(int=dice.getrandbits(128))
    parts = [segment, None if at is None else at.isoformat(), str(email_id)]
    return packed(parts), (segment, at, email_id)


def _id(dice: Random) -> tuple[str, object]:
    given = uuid.UUID(int=dice.getrandbits(128))
    return packed([str(given)]), given


def packed(parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def _cursor(dice: Random) -> str:
    """Well packed, and nothing that a list gave out."""
    odd = (
        None,
        "",
        "x",
        1,
        [],
        {},
        "sent",
        "campaign",
        "\0",
        "\ud800",
        str(uuid.UUID(int=7)),
        "0" * 32,
    )
    parts: list[object] = [
        dice.choice((*odd, dice.choice(_PIECES))) for _ in range(dice.randint(0, 4))
    ]
    if dice.random() < 0.5:
        segment = dice.choice([str(segment) for segment in Segment])
        parts = [segment, dice.choice(_PIECES), str(uuid.UUID(int=dice.getrandbits(128)))]
    text = packed(parts) if dice.random() < 0.8 else packed("[" * dice.choice((3, 400)))
    return text if dice.random() < 0.7 else alphabet.spoiled(dice, text)


def judge(case: Case) -> str:
    """Through its door; the promised error, or a value within bounds."""
    door, promised = _DOORS[case.kind]
    try:
        found = door(case.text, ZONES[case.zone])
    except promised as refused:
        hold(case.means is None, f"a sound one is refused: {refused}")
        hold(str(refused).strip() and len(str(refused)) < 3_000, "refused without a reason")
        return "refused"
    if case.means is not None:
        hold(found == case.means, f"is read as {found!r}, and means {case.means!r}")
        return "as composed"
    return "taken"


def _read_duration(text: str, _zone: ZoneInfo) -> object:
    found = parse_duration(text)
    hold(timedelta(0) <= found <= LONGEST, f"a duration of {found}")
    return found


def _read_start(text: str, zone: ZoneInfo) -> object:
    found = parse_start(text, now=NOW, zone=zone)
    if found is not None:
        hold(found.tzinfo is UTC and NOW <= found <= NOW + LONGEST, f"a start at {found}")
    return found


def _read_wall_time(text: str, zone: ZoneInfo) -> object:
    found = wall_time(text, zone)
    hold(found.tzinfo is UTC, "is not UTC")
    return found


def _read_seconds(text: str, _zone: ZoneInfo) -> object:
    found = parse_seconds(text)
    hold(0 <= found <= 86_400_000, f"a delay of {found} ms")
    return found


def _read_limit(text: str, _zone: ZoneInfo) -> object:
    found = parse_hourly_limit(text)
    hold(found is None or 1 <= found <= 1_000_000, f"a limit of {found}")
    return found


def _read_cursor(text: str, _zone: ZoneInfo) -> object:
    found = cursors.unpack_id(text)
    hold(cursors.unpack_id(cursors.pack_id(found)) == found, "is another when packed again")
    return found


def _read_position(text: str, _zone: ZoneInfo) -> object:
    found = cursors.unpack_position(text)
    assert found is not None
    hold(cursors.unpack_position(cursors.pack_position(found)) == found, "is another when packed")
    if found.at is not None:
        found.at.astimezone(UTC).isoformat()  # as the database is told
    return str(found.segment), found.at, found.email_id


def _read_zone(text: str, _zone: ZoneInfo) -> object:
    problems = Problems()
    problems.time_zone("time_zone", text)
    problems.raise_if_any()
    NOW.astimezone(ZoneInfo(text))
    hold(".." not in text and not text.startswith("/"), "a zone from elsewhere")
    return text


def _read_query(text: str, zone: ZoneInfo) -> object:
    query = ListQuery.read(dict.fromkeys(NAMES, text))
    query.wanted(zone)
    hold(len(query.q) <= 200 and len(query.cursor) <= 500, "keeps more than it shows")
    if text.isprintable():
        hold(query.url().isascii() and " " not in query.url(), "is no address")
    return None


_DOORS: dict[str, tuple[Callable[[str, ZoneInfo], object], type[Exception]]] = {
    "duration": (_read_duration, InvalidWhen),
    "start": (_read_start, InvalidWhen),
    "wall time": (_read_wall_time, ValueError),
    "seconds": (_read_seconds, ValueError),
    "limit": (_read_limit, ValueError),
    "cursor": (_read_cursor, InvalidInput),
    "position": (_read_position, InvalidInput),
    "zone": (_read_zone, InvalidInput),
    "query": (_read_query, InvalidInput),
}
_COMPOSED: dict[str, Callable[[Random], tuple[str, object]]] = {
    "duration": _duration,
    "start": _start,
    "seconds": _seconds,
    "limit": _limit,
    "cursor": _id,
    "position": _position,
}

WORDS = Family(
    name="words",
    cases=15_000,
    outcomes=frozenset({"refused", "as composed", "taken"}),
    make=make,
    open=pure(judge),
)
