"""What the ends of one turn's emails say together, on a real database."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import pytest

from paceline.delivery import Kind, Phase, Reply, Result, Scope
from paceline.persistence.ledger import Attempt
from paceline.persistence.standing import Standing
from paceline.sending.consequences import Consequence, History, consequence
from paceline.sending.crowding import Crowding
from paceline.sending.findings import Findings
from paceline.sending.resting import POLICY_REFUSALS_AT_RCPT, SenderHealth
from tests.world import World

NEW = History(deferrals=0, tries=0, age=timedelta(0), expires_after=timedelta(days=3))


def refused(text: str, *, phase: Phase = Phase.RCPT, enhanced: str = "5.7.1") -> Consequence:
    reply = Reply(code=550, enhanced=enhanced, text=text)
    result = Result(Kind.REJECTED, phase, reply, "", Scope.MESSAGE)
    return consequence(Attempt(uuid.uuid4(), 1), result, NEW, roll=0.5)


def accepted() -> Consequence:
    result = Result(
        Kind.SENT, Phase.DOT, Reply(code=250, enhanced=None, text="ok"), "", Scope.MESSAGE
    )
    return consequence(Attempt(uuid.uuid4(), 1), result, NEW, roll=0.5)


SUSPENDED = refused("Your account is suspended", phase=Phase.MAIL)
SHUNNED = refused("Recipient address rejected: Access denied")


@pytest.mark.parametrize(
    ("ends", "state"),
    [
        ([SUSPENDED, accepted()], "broken"),
        ([SUSPENDED, SHUNNED, accepted()], "broken"),
        ([*[SHUNNED] * POLICY_REFUSALS_AT_RCPT, SUSPENDED, accepted()], "broken"),
        ([SHUNNED] * POLICY_REFUSALS_AT_RCPT, "broken"),
        ([*[SHUNNED] * POLICY_REFUSALS_AT_RCPT, accepted()], "active"),
        ([accepted(), *[SHUNNED] * POLICY_REFUSALS_AT_RCPT], "active"),
    ],
)
async def test_only_recipients_that_refuse_a_sender_are_outweighed_by_one_that_takes_its_mail(
    world: World, ends: list[Consequence], state: str
) -> None:
    sender = await world.sender()
    as_of: datetime = await world.fetchval("SELECT updated_at FROM senders")
    findings = Findings(
        sender,
        SenderHealth(Standing(world.database)),
        Crowding(),
        width=4,
        as_of=as_of,
        stop=lambda: None,
    )
    for number, end in enumerate(ends):
        findings.of_email(end, to=f"reader{number}@example.org", as_of=as_of)
    await findings.write_down(host_failures=0)
    assert await world.fetchval("SELECT state FROM senders") == state
