"""How long a limit may last: as it says itself, or by the period that it names."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import Enum

from paceline.domain.replies.words import plain


class Span(Enum):
    """How long the limit that a server speaks of lasts."""

    MOMENT = "moment"  # by the second or the minute
    HOUR = "hour"
    DAY = "day"
    UNSAID = "unsaid"


_SPANS = (
    (
        Span.MOMENT,
        r"per (?:second|(?:\d+ )?minute)|messages/s|/sec|/ ?(?:1 ?)?m(?:in)?\b|"
        r"login|authenticat",
    ),
    (Span.DAY, r"\b(?:24|12)[ -]?h"),
    (Span.HOUR, r"hour(?!s)|\b60 ?min|\bstunde|\bheure\b|60 minutes|(?:/|per) ?1 ?h"),
    (
        Span.DAY,
        r"\bda(?:y|ily)\b|\bday'?s\b|month|week|\btag|\bjour|credits?\b|today|tomorrow",
    ),
)
# "try again in 60 seconds", "quota will reset in 11.02 hours", "wait 10 minutes", "banned for 1 h"
_STATED = re.compile(
    r"\b(?:again|retry|later|back|wait|resets?|resum\w+|blocked|banned|suspended|paused|throttled|"
    r"deferred|delayed|restricted|rejected|greylisted)\W+"
    r"(?:(?:at|least|about|for|in|after|within|another|the|next|your|this|request|message) )*"
    r"(\d{1,5}(?:[.,]\d{1,3})?|an?|one) ?(s|m|h|d)"
    r"(?:ec|econd|in|inute|r|our|ay)?s?\b"
)
# Other languages set it apart from "so many in 5 minutes" by the word for "again", or for "wait".
_AGAIN = re.compile(
    r"erneut|wieder|noch ?mal|versuch|reessay|nouveau|intent|nuevo|novamente|riprov|di nuovo|"
    r"ponownie|sprobuj|повтор|попроб|снова|opnieuw|warte|attend|espere|aguarde|подожд|"
    r"再|重试|重試|重新|다시"
)
_STATED_THERE = re.compile(
    r"\b(?:in|nach|dans|en|em|tra|fra|za|over|через|warten sie|espere|aguarde) (\d{1,5}) ?"
    r"(sec|sek|seg|сек|min|мин|stund|heure|hor|or[ae]|godz|uur|час|tag|jour|dia|giorn|dni|dag|дн)|"
    r"(\d{1,5}) ?(秒|초|分|분|小时|小時|時間|시간|天|日|일)(?:钟|鐘|間)?(?:之)?(?:后|後| ?뒤| ?후)"
)
# "500 mails in 24 stunden" names no wait.
_SO_MANY = re.compile(
    r"\d (?:e-?)?(?:mails?|nachrichten|messages?|mensa\w+|messaggi|correos|courriels?|wiadomosci|"
    r"писем|сообщений|berichten) $"
)
_UNITS = {
    **dict.fromkeys(("s", "sec", "sek", "seg", "сек", "秒", "초"), "seconds"),
    **dict.fromkeys(("m", "min", "мин", "分", "분"), "minutes"),
    **dict.fromkeys(("h", "stund", "heure", "hor", "ora", "ore", "godz", "uur", "час"), "hours"),
    **dict.fromkeys(("小时", "小時", "時間", "시간"), "hours"),
    **dict.fromkeys(("d", "tag", "jour", "dia", "giorn", "dni", "dag", "дн"), "days"),
    **dict.fromkeys(("天", "日", "일"), "days"),
}


def span_of(text: str) -> Span:
    """For how long a limit may hold, by the words about it."""
    words = plain(text)
    return next((span for span, said in _SPANS if re.search(said, words)), Span.UNSAID)


def stated_wait(text: str) -> timedelta | None:
    """How long to wait, where a server says so."""
    words = plain(text)
    found = _STATED.search(words)
    if found is None and _AGAIN.search(words):
        found = _STATED_THERE.search(words)
    if found is None or _SO_MANY.search(words, 0, found.start()):
        return None
    number, unit = (group for group in found.groups() if group)
    count = float(number.replace(",", ".")) if number[0].isdecimal() else 1.0
    return timedelta(**{_UNITS[unit]: count})
