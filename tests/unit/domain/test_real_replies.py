"""What real servers say, from fifty providers and more, and what has to follow from it.

Judged by what follows for the email and its sender, not by the name of the verdict.
"""

from __future__ import annotations

import uuid
from collections import deque
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from paceline.delivery import Kind, Phase, Reply, Result, Scope
from paceline.delivery.replies import RawReply, ReplyParser
from paceline.domain.lifecycle import JobState
from paceline.persistence.ledger import Attempt
from paceline.sending.consequences import Consequence, History, SenderEffect, consequence

REPLIES = Path(__file__).parent / "replies"
# A server may say the same one step sooner or later: of us at any, of a recipient once it is named.
FROM_MAIL = (Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.DOT)
OPENING = (Phase.GREETING, Phase.EHLO)
ELSEWHERE = {
    "wait_sender": (Phase.AUTH, *FROM_MAIL),
    "sender_broken": FROM_MAIL,
    "reconnect": FROM_MAIL,
    "retry_recipient": FROM_MAIL[1:],
    "fail_recipient": FROM_MAIL[1:],
    "suppress_recipient": FROM_MAIL[1:],
}


class Said(NamedTuple):
    outcome: str
    provider: str
    step: Phase
    line: str

    @property
    def reply(self) -> Reply:
        """As read from the wire."""
        replies: deque[RawReply] = deque()
        ReplyParser().feed(f"{self.line}\r\n".encode(), replies)
        return replies[0].readable()


def read(name: str) -> list[Said]:
    lines = (REPLIES / name).read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    return [Said(row[0], row[1], Phase(row[2].lower()), row[3]) for row in rows]


FILES = (
    *("reported.tsv", "found.tsv", "later.tsv", "abroad.tsv", "gathered.tsv", "second_look.tsv"),
    "fresh.tsv",
)
ALL = [said for name in FILES for said in read(name)]
AT_ONE_STEP = [*read("worded.tsv"), *read("at_one_step.tsv")]


def decided(said: Said, phase: Phase, *, worn: bool) -> Consequence:
    ended = Result(Kind.REJECTED, phase, said.reply, "", Scope.MESSAGE, worn=worn)
    new = History(deferrals=0, tries=0, age=timedelta(0), expires_after=timedelta(days=3))
    return consequence(Attempt(uuid.UUID(int=0), 1), ended, new, roll=0.5)


def follows(said: Said, phase: Phase) -> str:
    """In the words of the tables."""
    end = decided(said, phase, worn=False)
    if end.outcome.is_deferral:
        return "retry_recipient" if end.sender is SenderEffect.NONE else "both"
    if end.outcome.state is JobState.FAILED:
        return "suppress_recipient" if end.outcome.suppress else "fail_recipient"
    if end.sender is SenderEffect.BREAK:
        return "sender_broken"
    used = decided(said, phase, worn=True)
    return "reconnect" if used.sender is SenderEffect.NONE else "wait_sender"


@pytest.mark.parametrize(
    "said", [*ALL, *AT_ONE_STEP], ids=lambda said: f"{said.provider}: {said.line[:60]}"
)
def test_a_real_reply_is_read_for_what_it_is(said: Said) -> None:
    assert follows(said, said.step) == said.outcome


@pytest.mark.parametrize("said", ALL, ids=lambda said: f"{said.provider}: {said.line[:60]}")
def test_a_real_reply_means_the_same_a_step_sooner_or_later(said: Said) -> None:
    if said.step in OPENING or (said.outcome == "sender_broken" and said.step is Phase.AUTH):
        return  # what it is about may be clear from the step alone
    read_as = {phase: follows(said, phase) for phase in ELSEWHERE[said.outcome]}
    assert set(read_as.values()) == {said.outcome}, read_as


@pytest.mark.parametrize("phase", [Phase.CONNECT, *OPENING, Phase.TLS, Phase.AUTH])
def test_nothing_that_is_said_before_an_email_is_named_is_charged_to_one(phase: Phase) -> None:
    read_as = {follows(said, phase) for said in ALL}
    assert read_as <= {"wait_sender", "sender_broken", "reconnect"}


def test_the_replies_are_of_fifty_providers_at_least() -> None:
    assert len({said.provider for said in ALL}) >= 50
