"""The verdict: the sink's log and the database, joined by Message-ID.

- **L**, lost: the database says `sent`, and the sink never accepted it
- **M**, mistaken: final and not sent, yet the sink accepted it
- **D**, duplicated: accepted more often than the doubts in its history allow
- **X**, not final although everything is quiet

Doubt is counted by a trigger of our own (`HISTORY`), not by what Paceline keeps.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from uuid import UUID

from tests.world import World

HISTORY = """
    CREATE TABLE history (id bigserial PRIMARY KEY, email_id uuid NOT NULL, attempt int NOT NULL,
                          was text NOT NULL, is_now text NOT NULL,
                          at timestamptz NOT NULL DEFAULT clock_timestamp());
    CREATE INDEX ON history (email_id);
    CREATE FUNCTION write_history() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO history (email_id, attempt, was, is_now)
        VALUES (new.email_id, new.attempt, old.state, new.state);
        RETURN NULL;
    END $$;
    CREATE TRIGGER write_history AFTER UPDATE OF state ON email_jobs FOR EACH ROW
    WHEN (old.state <> new.state) EXECUTE FUNCTION write_history();

    CREATE TABLE sender_history (id bigserial PRIMARY KEY, sender_id uuid NOT NULL,
                                 state text NOT NULL, host_failures int NOT NULL);
    CREATE FUNCTION write_sender_history() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO sender_history (sender_id, state, host_failures)
        VALUES (new.id, new.state, new.host_failures);
        RETURN NULL;
    END $$;
    CREATE TRIGGER write_sender_history AFTER UPDATE OF state, host_failures ON senders
    FOR EACH ROW EXECUTE FUNCTION write_sender_history();
"""
# Whether a doubt is there to stay: under `hold`, and where all that was tried since was refused.
# Of a job `j` and its campaign `c`.
DOUBT_STAYS = """
    (coalesce(c.doubt_policy, 'hold') = 'hold'
     OR NOT EXISTS (SELECT FROM attempts a
                     WHERE a.email_id = j.email_id AND a.attempt = j.attempt
                       AND a.outcome = 'in_doubt'))
"""
_EMAILS = f"""
    SELECT m.id, m.message_id, m.address, j.state, j.sender_id, j.campaign_id, j.deferrals,
           j.failure_reason, extract(epoch FROM j.scheduled_at)::float8 AS scheduled_at,
           coalesce(c.doubt_policy, 'hold') AS policy,
           s.from_address, s.smtp_security,
           s.hourly_limit AS sender_limit, c.hourly_limit AS campaign_limit,
           s.min_delay_ms AS sender_gap_ms, c.min_delay_ms AS campaign_gap_ms,
           (SELECT a.phase FROM attempts a
             WHERE a.email_id = m.id AND a.attempt = j.attempt) AS phase,
           {DOUBT_STAYS} AS doubt_stays,
           (SELECT count(*) FROM history h
             WHERE h.email_id = m.id AND h.is_now = 'in_doubt')::int AS doubts,
           (SELECT count(*) FROM history h
             WHERE h.email_id = m.id AND h.was = 'in_doubt'
               AND h.is_now IN ('sent', 'scheduled', 'failed'))::int AS resolved
      FROM emails m JOIN email_jobs j ON j.email_id = m.id
      JOIN senders s ON s.id = j.sender_id LEFT JOIN campaigns c ON c.id = j.campaign_id
"""
MAX_PROBLEMS = 200  # the figures count all of them
FINAL = frozenset({"sent", "failed", "cancelled"})
# A slot of the hour may be used a moment after the full hour, which a sink cannot know.
HOUR_EDGE_SECONDS = 5.0
CLOCK_GRAIN_SECONDS = 0.002  # Redis counts gaps in whole milliseconds


@dataclass
class Verdict:
    """What was found, in figures and in words."""

    emails: int = 0
    states: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    lost: int = 0
    mistaken: int = 0
    duplicated: int = 0
    unfinished: int = 0
    within_window: int = 0  # extra copies that a doubt in the history allows
    in_doubt: int = 0
    in_doubt_by_silence: int = 0  # its worker lived to see that the sink never answered
    doubts: int = 0
    doubts_resolved: int = 0
    struck: str = ""  # the fault point where a worker was killed or frozen
    problems: list[str] = field(default_factory=list)
    about: list[UUID] = field(default_factory=list)  # the emails that they are about

    def add(self, problem: str, *, about: UUID | None = None) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)
            if about is not None:
                self.about.append(about)


async def judge(
    world: World,
    entries: Sequence[Mapping[str, Any]],
    *,
    domain: str,
    strict_copies: str | None = None,
    all_final: bool = True,
) -> Verdict:
    """Join and judge.

    `strict_copies`: for addresses that begin like this, no doubt excuses a second copy.
    `all_final`: everything is to have ended.
    """
    emails = await world.fetch(_EMAILS)
    dots = [e for e in entries if e["event"] == "dot" and e["from"].endswith(f"@{domain}")]
    copies: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for dot in dots:
        if dot["accepted"]:
            copies[dot["id"]].append(dot)
    verdict = Verdict(emails=len(emails), accepted=sum(map(len, copies.values())))
    known = {email["message_id"]: email for email in emails}
    for email in emails:
        its = copies.get(email["message_id"], [])
        _judge_end(verdict, email, its, all_final=all_final)
        strict = strict_copies is not None and email["address"].startswith(strict_copies)
        _judge_copies(verdict, email, its, strict=strict)
    for entry in entries:
        if entry["event"] == "stray" and entry["from"].endswith(f"@{domain}"):
            verdict.add(f"the body of an email was taken for a command: {entry['line']!r}")
        if entry["event"] == "log-in" and entry["bare"] and entry["user"].endswith(f"@{domain}"):
            verdict.add("a password went over the wire in plain text")
    for problem in (
        *_of_the_wire(dots, known),
        *_of_limits(dots, known),
        *_of_gaps(dots, known),
    ):
        verdict.add(problem)
    return verdict


def _judge_end(
    verdict: Verdict,
    email: Mapping[str, Any],
    copies: Sequence[Mapping[str, Any]],
    *,
    all_final: bool,
) -> None:
    state, who = email["state"], email["address"]
    verdict.states[state] += 1
    verdict.doubts += email["doubts"]
    verdict.doubts_resolved += email["resolved"]
    if state == "sent" and not copies:
        verdict.lost += 1
        verdict.add(f"L: {who} is sent, and the sink has never seen it", about=email["id"])
    if state in {"failed", "cancelled"} and copies:
        verdict.mistaken += 1
        verdict.add(f"M: {who} is {state}, and the sink has it", about=email["id"])
    if state == "in_doubt" and email["doubt_stays"]:
        verdict.in_doubt += 1
        verdict.in_doubt_by_silence += email["phase"] is not None
    elif state not in FINAL and all_final:
        verdict.unfinished += 1
        verdict.add(f"X: {who} is {state} although all is quiet", about=email["id"])


def _judge_copies(
    verdict: Verdict, email: Mapping[str, Any], copies: Sequence[Mapping[str, Any]], *, strict: bool
) -> None:
    who = email["address"]
    extra = max(0, len(copies) - 1)
    allowed = 0 if strict or email["policy"] == "hold" else email["doubts"]
    verdict.within_window += min(extra, allowed)
    if extra > allowed:
        verdict.duplicated += extra - allowed
        copies_of = f"{len(copies)} copies, {email['doubts']} doubts ({email['policy']})"
        verdict.add(f"D: {who} has {copies_of}", about=email["id"])
    if len({copy["sha256"] for copy in copies}) > 1:
        verdict.add(f"the copies for {who} differ")
    for copy in copies:
        if copy["wall"] < email["scheduled_at"]:
            verdict.add(f"{who} got it {email['scheduled_at'] - copy['wall']:.3f} s early")
        if copy["rcpt"] != who:
            verdict.add(f"the email for {who} went to {copy['rcpt']}")


def _of_the_wire(
    dots: Iterable[Mapping[str, Any]], known: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    for dot in dots:
        if dot["id"] not in known:
            yield f"an email that nobody knows: {dot['id']} to {dot['rcpt']}"
        elif dot["from"] != known[dot["id"]]["from_address"]:
            yield f"{dot['rcpt']} got it from {dot['from']}"
        elif known[dot["id"]]["smtp_security"] != "none" and not dot["is_encrypted"]:
            yield f"{dot['rcpt']} got it in plain text"
        for blemish in dot["raw"]:
            yield f"{dot['rcpt']}: {blemish} on the wire"


def _of_limits(
    dots: Iterable[Mapping[str, Any]], known: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Every email that reached its final dot counts, whatever came of it."""
    counts: Counter[tuple[str, Any, int, int]] = Counter()
    for dot in dots:
        email = known.get(dot["id"])
        if email is None or dot["wall"] % 3600 < HOUR_EDGE_SECONDS:
            continue
        hour = int(dot["wall"] // 3600)
        for whose, key in (("sender", "sender_id"), ("campaign", "campaign_id")):
            if email[f"{whose}_limit"] is not None:
                counts[(whose, email[key], email[f"{whose}_limit"], hour)] += 1
    for (whose, _, limit, _), count in counts.items():
        if count > limit:
            yield f"a {whose} with a limit of {limit} an hour sent {count}"


def _of_gaps(
    dots: Iterable[Mapping[str, Any]], known: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """From the end of one email, as the receiver sees it, to the beginning of the next."""
    of: dict[tuple[Any, int], list[Mapping[str, Any]]] = defaultdict(list)
    for dot in dots:
        email = known.get(dot["id"])
        if email is not None:
            for key, gap in (("sender_id", "sender_gap_ms"), ("campaign_id", "campaign_gap_ms")):
                if email[gap]:
                    of[(email[key], email[gap])].append(dot)
    for (_, gap_ms), rows in of.items():
        for before, after in pairwise(sorted(rows, key=lambda row: row["began"])):
            gap = after["began"] - before["at"]
            if gap < gap_ms / 1000 - CLOCK_GRAIN_SECONDS:
                yield f"a gap of {gap * 1000:.0f} ms where {gap_ms} ms are the least"
