"""What is so, as the terminal says it: from what the API answers, in a few words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from paceline import clock

HELD_BY = {
    "campaign_draft": "a draft waits to be launched",
    "campaign_paused": "the campaign is paused",
    "sender_paused": "the sender is paused",
    "sender_broken": "the sender is broken: see its page",
    "host_resting": "the mail server rests after failures",
    "min_delay": "the delay between two emails",
    "hourly_limit": "the sender's hourly limit is reached",
    "campaign_hourly_limit": "the campaign's hourly limit is reached",
    "retry": "waiting to try again",
    "server_silent": "the mail server has not answered yet",
    "no_worker": "no worker is running",
    "limits_unavailable": "Redis does not answer, or refuses writes, so nothing is sent",
}
_LISTS = ("scheduled", "sent", "failed", "in_doubt", "cancelled")


def lines(overview: Mapping[str, Any], url: str) -> Iterator[str]:
    """`paceline status`, below where the system is."""
    yield _line("emails", ", ".join(_counted(overview, which) for which in _LISTS))
    yield _line("now", activity(overview["status"]))
    for sender in overview["senders"]:
        yield _line("sender", f"{sender['address']}: {_standing(sender)}")
    for need in overview["status"]["needs"]:
        yield _line("needs you", needed(need, url))


def activity(status: Mapping[str, Any]) -> str:
    """Whether emails go out; if not, why, and until when."""
    held_by, at = status["held_by"], status["at"]
    match status["activity"]:
        case "nothing":
            return "nothing waits"
        case "sending":
            return "going out"
        case "next":
            return f"next at {local(at)}" if at else "next soon"
    until = f" until {local(at)}" if at else ""
    said = f" ({status['reason']})" if status["reason"] else ""
    return f"held{until}: {HELD_BY.get(held_by, held_by)}{said}"


def needed(need: Mapping[str, Any], url: str) -> str:
    """What a person has to do, and where."""
    said = f": {need['reason']}" if need["reason"] else ""
    page = f"{url}/senders/{need['sender_id']}"
    match need["kind"]:
        case "log_in_refused":
            told = f"the log-in of {need['sender_address']} is refused{said}; verify it: {page}"
        case "sender_broken":
            told = f"{need['sender_address']} is broken{said}; mend and verify it: {page}"
        case "server_unreached":
            since = local(need["since"])
            told = f"{need['host']} has not been reached since {since}{said}; look at it: {page}"
        case "in_doubt":
            emails = "1 email is" if need["count"] == 1 else f"{need['count']:,} emails are"
            told = f"{emails} in doubt; settle that: {url}/emails?tab=in_doubt"
        case "no_worker":
            told = "no worker is running: start one with `paceline worker`, or all by `paceline up`"
        case "limits_unavailable":
            told = "Redis does not answer, or refuses writes; nothing is sent until it does"
        case kind:
            told = f"{kind}{said}"
    return told


def local(instant: str) -> str:
    """`14:05:00`, with the day where it is not today."""
    at = datetime.fromisoformat(instant).astimezone()
    is_today = at.date() == clock.now().astimezone().date()
    return f"{at:%H:%M:%S}" if is_today else f"{at:%Y-%m-%d %H:%M:%S}"


def _standing(sender: Mapping[str, Any]) -> str:
    hourly = sender["hourly"]
    told = [sender["state"]] if sender["state"] != "active" else []
    told.append(activity(sender["status"]))
    if hourly is not None:
        used = "?" if hourly["used"] is None else f"{hourly['used']:,}"
        told.append(f"{used} of {hourly['limit']:,} this hour")
    return ", ".join(told)


def _counted(overview: Mapping[str, Any], which: str) -> str:
    # An older server tells of no drafts.
    drafted = overview.get("drafted") if which == "scheduled" else 0
    apart = f" ({drafted:,} of them in drafts)" if drafted else ""
    return f"{overview[which]:,} {which.replace('_', ' ')}{apart}"


def _line(name: str, value: str) -> str:
    return f"{name:<14} {value}"
