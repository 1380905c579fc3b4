"""Family `smtp`: servers that say anything at any moment, in memory, with one email or two.

What must hold is read off the log of the wire alone: `sent` only by a right 2yz that came after the
dot, `rejected` only by a right 4yz or 5yz, a dot only when the guard said yes and every reply so
far answered a command.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from paceline.delivery import Account, Auth, Envelope, Kind, Pool, Result, Security, Timeouts
from tests.fuzz.hunting import Family, Judge, hold
from tests.fuzz.memory_net import MemoryLoop
from tests.fuzz.servers import ACCEPTED, Log, Script, ScriptedServer, script

TIMEOUTS = Timeouts(body_seconds=0.5)
MAX_SECONDS = 6_000  # of the loop's clock, for one email: the sum of all its deadlines, twice
ENVELOPE = Envelope(mail_from="news@example.com", rcpt_to="ann@example.org")

_REPLY = re.compile(rb"([2-5]\d\d)(?:-[^\n\0]*\n\1)*(?: [^\n\0]*|\r)?\n")  # RFC 5321 §4.2
# Greeting, EHLO (or HELO), AUTH with its prompts; refused and finished emails; RSET; one email.
_ALLOWED = re.compile(r"220 (?:50[0-4] )?250 (?:(?:334 )*2\d\d )?(?:\d{3} )*?2\d\d 2\d\d 3\d\d ")


@dataclass(frozen=True)
class Case:
    scripts: tuple[Script, ...]  # one per connection; later ones are polite
    guards: tuple[str, ...]  # one per email
    auth: str  # "", PLAIN or LOGIN


def make(dice: Random) -> Case:
    """One server that goes wrong, or two after one another."""
    return Case(
        scripts=tuple(script(dice) for _ in range(dice.choice((1, 1, 2)))),
        guards=tuple(
            dice.choice(("yes",) * 6 + ("no", "raises")) for _ in range(dice.choice((1, 2)))
        ),
        auth=dice.choice(("", "", "", "", "log in")),
    )


class _Guard:
    def __init__(self, answer: str, logs: list[Log]) -> None:
        self._answer, self._logs = answer, logs
        self.asked = 0

    async def __call__(self) -> bool:
        self.asked += 1
        if self._answer == "raises":
            raise RuntimeError("the guard fell over")
        return self._answer == "yes"


@contextlib.contextmanager
def _opened() -> Iterator[Judge]:
    loop = MemoryLoop()
    try:
        yield lambda case: loop.run_until_complete(_conversation(loop, case))
    finally:
        loop.close()


async def _conversation(loop: MemoryLoop, case: Case) -> str:
    logs: list[Log] = []
    scripts = list(case.scripts)

    def peer() -> ScriptedServer:
        logs.append(Log())
        return ScriptedServer(scripts.pop(0) if scripts else Script(), logs[-1])

    loop.peers = peer
    caller = account(case.auth)
    pool = Pool(timeouts=TIMEOUTS, allow_private_hosts=True)
    kinds, contents = [], list[bytes]()
    for number, answer in enumerate(case.guards):
        contents.append(b"Subject: %d\r\n\r\n.one\r\nbody %d\r\n" % (number, number))
        guard, began = _Guard(answer, logs), loop.time()
        marks = {id(log): len(log.said) for log in logs}
        result = await pool.send(caller, ENVELOPE, contents[-1], guard=guard)
        hold(loop.time() - began < MAX_SECONDS, "went on past all its deadlines")
        _check(result, guard, logs, marks, contents)
        kinds.append(str(result.kind))
    await pool.close()
    return kinds[-1]


def account(auth: str) -> Account:
    secret = "secret" if auth else None
    return Account(
        host="mail.example.com",
        port=25,
        security=Security.NONE,
        auth=Auth.PASSWORD,
        username=secret,
        password=secret,
        helo_name="here.example.com",
    )


def _check(
    result: Result, guard: _Guard, logs: list[Log], marks: dict[int, int], contents: list[bytes]
) -> None:
    """What one email's result says against what the wire saw of it."""
    dotted = [log for log in logs if log.dots and log.dots[-1] > marks.get(id(log), 0)]
    hold(len(dotted) <= 1, "the same email was ended twice")
    hold(bool(dotted) == (result.dot_written_at is not None), "its dot is not where it says")
    if dotted:
        hold(guard.asked and guard._answer == "yes", "a dot that the guard did not allow")
        _check_after_dot(result, dotted[0], contents)
    else:
        _check_without_dot(result, guard, logs, marks)


def _check_after_dot(result: Result, log: Log, contents: list[bytes]) -> None:
    dot = log.dots[-1]
    replies, _ = _replies(log.of("server", 0, dot))
    hold(_ALLOWED.fullmatch(replies), f"a dot after the replies {replies}")
    _check_turns(log, dot, contents)
    after = _REPLY.match(log.of("server", dot))
    digit = after[1][:1].decode() if after else ""
    if result.kind is Kind.SENT:
        hold(digit == "2", "sent, without a right 2yz after the dot")
        hold(result.reply is not None, "sent, and no reply to show")
    elif result.kind is Kind.REJECTED:
        hold(digit in ("4", "5"), "rejected in doubt: no right 4yz or 5yz after the dot")
    else:
        hold(result.kind is Kind.IN_DOUBT, f"{result.kind} behind a dot")
        hold(log.of("server", dot)[: len(ACCEPTED)] != ACCEPTED, "doubt over a polite answer")


def _check_without_dot(
    result: Result, guard: _Guard, logs: list[Log], marks: dict[int, int]
) -> None:
    hold(result.kind in (Kind.REJECTED, Kind.NOT_SENT, Kind.FENCED), f"{result.kind}, and no dot")
    if result.kind is Kind.FENCED:
        hold(guard.asked and guard._answer != "yes", "fenced, and the guard was not against it")
    if result.kind is Kind.REJECTED:
        code = 0 if result.reply is None else result.reply.code
        heard = b"\n".join(log.of("server", marks.get(id(log), 0)) for log in logs)
        refused = re.search(rb"(?:^|\n)%d(?:[ \r-][^\n]*)?\n" % code, heard)
        hold(400 <= code <= 599 and (refused or code in (552, 553, 554)), "a refusal by nobody")
    hold(result.detail.isprintable(), "a detail that no log should be given")


def _replies(data: bytes) -> tuple[str, bytes]:
    """The codes, each with a blank behind it, and what is no whole reply."""
    codes, at = "", 0
    while found := _REPLY.match(data, at):
        codes += f"{found[1].decode()} "
        at = found.end()
    return codes, data[at:]


def _check_turns(log: Log, dot: int, contents: list[bytes]) -> None:
    """The client spoke only when it had one reply to each line so far, and nothing more."""
    bodies = [content.replace(b"\r\n.", b"\r\n..") for content in contents]
    hold(log.of("client", 0, dot).endswith(bodies[-1] + b".\r\n"), "another body than was given")
    wanted, heard = 1, b""  # the greeting
    for by, said in log.said[:dot]:
        if by == "server":
            heard += said
            continue
        replies, left = _replies(heard)
        hold(left == b"" and replies.count(" ") == wanted, f"out of step at {said[:40]!r}")
        wanted += _without(said, bodies).count(b"\r\n")


def _without(said: bytes, bodies: list[bytes]) -> bytes:
    for body in bodies:
        said = said.replace(body, b"")
    return said


SMTP = Family(
    name="smtp",
    cases=8_000,
    outcomes=frozenset({"sent", "rejected", "not_sent", "in_doubt", "fenced"}),
    make=make,
    open=_opened,
)
