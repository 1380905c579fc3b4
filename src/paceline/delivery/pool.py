"""The connections of one worker process, kept between emails.

Hands each email to an idle connection of its account or opens one; how many are open at once is up
to the caller, who bounds its concurrent `send` calls. Nothing is kept that is not in perfect order.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque

from paceline.delivery import verdicts
from paceline.delivery.account import Account, Envelope
from paceline.delivery.dialling import Dialling
from paceline.delivery.dialogue import Dialogue
from paceline.delivery.opening import OpenFailed
from paceline.delivery.results import CheckResult, Phase, Result
from paceline.delivery.session import Guard, Session, StaleSession
from paceline.delivery.timeouts import RFC_TIMEOUTS, Timeouts
from paceline.delivery.tokens import KeepGrant
from paceline.delivery.wire import Mail

IDLE_SECONDS = 30  # below the minute after which many servers hang up
MAX_MAILS = 100  # over one connection; servers commonly allow 100 and count
MAX_AGE_SECONDS = 300
MAX_IDLE = 256  # connections kept idle over all accounts
LET_GO_SECONDS = 1.0  # for an answer to QUIT, while somebody waits for it
_SWEEP_SECONDS = 5


class Pool:
    """One per worker process and event loop. `close` it at the end."""

    def __init__(  # noqa: PLR0913  # each is named, and has a default that fits nearly everybody
        self,
        *,
        timeouts: Timeouts = RFC_TIMEOUTS,
        allow_private_hosts: bool,
        verify_certificates: bool = True,
        helo_name: str | None = None,
        keep_grant: KeepGrant | None = None,
        idle_seconds: float = IDLE_SECONDS,
        max_mails: int = MAX_MAILS,
        max_age_seconds: float = MAX_AGE_SECONDS,
    ) -> None:
        self._dialling = Dialling(
            timeouts=timeouts,
            allow_private_hosts=allow_private_hosts,
            verify_certificates=verify_certificates,
            helo_name=helo_name,
            keep_grant=keep_grant,
        )
        self._idle_seconds = idle_seconds
        self._max_mails = max_mails
        self._max_age_seconds = max_age_seconds
        self._check_seconds = timeouts.check_seconds
        self._idle: dict[Account, deque[Session]] = {}
        self._idle_count = 0
        self._sweeper: asyncio.TimerHandle | None = None
        self._closing = False

    async def send(
        self,
        account: Account,
        envelope: Envelope,
        content: bytes,
        *,
        guard: Guard,
        smtp_utf8: bool = False,
    ) -> Result:
        """Sends one email and says how far it came; never raises for anything a server does.

        `content` is a whole message; `smtp_utf8` says that its headers hold raw UTF-8 (RFC 6532).
        Cancelling it drops the connection: what the server made of the email is then unknown, once
        `guard` has been awaited.
        """
        mail = Mail.of(envelope, content, smtp_utf8=smtp_utf8)
        session = self._take(account)
        if session is not None:
            try:
                result = await session.deliver(mail, guard)
            except StaleSession:
                pass  # the server had not answered MAIL: nothing of this email was acted on
            else:
                self._put_back(account, session)
                return result
        dialogue = Dialogue(account)
        try:
            session = await self._dialling.open(account, dialogue=dialogue)
        except OpenFailed as failure:
            result = verdicts.open_failed(failure)
            dialogue.note(result.detail)
            return result._replace(dialogue=dialogue.kept)
        result = await session.deliver(mail, guard)
        self._put_back(account, session)
        return result

    async def check(self, account: Account) -> CheckResult:
        """Connects, encrypts, says EHLO, logs in and says QUIT: all that sending needs but mail.

        It ends within `check_seconds`, whatever the server does.
        """
        dialogue = Dialogue(account)
        try:
            async with asyncio.timeout(self._check_seconds):
                session = await self._dialling.open(account, dialogue=dialogue)
        except (OpenFailed, TimeoutError) as failure:
            return self._failed(failure, dialogue)
        phase = Phase.EHLO if account.username is None else Phase.AUTH
        try:
            session.retire()
            await session.closed()
        finally:
            session.abort()
        return CheckResult(
            ok=True,
            phase=phase,
            reply=None,
            detail="ready",
            extensions=tuple(sorted(session.extensions.offered)),
            dialogue=tuple(dialogue.lines),
        )

    def _failed(self, failure: OpenFailed | TimeoutError, dialogue: Dialogue) -> CheckResult:
        if isinstance(failure, TimeoutError):
            detail = f"there was no end of it within {self._check_seconds:g} s ({dialogue.phase})"
            phase, reply = dialogue.phase, None
        else:
            detail = verdicts.open_failed(failure).detail
            phase, reply = failure.phase, failure.reply
        dialogue.note(detail)
        return CheckResult(
            ok=False, phase=phase, reply=reply, detail=detail, dialogue=tuple(dialogue.lines)
        )

    async def close(self) -> None:
        """Says QUIT on every idle connection. Those in use end with their `send`."""
        self._closing = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        sessions = [session for idle in self._idle.values() for session in idle]
        self._idle.clear()
        self._idle_count = 0
        for session in sessions:
            session.retire()
        try:
            await asyncio.gather(*(session.closed() for session in sessions))
        finally:
            for session in sessions:
                session.abort()

    def let_go_of_all(self) -> None:
        """Close whatever is idle, without waiting for it."""
        for idle in self._idle.values():
            for session in idle:
                self._let_go(session)
        self._idle.clear()
        self._idle_count = 0

    async def let_go(self, account: Account, *, keep: int = 0) -> None:
        """Close what is idle of an account but for `keep`; returns when the server knows of it."""
        idle = self._idle.get(account, deque())
        gone = [idle.popleft() for _ in range(len(idle) - keep)]
        self._idle_count -= len(gone)
        for session in gone:
            self._let_go(session)
        try:
            async with asyncio.timeout(LET_GO_SECONDS):
                await asyncio.gather(*(session.closed() for session in gone))
        except TimeoutError:
            pass  # closed from here, whatever it says
        finally:
            for session in gone:
                session.abort()

    def _take(self, account: Account) -> Session | None:
        idle = self._idle.get(account)
        while idle:
            session = idle.pop()  # the last one used: the others may grow old and go
            self._idle_count -= 1
            if self._fresh(session):
                return session
            self._let_go(session)
        return None

    def _put_back(self, account: Account, session: Session) -> None:
        # Its age is looked at when it is taken again, or by the sweeper.
        worn = session.mails >= self._max_mails or not session.usable
        if worn or self._closing or self._idle_count >= MAX_IDLE:
            self._let_go(session)
            return
        idle = self._idle.get(account)
        if idle is None:
            idle = self._idle[account] = deque()
        idle.append(session)
        self._idle_count += 1
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)

    def _fresh(self, session: Session) -> bool:
        now = time.monotonic()
        return (
            session.usable
            and session.mails < self._max_mails
            and now - session.idle_since < self._idle_seconds
            and now - session.opened_at < self._max_age_seconds
        )

    def _sweep(self) -> None:
        """Lets go of what nobody asked for in time."""
        self._sweeper = None
        for account, idle in list(self._idle.items()):
            kept = deque(session for session in idle if self._fresh(session))
            for session in idle:
                if session not in kept:
                    self._let_go(session)
            self._idle_count -= len(idle) - len(kept)
            if kept:
                self._idle[account] = kept
            else:
                del self._idle[account]
        if self._idle:
            self._sweeper = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)

    @staticmethod
    def _let_go(session: Session) -> None:
        if session.usable:
            session.retire()
        else:
            session.abort()
