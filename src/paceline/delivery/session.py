"""One email over an open connection: MAIL, RCPT, DATA, body, guard, dot.

Owns the line between "certainly not sent" and "perhaps sent", which is the writing of the final dot
and nothing else. A session survives an email only when every reply was accounted for; any surprise,
a cancellation included, drops the connection.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable

from paceline import clock
from paceline.delivery import verdicts
from paceline.delivery.channel import HOLD_OCTETS, Channel, ChannelLost
from paceline.delivery.dialogue import Dialogue
from paceline.delivery.opening import Extensions
from paceline.delivery.replies import RawReply
from paceline.delivery.results import Kind, Phase, Result
from paceline.delivery.timeouts import Timeouts
from paceline.delivery.wire import Mail, dot_stuffed
from paceline.observability.faultpoints import FaultPoint, faultpoint
from paceline.observability.troubles import Faults

# Awaited when the whole body is on its way, directly before the final dot. False, or an exception,
# drops the connection without the dot: the email is then certainly not sent. It may be asked twice,
# and a small body shares a segment with the dot when it answers without waiting.
Guard = Callable[[], Awaitable[bool]]

# How long its yes holds. The dot leaves at the end of the same turn of the loop, or not at all if
# that turn took longer, because this process was frozen, say. Within the margin of the leases.
YES_HOLDS_SECONDS = 1.0

_log = logging.getLogger(__name__)
_guard_faults = Faults(_log, "the guard before the final dot failed")

_RSET = b"RSET\r\n"
_DATA = b"DATA\r\n"
_FINAL_DOT = b".\r\n"
_TAKEN = [2, 2, 3]  # first digits of the replies to MAIL, RCPT and DATA when all goes well

_WITH_BODY = frozenset({Phase.BODY, Phase.DOT})

_Step = tuple[Phase, float, int]  # where, seconds to wait for the reply, the digit hoped for


class StaleSession(Exception):
    """A reused connection turned out to be of no use before the body: a fresh one may try.

    It was dead before MAIL was answered, or the server refused it rather than the email.
    """


class Session:
    """An open, logged-in connection. One email at a time."""

    __slots__ = (
        "_accepted",
        "_channel",
        "_dialogue",
        "_dirty",
        "_extensions",
        "_heard",
        "_pipelining",
        "_said",
        "_steps",
        "_takes_size",
        "_timeouts",
        "_yes_until",
        "idle_since",
        "mails",
        "opened_at",
    )

    def __init__(
        self,
        channel: Channel,
        extensions: Extensions,
        *,
        timeouts: Timeouts,
        dialogue: Dialogue | None = None,
    ) -> None:
        self._channel = channel
        self._dialogue = dialogue  # of its opening
        self._said: list[bytes] = []  # to announce the last email, and …
        self._heard: list[RawReply] = []  # … what was answered, each where it stands
        self._extensions = extensions
        self._pipelining = "PIPELINING" in extensions
        self._takes_size = "SIZE" in extensions
        self._timeouts = timeouts
        self._steps: tuple[_Step, ...] = (
            (Phase.MAIL, timeouts.mail_seconds, 2),
            (Phase.RCPT, timeouts.rcpt_seconds, 2),
            (Phase.DATA, timeouts.data_seconds, 3),
        )
        self._dirty = False  # the server still holds a transaction that it refused a part of
        self._yes_until = 0.0  # boot time
        self._accepted = 0
        self.mails = 0
        self.opened_at = self.idle_since = time.monotonic()

    @property
    def usable(self) -> bool:
        """Whether another email may begin: open, and the server has said nothing on its own."""
        return self._channel.quiet

    @property
    def extensions(self) -> Extensions:
        """What the server offered after the last EHLO."""
        return self._extensions

    async def deliver(self, mail: Mail, guard: Guard) -> Result:
        """Sends one email. Raises `StaleSession` only where the server cannot have acted on it."""
        unfit = verdicts.unfit(mail, self._extensions)
        if unfit is not None:
            return unfit
        self._heard = []
        reused = self.mails > 0
        self.mails += 1
        try:
            result = await self._announce(mail, reused)
            if result is None:
                result = await self._hand_over(mail, guard)
            if result is None:
                result = await self._finish()
        except BaseException:
            self._channel.abort()
            raise
        self.idle_since = time.monotonic()
        worn = self._accepted > 0
        if result.kind is Kind.SENT:
            self._accepted += 1
            return result
        if result.reply is not None and verdicts.is_about_connection(result.phase, result.reply):
            self._channel.abort()
        return result._replace(worn=worn, dialogue=self._told(mail, result, anew=not reused))

    def retire(self) -> None:
        """Says QUIT and closes without waiting for the answer."""
        self._channel.retire(self._timeouts.quit_seconds)

    async def closed(self) -> None:
        """Waits for the end of a retired session, which the time given to QUIT bounds."""
        await self._channel.closed

    def abort(self) -> None:
        """Drops the connection now."""
        self._channel.abort()

    async def _announce(self, mail: Mail, reused: bool) -> Result | None:
        """MAIL, RCPT and DATA, in one write where the server pipelines; None once it said 354."""
        channel = self._channel
        steps, hoped_for = self._steps, _TAKEN
        lines = [self._mail_command(mail), b"RCPT TO:<%b>\r\n" % mail.rcpt_to, _DATA]
        if self._dirty:
            steps, lines, hoped_for = (steps[0], *steps), [_RSET, *lines], [2, *_TAKEN]
            self._dirty = False
        self._said = lines if self._pipelining else []
        refused: tuple[Phase, RawReply] | None = None
        phase, answered = Phase.MAIL, False
        try:
            if self._pipelining:
                channel.expect_silence()
                channel.write_soon(b"".join(lines))
                await channel.wait(self._timeouts.mail_seconds)
                heard = channel.take_replies(hoped_for)
                if heard is not None:
                    self._heard = heard
                    return None
            for (phase, seconds, hoped), line in zip(steps, lines, strict=True):
                if not self._pipelining:
                    channel.expect_silence()
                    channel.write_soon(line)
                    self._said.append(line)
                reply = channel.take_reply() or await channel.read(seconds)
                self._heard.append(reply)
                if reply.code // 100 == hoped:
                    answered = line is not _RSET
                    continue
                worn_out = line is _RSET or (not refused and self._is_worn_out(phase, reply))
                if reused and worn_out:
                    channel.abort()  # it had enough of this connection, not of this email
                    raise StaleSession
                answered = line is not _RSET
                refused = refused or (phase, reply)
                if not self._pipelining or reply.code < 400 or reply.code == 421:
                    break
        except ChannelLost as lost:
            if reused and not answered and channel.dropped:
                raise StaleSession from lost
            if refused is None:
                return verdicts.lost_before_dot(phase, lost)
        if refused is None:
            return None
        self._after_refusal(*refused, last=reply)
        return verdicts.refused(*refused)

    def _is_worn_out(self, phase: Phase, reply: RawReply) -> bool:
        """Whether the first refusal to an email is one of this connection.

        Caps on the emails of a session are told at MAIL, with any temporary code and any words; a
        new connection will show whether it is that. Elsewhere it takes words that say so.
        """
        if phase is Phase.MAIL and reply.code == 421:
            return True
        if not self._accepted or reply.code < 400:
            return False
        if phase is Phase.MAIL and reply.code < 500:
            return True
        return verdicts.is_about_connection(phase, reply.readable())

    def _mail_command(self, mail: Mail) -> bytes:
        parameters = b" SIZE=%d" % len(mail.content) if self._takes_size else b""
        if mail.smtp_utf8 or not mail.ascii_only:
            parameters += b" BODY=8BITMIME"
        if mail.smtp_utf8:
            parameters += b" SMTPUTF8"
        return b"MAIL FROM:<%b>%b\r\n" % (mail.mail_from, parameters)

    def _after_refusal(self, phase: Phase, reply: RawReply, *, last: RawReply) -> None:
        # 354 although the recipient was refused (RFC 2920 §3.1 knows such servers): it waits for a
        # body that must never be sent, and the connection is the cheaper thing to give up.
        if last.code < 400 or last.code == 421 or reply.code < 400:
            self._channel.abort()
        else:
            self._dirty = phase is not Phase.MAIL

    async def _hand_over(self, mail: Mail, guard: Guard) -> Result | None:
        """The body, and the guard behind it; None once the dot may follow."""
        channel = self._channel
        faultpoint(FaultPoint.AFTER_354)
        body = dot_stuffed(mail.content)
        try:
            if len(body) <= HOLD_OCTETS:
                channel.write_soon(body)
            else:
                await channel.write_blocks(body, self._timeouts.body_seconds)
            faultpoint(FaultPoint.AFTER_BODY)
            fence = await self._ask(guard) if channel.quiet else None
        except ChannelLost as lost:
            return self._ended_early(lost)
        if fence is not None:
            channel.abort()
            return verdicts.fenced(fence)
        if not channel.quiet:
            return self._ended_early(ChannelLost(channel.lost or "half a reply before the dot"))
        return None

    async def _ask(self, guard: Guard) -> str | None:
        """Why the dot may not be written, None when it may."""
        channel = self._channel
        try:
            allowed = await guard()
            if allowed and channel.clogged:
                # A dot behind a body that is not all out would leave at a time that nobody knows.
                await channel.drain(self._timeouts.body_seconds)
                allowed = await guard()
            self._yes_until = clock.boottime() + YES_HOLDS_SECONDS
            _guard_faults.over()
        except ChannelLost:
            raise
        # Whatever is wrong with the guard, the answer is no: without it nobody knows that this
        # attempt still owns the email. It is logged, so that a bug in it surfaces.
        except Exception as error:  # noqa: BLE001
            _guard_faults.met(error)
            return f"the guard before the final dot failed ({type(error).__name__}: {error})"
        return None if allowed else "the guard refused the final dot"

    async def _finish(self) -> Result:
        """The dot. Once it has left, silence is doubt."""
        channel = self._channel
        dot_written_at = clock.now()
        faultpoint(FaultPoint.BEFORE_DOT)
        channel.write_while_quiet(_FINAL_DOT, leave_by=self._yes_until)
        faultpoint(FaultPoint.AFTER_DOT)
        try:
            reply = await channel.read(self._timeouts.dot_seconds)
        except ChannelLost as lost:
            if channel.held_up:
                return verdicts.fenced(str(lost))  # the guard's yes has grown old
            if channel.held_back:
                return verdicts.lost_before_dot(Phase.BODY, lost)
            return verdicts.in_doubt(str(lost), dot_written_at)
        self._heard.append(reply)
        if channel.held_back:  # the server was quicker than the dot, and gets none
            channel.abort()
            return verdicts.refused(Phase.BODY, reply)
        faultpoint(FaultPoint.AFTER_REPLY)
        result = verdicts.after_dot(reply, dot_written_at)
        if result.kind is Kind.IN_DOUBT or reply.code == 421:
            channel.abort()
        # Postfix keeps a transaction open that its smtpd_end_of_data_restrictions refuse.
        self._dirty = result.kind is Kind.REJECTED
        return result

    def _ended_early(self, lost: ChannelLost) -> Result:
        """The server spoke or went before the dot: it will not take this body."""
        reply = self._channel.take_reply()
        self._channel.abort()
        if reply is None:
            return verdicts.lost_before_dot(Phase.BODY, lost)
        self._heard.append(reply)
        return verdicts.refused(Phase.BODY, reply)

    def _told(self, mail: Mail, result: Result, *, anew: bool) -> str:
        """What was said of an email that was not simply taken."""
        if self._dialogue is None:
            return ""
        told = self._dialogue.going_on(anew=anew)
        heard = iter(self._heard)
        for line in self._said:
            told.said(line.decode("utf-8", "replace").rstrip())
            if (reply := next(heard, None)) is not None:
                told.heard(reply)
        if result.phase in _WITH_BODY:
            told.note(f"the message, {len(mail.content):,} octets")
            if result.dot_written_at is not None:
                told.said(".")
        for reply in heard:
            told.heard(reply)
        if result.reply is None:
            told.note(result.detail)
        return told.kept
