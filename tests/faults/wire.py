"""SMTP servers that go wrong, at each step of the conversation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal
from uuid import UUID

from tests.faults.case import TEXT, Case
from tests.faults.modes import (
    AT_DATA,
    AT_EHLO,
    AT_GREETING,
    AT_MAIL,
    AT_RCPT,
    IN_BODY,
    IN_HANDSHAKE,
    OPENING,
    REFUSING,
    SILENT,
    TAKING,
)
from tests.faults.processes import until
from tests.faults.verdict import Verdict

REJECTED_FOR_GOOD = frozenset({"550_at_rcpt", "554_at_dot", "5.7.1_at_dot"})
DOUBTFUL = frozenset({*SILENT, "garbage_at_dot"})
RACING = frozenset(IN_BODY)  # the dot may be written before the drop is seen
OPENINGS_THAT_FAIL = 2  # one after the other
# After a handshake that failed it looks once more at what is there, over connections of their own:
# at the certificate; or for plain text where there is no TLS, and then says nothing itself where
# its hello got no answer. None of these is one more try, and there are no more of them.
LOOKS = {
    "stranger_in_handshake": 1,
    "garbage_in_handshake": 1,
    "drop_in_handshake": 2,
    "hang_in_handshake": 2,
}
# Our account is at fault, and a person has to mend it; after all others the sender rests.
BREAKING = frozenset(
    {"550_at_ehlo", "550_at_tls", "missing_at_tls", "535_at_auth", "missing_at_auth"}
)
_DOOR_FOR: dict[str, Literal["none", "starttls", "implicit"]] = {
    "none": "none",
    "starttls": "starttls",
    "tls": "implicit",
}
_SENDERS_END = """
    SELECT s.id, s.state, s.host_failures,
           (SELECT count(*) FROM sender_history h
             WHERE h.sender_id = s.id AND h.state = 'broken') AS breaks,
           (SELECT max(h.host_failures) FROM sender_history h WHERE h.sender_id = s.id) AS rests,
           (SELECT count(*) FROM email_jobs j
             WHERE j.sender_id = s.id
               AND (j.deferrals > 0
                    OR EXISTS (SELECT 1 FROM history h WHERE h.email_id = j.email_id
                                AND h.is_now IN ('deferred', 'failed', 'in_doubt')))) AS blamed
      FROM senders s
"""


async def smtp_modes(case: Case, policy: str) -> Verdict:
    """Every way in which a server can go wrong, each with a sender of its own."""
    names = (*AT_RCPT, *AT_DATA, *IN_BODY, *REFUSING, *SILENT, *TAKING)
    for mode in names:
        sender = await case.sender(max_connections=2)
        campaign = await case.world.campaign(sender, doubt_policy=policy, text_body=TEXT)
        await case.emails(sender, campaign, 4, modes=("", mode))
    for mode in AT_MAIL:
        sender = await case.sender(mode=mode, max_connections=1)
        campaign = await case.world.campaign(sender, doubt_policy=policy, text_body=TEXT)
        await case.emails(sender, campaign, 2)
    case.worker()
    case.mends = True  # the sender that is refused at MAIL
    await case.until_quiet()
    verdict = await case.verdict()
    expected = dict.fromkeys(REJECTED_FOR_GOOD, "failed")
    if policy == "hold":
        expected |= dict.fromkeys(DOUBTFUL, "in_doubt")
    rows = await case.world.fetch(
        """
        SELECT substring(m.address FROM '[+](.*)@') AS mode, m.address, j.state,
               j.attempt, j.failure_reason
          FROM emails m JOIN email_jobs j ON j.email_id = m.id
        """
    )
    if not await case.world.fetchval("SELECT count(*) FROM sender_history WHERE state = 'broken'"):
        verdict.add("a sender whose From is refused for good went on")
    for row in rows:
        want = expected.get(row["mode"], "sent")
        if row["state"] != want and not (row["mode"] in RACING and row["state"] == "in_doubt"):
            verdict.add(f"{row['address']} is {row['state']} instead of {want}")
    return verdict


async def refused_log_in(case: Case) -> Verdict:
    """A wrong password is our own fault: the sender stops and no email fails for it."""
    sender = await case.sender()
    await case.logs_in(sender, user="refused")
    ids = await case.emails(sender, None, 5)
    case.worker()

    async def judged() -> bool:
        state = await case.world.fetchval("SELECT state FROM senders WHERE id = $1", sender)
        states = await case.world.states(ids)
        return bool((state == "broken" and "claimed" not in states) or "failed" in states)

    await until(judged, within=2 * case.patience)
    states = Counter(await case.world.states(ids))
    verdict = Verdict(emails=5)
    if states != {"scheduled": 5}:
        verdict.add(f"a wrong password made of five emails: {dict(states)}")
    return verdict


async def opening_goes_wrong(case: Case) -> Verdict:
    """Connections end before any email is named, each in a way of its own: none is to blame."""
    modes: dict[UUID, str] = {}
    for number, (mode, tls) in enumerate(_openings()):
        sender = await case.sender(
            port=case.stage.sink.door(mode, times=_connections(mode, tls), tls=_DOOR_FOR[tls]),
            smtp_security=tls,
            max_connections=1,
        )
        modes[sender] = mode
        await case.logs_in(sender)
        policy = "resend" if number % 2 else "hold"
        campaign = await case.world.campaign(sender, doubt_policy=policy, text_body=TEXT)
        await case.emails(sender, campaign, 3)
    case.worker()
    case.mends = True
    await case.until_quiet()
    verdict = await case.verdict()
    if any(e["mode"] == "spoken_at_tls" for e in case.log_ins()):
        verdict.add("a password was given away after words before TLS")
    for row in await case.world.fetch(_SENDERS_END):
        _judge_opening(verdict, modes[row["id"]], row)
    return verdict


def _openings() -> Iterator[tuple[str, str]]:
    """Every way to go wrong, with the security of a sender that meets it."""
    for mode in OPENING:
        yield mode, "none" if mode in (*AT_GREETING, *AT_EHLO) else "starttls"
    for mode in IN_HANDSHAKE:
        yield mode, "tls"


def _connections(mode: str, tls: str) -> int:
    """How many a server sees while so many openings fail, the looks after each included."""
    # After STARTTLS it is known that plain text is spoken: only a certificate is worth a look.
    looks = LOOKS.get(mode, 0) if tls == "tls" or mode == "stranger_in_handshake" else 0
    return OPENINGS_THAT_FAIL * (1 + looks)


def _judge_opening(verdict: Verdict, mode: str, row: Mapping[str, Any]) -> None:
    breaks = OPENINGS_THAT_FAIL if mode in BREAKING else 0
    rests = OPENINGS_THAT_FAIL - breaks
    if (row["breaks"], row["rests"]) != (breaks, rests):
        verdict.add(f"{mode}: broken {row['breaks']} and at rest {row['rests']} times")
    if (row["state"], row["host_failures"]) != ("active", 0):
        verdict.add(f"{mode}: {row['state']} after {row['host_failures']} failures in the end")
    if row["blamed"]:
        verdict.add(f"{mode}: {row['blamed']} emails were blamed for it")
