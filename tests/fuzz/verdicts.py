"""Family `verdicts`: any reply at any phase means one thing, and few of them mean never again.

The judge knows the few sentences of RFC 5321 and RFC 3463 that must hold whatever the table says.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from random import Random

from paceline.delivery import Phase
from paceline.delivery.replies import RawReply, ReplyParser
from paceline.domain.replies.outcome import Verdict, classify
from tests.fuzz import alphabet
from tests.fuzz.hunting import Family, hold, pure

# Whose words speak of a limit, of later or of spam makes no mailbox a dead one.
_NO_GRAVE = (
    "Greylisted, try again",
    "too many connections",
    "more than 5 mails per hour",
    "no more mails in this session",
    "out of memory",
    "spam",
)
_WORDS = (
    *_NO_GRAVE,
    "ok",
    "user unknown",
    "5.1.1 no such user",
    "é\u202e",
    "",
)
# That a mailbox is not there: X.1.1 unknown, X.1.3 syntax, X.1.6 moved, X.1.10 null MX (RFC 3463,
# RFC 7505); X.2.1 and X.7.13 disabled (RFC 5248); X.7.17 owner changed (RFC 7293).
_GONE = re.compile(r"5\.(?:1\.(?:1|3|6|10)|2\.1)")
_FOR_NOW = frozenset(
    {Verdict.RETRY, Verdict.HOST_BACKOFF, Verdict.HOST_BUSY, Verdict.RECONNECT}
    | {Verdict.SENDER_LIMITED, Verdict.CROWDED}
)
_OURS = frozenset({Verdict.SENDER_LIMITED, Verdict.CROWDED})
_ABOUT_RECIPIENTS = (Phase.RCPT, Phase.DATA, Phase.DOT)


@dataclass(frozen=True)
class Case:
    phase: Phase
    line: bytes


def make(dice: Random) -> Case:
    """A reply line with some code, or none, where the enhanced status code stands."""
    code = dice.choice((421, 450, 451, 452, 530, 535, 550, 551, 552, 553, 554))
    code = code if dice.random() < 0.6 else dice.choice((2, 4, 5)) * 100 + dice.randint(0, 99)
    subject = dice.choice((1, 2, 7, dice.randint(0, 8)))
    detail = dice.choice((1, dice.randint(0, 30), dice.randint(0, 999)))
    enhanced = f"{dice.choice((code // 100, code // 100, 2, 4, 5, 9))}.{subject}.{detail}"
    turn = dice.random()
    if turn < 0.2:
        enhanced = ""
    elif turn < 0.3:
        enhanced = alphabet.spoiled(dice, enhanced, most=1)
    text = f"{enhanced} {dice.choice(_WORDS)} {dice.randint(0, 9)}"
    line = re.sub("[\0\n]", "", f"{code}{dice.choice('  -')}{text}").encode(errors="replace")
    last = b"%d end\r\n" % code
    return Case(dice.choice(list(Phase)), line + b"\r\n" + (last if line[3:4] == b"-" else b""))


def _plain(written: str) -> str:
    """The code in parentheses, behind a hash or before a colon, as some servers write it."""
    if written.startswith("("):
        return written[1:-1] if written.endswith(")") else written
    return written.removeprefix("#").removesuffix(":")


def judge(case: Case) -> str:
    """Through the product's own reader, as from the wire."""
    replies = deque[RawReply]()
    ReplyParser().feed(case.line, replies)
    [raw] = replies
    reply = raw.readable()
    means = Verdict(
        classify(phase=case.phase, code=reply.code, enhanced=reply.enhanced, text=reply.text)
    )
    digit, said = case.line[:1], case.line[4:].decode("utf-8", "replace").split(maxsplit=1)
    written = _plain(said[0] if said else "")
    hold((means is Verdict.ACCEPTED) == (digit == b"2"), f"{case.line!r} is {means}")
    if digit == b"4":
        hold(means in _FOR_NOW, f"{case.line!r} is {means}")
    if means is Verdict.FAIL_AND_SUPPRESS:
        gone = _GONE.fullmatch(written) or re.search("user unknown|no such user", reply.text)
        hold(gone and digit == b"5", f"suppressed for {written!r}")
        hold(case.phase in _ABOUT_RECIPIENTS, f"suppressed at {case.phase}")
    if case.phase in _ABOUT_RECIPIENTS and digit == b"5" and written == "5.1.1":
        said_of_us = reply.code // 10 == 53
        spares_it = any(words in reply.text for words in _NO_GRAVE)
        hold(
            means is Verdict.FAIL_AND_SUPPRESS or said_of_us or spares_it,
            f"an unknown user is {means}",
        )
    if case.phase is Phase.AUTH and digit == b"5":
        hold(means is Verdict.SENDER_BROKEN or means in _OURS, f"a refused log-in is {means}")
    return str(means)


VERDICTS = Family(
    name="verdicts",
    cases=15_000,
    outcomes=frozenset(map(str, Verdict)),
    make=make,
    open=pure(judge),
)
