"""Family `sockets`: the servers of family `smtp` on real sockets, and TLS that is none.

What a socket adds is timing, so only what holds in any order is asked: one result, `sent` by a
server that has read the dot and said 2yz, no dot where it says that there was none.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from paceline.delivery import Account, Envelope, Kind, Pool, Security, Timeouts
from tests.fuzz.hunting import Family, Judge, hold
from tests.fuzz.servers import Log, Script, ScriptedServer, script

ENVELOPE = Envelope(mail_from="news@example.com", rcpt_to="ann@example.org")
CONTENT = b"Subject: one\r\n\r\n.body\r\n"
_SECONDS = 5.0  # nothing here waits that long
TIMEOUTS = Timeouts(
    **{
        f"{phase}_seconds": _SECONDS
        for phase in ("greeting", "ehlo", "tls", "auth", "mail", "rcpt")
    },
    data_seconds=_SECONDS,
    dot_seconds=_SECONDS,
)


@dataclass(frozen=True)
class Case:
    script: Script
    security: Security


def make(dice: Random) -> Case:
    """One connection that goes wrong."""
    security = dice.choice((Security.NONE,) * 14 + (Security.STARTTLS, Security.TLS))
    made = script(dice, silence=False)
    if security is Security.STARTTLS:
        offered = made.extensions + ("STARTTLS",) * (dice.random() < 0.7)
        made = Script(offered, made.answers[:1], made.interjected, made.handshake)
    return Case(made, security)


class _Socket(asyncio.Protocol):
    """The far end's side of a real connection; a `Line` for it."""

    def __init__(self, peer: ScriptedServer) -> None:
        self._peer = peer
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._peer.wire = self
        self._peer.connected()

    def data_received(self, data: bytes) -> None:
        self._peer.hears(data)

    def deliver(self, data: bytes) -> bool:
        if self._transport.is_closing():
            return False
        self._transport.write(data)
        return True

    def end_of_file(self) -> None:
        self._transport.close()

    def reset(self) -> None:
        self._transport.abort()


@contextlib.contextmanager
def _opened() -> Iterator[Judge]:
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        now: list[tuple[Script, Log]] = []

        def protocol() -> _Socket:
            made, log = now[0]
            return _Socket(ScriptedServer(made, log, tick=0.0))

        server = runner.run(loop.create_server(protocol, "127.0.0.1", 0))
        port = server.sockets[0].getsockname()[1]

        def judge(case: Case) -> str:
            now[:] = [(case.script, Log())]
            return runner.run(_send(case, now[0][1], port))

        try:
            yield judge
        finally:
            server.close()


async def _send(case: Case, log: Log, port: int) -> str:
    account = Account(
        host="127.0.0.1", port=port, security=case.security, helo_name="here.example.com"
    )
    pool = Pool(timeouts=TIMEOUTS, allow_private_hosts=True)
    asked = []

    async def guard() -> bool:
        asked.append(True)
        return True

    result = await pool.send(account, ENVELOPE, CONTENT, guard=guard)
    await pool.close()
    if result.kind is Kind.SENT:
        # An answer in anticipation that crosses the dot on its way: no client can tell.
        hold(log.dots or case.script.interjected, "sent, and the far end saw no dot")
        hold(re.search(rb"(?:^|\n)2\d\d[ \r\n]", log.of("server")), "sent, and nobody said 2yz")
    if result.kind in (Kind.NOT_SENT, Kind.FENCED):
        hold(not log.dots, f"{result.kind}, and the far end saw a dot")
    hold((result.kind in (Kind.SENT, Kind.IN_DOUBT)) <= bool(asked), "a dot without a guard")
    if case.security is not Security.NONE:
        hold(not asked, "went on without TLS")
        hold(b"MAIL" not in log.of("client"), "said MAIL in plain text")
    return str(result.kind)


SOCKETS = Family(
    name="sockets",
    cases=1_500,
    outcomes=frozenset({"sent", "rejected", "not_sent", "in_doubt"}),
    make=make,
    open=_opened,
)
