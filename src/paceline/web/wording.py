"""Sentences: numbers, times and reasons as a person reads them.

The server writes all words, so that a page, its live fragments and its tests agree. Instants are
shown in the reader's zone, which their browser tells (`zone_named`).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from paceline.domain.gate import HeldBy
from paceline.domain.lifecycle import EmailList, FailureReason
from paceline.services.bulk import Action, BulkReport, NotDone
from paceline.services.status import Activity, Allowance, Status
from paceline.services.views import Counts

MAX_ZONE_CHARACTERS = 64
_REPLY = re.compile(r"[45]\d\d[ -]")  # RFC 5321 §4.2
WORTH_A_WORD = timedelta(minutes=1)  # what is held for less is just next

_FAILURES = {
    FailureReason.HARD_BOUNCE: "The address does not exist, or refuses all mail.",
    FailureReason.ATTEMPTS_EXHAUSTED: "Every attempt was turned away.",
    FailureReason.SUPPRESSED: "The address is on your suppression list.",
    FailureReason.EXPIRED: "It could not be sent in good time.",
    FailureReason.REJECTED: "The server refused this email.",
}

# (on its own, with a moment when it goes on)
_HELD = {
    HeldBy.CAMPAIGN_DRAFT: ("Waits until its campaign is launched", None),
    HeldBy.CAMPAIGN_PAUSED: ("Waits until its campaign is resumed", None),
    HeldBy.SENDER_PAUSED: ("Waits until its sender is resumed", None),
    HeldBy.SENDER_BROKEN: ("Waits until its sender is mended and verified", None),
    HeldBy.HOST_RESTING: (
        "Waits because the mail server is away or refuses mail",
        "tries again {when}",
    ),
    HeldBy.SCHEDULE: ("Waits for its time", "goes out {when}"),
    HeldBy.RETRY: ("Waits after a temporary refusal", "tries again {when}"),
    HeldBy.MIN_DELAY: ("Waits for the delay between two emails", "goes on {when}"),
    HeldBy.HOURLY_LIMIT: ("Waits for the sender’s hourly limit", "goes on {when}"),
    HeldBy.CAMPAIGN_HOURLY_LIMIT: ("Waits for the campaign’s hourly limit", "goes on {when}"),
    HeldBy.SERVER_SILENT: ("Waits for the mail server’s answer, which takes long", None),
    HeldBy.NO_WORKER: ("Waits because no worker is running", None),
    HeldBy.LIMITS_UNAVAILABLE: (
        "Waits because Redis, which counts the limits, is away or refuses writes",
        None,
    ),
}

_DONE = {
    Action.CANCEL: "cancelled",
    Action.RESCHEDULE: "moved",
    Action.RETRY: "will be tried again",
    Action.MARK_SENT: "marked as sent",
}
_NOT_DONE = {
    NotDone.NOT_FOUND: "not there any more",
    NotDone.ON_ITS_WAY: "on the way",
    NotDone.SENT: "sent already",
    NotDone.FAILED: "failed",
    NotDone.IN_DOUBT: "in doubt",
    NotDone.CANCELLED: "cancelled already",
    NotDone.WAITING: "waiting already",
    NotDone.TRIED_BEFORE: "waiting for the next try",
    NotDone.CAMPAIGN_DRAFT: "of a draft",
    NotDone.CAMPAIGN_MOVING: "of a campaign that is being moved",
    NotDone.CAMPAIGN_CANCELLED: "of a cancelled campaign",
    NotDone.SENDER_DELETED: "of a sender that was deleted",
    NotDone.SUPPRESSED: "on your suppression list",
    NotDone.DOUBTFUL: "in doubt by an earlier attempt",
    NotDone.REMOVED: "without the content that is kept no longer",
}

_BRIEFLY = {
    HeldBy.CAMPAIGN_DRAFT: "not launched",
    HeldBy.CAMPAIGN_PAUSED: "campaign paused",
    HeldBy.SENDER_PAUSED: "sender paused",
    HeldBy.SENDER_BROKEN: "sender broken",
    HeldBy.HOST_RESTING: "the mail server is away or refuses mail",
    HeldBy.SCHEDULE: "not yet due",
    HeldBy.RETRY: "to be tried again",
    HeldBy.MIN_DELAY: "delay between two emails",
    HeldBy.HOURLY_LIMIT: "sender’s hourly limit",
    HeldBy.CAMPAIGN_HOURLY_LIMIT: "campaign’s hourly limit",
    HeldBy.SERVER_SILENT: "the mail server does not answer",
    HeldBy.NO_WORKER: "no worker is running",
    HeldBy.LIMITS_UNAVAILABLE: "Redis does not answer, or refuses writes",
}

# Where the words for one email would sound wrong about a whole campaign.
_STANDING = {
    HeldBy.CAMPAIGN_DRAFT: "Nothing goes out until it is launched.",
    HeldBy.CAMPAIGN_PAUSED: "Nothing goes out until it is resumed.",
    HeldBy.SENDER_PAUSED: "Nothing goes out until its sender is resumed.",
    HeldBy.SENDER_BROKEN: "Nothing goes out until its sender is mended and verified.",
    HeldBy.NO_WORKER: "Nothing goes out: no worker is running.",
    HeldBy.LIMITS_UNAVAILABLE: "Nothing goes out: Redis is away or refuses writes.",
}


def zone_named(name: str | None) -> tzinfo:
    """The zone of this IANA name, or UTC for whatever is not one. Never raises."""
    if not name or len(name) > MAX_ZONE_CHARACTERS:
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; absolute paths; names of folders
        return UTC


def zone_label(zone: tzinfo, at: datetime) -> str:
    """`Europe/Berlin (UTC+1)`."""
    offset = at.astimezone(zone).utcoffset() or timedelta()
    minutes = int(offset.total_seconds()) // 60
    if not minutes:
        return "UTC"
    sign = "+" if minutes > 0 else "−"
    hours, rest = divmod(abs(minutes), 60)
    shift = f"UTC{sign}{hours}" + (f":{rest:02d}" if rest else "")
    return f"{zone} ({shift})"


def number(value: int) -> str:
    """`12,345`."""
    return f"{value:,}"


def sentence(text: str) -> str:
    """With a capital and a full stop, as services write neither."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."


def remark(note: str) -> str:
    """What is noted about a part of a message, as a sentence."""
    return sentence(note.replace("html", "HTML", 1) if note.startswith("html") else note)


def count(value: int, noun: str, plural: str = "", *, more: bool = False) -> str:
    """`1 email`, `1,200 emails`; with `more`, where that is not all, `10,000+ emails`."""
    if more:
        return f"{value:,}+ {plural or noun + 's'}"
    return f"{value:,} {noun if value == 1 else plural or noun + 's'}"


def clock_time(at: datetime, zone: tzinfo, *, seconds: bool = False) -> str:
    """`14:00`, or `14:00:05`."""
    return at.astimezone(zone).strftime("%H:%M:%S" if seconds else "%H:%M")


def day_and_time(at: datetime, *, now: datetime, zone: tzinfo, seconds: bool = False) -> str:
    """`14:00` today, `tomorrow 14:00`, `Nov 24, 14:00`, with the year where it is not this one."""
    local, today = at.astimezone(zone), now.astimezone(zone)
    clock = clock_time(at, zone, seconds=seconds)
    days = (local.date() - today.date()).days
    if days == 0:
        return clock
    if days in (-1, 1):
        return f"{'tomorrow' if days > 0 else 'yesterday'} {clock}"
    year = f" {local.year}" if local.year != today.year else ""
    return f"{local:%b} {local.day}{year}, {clock}"


def exact_moment(at: datetime, zone: tzinfo) -> str:
    """`Nov 24 2026, 14:00:05 Europe/Berlin (UTC+1)`: what stands behind any shorter form."""
    local = at.astimezone(zone)
    clock = clock_time(at, zone, seconds=True)
    return f"{local:%b} {local.day} {local.year}, {clock} {zone_label(zone, at)}"


def list_moment(at: datetime, *, now: datetime, zone: tzinfo) -> str:
    """As a list shows it: to the second while it is today, since that is when seconds matter."""
    is_today = at.astimezone(zone).date() == now.astimezone(zone).date()
    return day_and_time(at, now=now, zone=zone, seconds=is_today)


def at_moment(at: datetime, *, now: datetime, zone: tzinfo) -> str:
    """As part of a sentence: `at 14:00`, `tomorrow at 14:00`, `on Nov 24 at 14:00`, `now`."""
    if at <= now:
        return "now"
    clock = clock_time(at, zone, seconds=at - now < timedelta(minutes=10))
    day = day_and_time(at, now=now, zone=zone).removesuffix(clock_time(at, zone)).rstrip(", ")
    if not day:
        return f"at {clock}"
    return f"{day} at {clock}" if day == "tomorrow" else f"on {day} at {clock}"


def duration(span: timedelta) -> str:
    """`12 s`, `5 min`, `3 h 20 min`, `2 d 4 h`: two units at most, never negative."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h" + (f" {minutes} min" if minutes else "")
    days, hours = divmod(hours, 24)
    return f"{days} d" + (f" {hours} h" if hours else "")


def delay(milliseconds: int) -> str:
    """A minimum delay: `none`, `250 ms`, `2 s`, `1.5 s`."""
    if not milliseconds:
        return "none"
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    return f"{milliseconds / 1000:,.3f}".rstrip("0").rstrip(".") + " s"


def size(octets: int) -> str:
    """`812 B`, `1.4 kB`, `2.0 MB`."""
    if octets < 1000:
        return f"{octets} B"
    if octets < 1_000_000:
        return f"{octets / 1000:.1f} kB"
    return f"{octets / 1_000_000:.1f} MB"


def why_waiting(
    held_by: str | None, release_at: datetime | None, *, now: datetime, zone: tzinfo
) -> str:
    """`Waits for its time, goes out at 14:00.` Empty when nothing holds it."""
    if held_by is None:
        return ""
    alone, then = _HELD[HeldBy(held_by)]
    if then is None or release_at is None:
        return f"{alone}."
    return f"{alone}, {then.format(when=at_moment(release_at, now=now, zone=zone))}."


def why_briefly(held_by: str | None) -> str:
    """`delay between two emails`; what nothing holds has its turn."""
    return "its turn has come" if held_by is None else _BRIEFLY[HeldBy(held_by)]


def why_standing(
    held_by: str | None, release_at: datetime | None, *, now: datetime, zone: tzinfo
) -> str:
    """The same about a campaign as a whole. The gaps between its emails are not worth a word."""
    if held_by == HeldBy.MIN_DELAY:
        return ""
    alone = None if held_by is None else _STANDING.get(HeldBy(held_by))
    return alone or why_waiting(held_by, release_at, now=now, zone=zone)


def what_was_done(action: Action, report: BulkReport) -> str:
    """`3 emails cancelled. 2 were not: 1 sent already, 1 on its way.`"""
    said = f"{count(report.done, 'email')} {_DONE[action]}."
    if report.not_done:
        total = sum(report.not_done.values())
        why = ", ".join(f"{n:,} {_NOT_DONE[reason]}" for reason, n in report.not_done.items())
        said += f" {total:,} {'was' if total == 1 else 'were'} not: {why}."
    return said if report.complete else said + " More match: do it once more for the next ones."


def what_is_so(status: Status, *, now: datetime, zone: tzinfo) -> str:
    """In a few words: `going out now`, `next at 14:00`, `held until 15:00: hourly limit`."""
    if status.activity is Activity.NOTHING:
        return "nothing waits"
    if status.activity is Activity.SENDING:
        return "going out now"
    at = None if status.at is None else at_moment(status.at, now=now, zone=zone)
    if status.activity is Activity.NEXT or (status.at and status.at - now < WORTH_A_WORD):
        return f"next {at or 'soon'}"
    until = f" until {at.removeprefix('at ').removeprefix('on ')}" if at and at != "now" else ""
    held_by = None if status.held_by is None else _BRIEFLY[status.held_by]
    if status.host and status.since:
        held_by = unreached(status.host, status.since, now=now, zone=zone)
    return f"held{until}: {held_by}"


def unreached(host: str | None, since: datetime | None, *, now: datetime, zone: tzinfo) -> str:
    """`smtp.example.com has not been reached since 10:02`."""
    if since is None:
        return f"{host} has not been reached"
    return f"{host} has not been reached since {day_and_time(since, now=now, zone=zone)}"


def is_reply(reason: str | None) -> bool:
    """Whether a server said it, rather than we."""
    return _REPLY.match(reason or "") is not None


def as_told(reason: str | None) -> str:
    """A reason with who gave it: nobody said what we found out ourselves."""
    return f"It said: {reason}" if is_reply(reason) else reason or ""


def used_of(hourly: Allowance | None) -> str:
    """`60 of 100 this hour`."""
    if hourly is None:
        return "no hourly limit"
    used = "?" if hourly.used is None else f"{hourly.used:,}"
    return f"{used} of {hourly.limit:,} this hour"


def why_failed(reason: str | None) -> str:
    """The failure as a sentence."""
    return "" if reason is None else _FAILURES[FailureReason(reason)]


def told(counts: Counts, total: int) -> str:
    """What became of a campaign: `3 of 10 sent · 1 failed · 6 cancelled`."""
    parts = [f"{counts.sent:,} of {total:,} sent"]
    for which in (EmailList.FAILED, EmailList.IN_DOUBT, EmailList.CANCELLED):
        n = counts.of(which)
        parts += [f"{n:,} {which.replace('_', ' ')}"] if n else []
    return " · ".join(parts)


def initials(name: str | None, address: str) -> str:
    """Two letters at most, from the name or else from the address."""
    words = [word for word in (name or "").split() if word[0].isalnum()]
    if not words:
        return address[:1].upper()
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()
