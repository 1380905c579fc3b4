"""Turns what happened on the wire into a `Result`: which kind, at which phase, whose trouble.

Pure. The one rule behind it all: before the final dot nothing was sent, after it only a reply ends
the doubt.
"""

from __future__ import annotations

from datetime import datetime

from paceline.delivery.channel import ChannelLost
from paceline.delivery.opening import Extensions, OpenFailed
from paceline.delivery.replies import RawReply, one_line
from paceline.delivery.results import Kind, Phase, Reply, Result, Scope
from paceline.delivery.wire import Mail
from paceline.domain.replies.outcome import Verdict, classify

# At MAIL these speak of the message, not of the sender: too large (RFC 1870 §6.1), or content or
# addresses of a kind that the server does not take (RFC 6152, RFC 6531 §3.5).
_ABOUT_THE_MESSAGE = frozenset({"5.2.3", "5.3.4", "5.6.1", "5.6.3", "5.6.7"})
_ABOUT_THE_CONNECTION = frozenset({Verdict.RECONNECT, Verdict.CROWDED})
_CLOSING = frozenset({Verdict.HOST_BACKOFF, Verdict.HOST_BUSY})


def unfit(mail: Mail, extensions: Extensions) -> Result | None:
    """Refuses what the server has said at EHLO that it cannot take.

    The reply is ours, in the code that the server would have answered, and says so.
    """
    limit = extensions.size_limit
    if limit is not None and len(mail.content) > limit:
        size = len(mail.content)
        return _unfit(552, "5.3.4", f"the message has {size} octets, the server takes {limit}")
    if mail.smtp_utf8 and "SMTPUTF8" not in extensions:
        return _unfit(553, "5.6.7", "the address needs SMTPUTF8, which the server does not offer")
    if not mail.ascii_only and "8BITMIME" not in extensions:
        return _unfit(554, "5.6.3", "the message has 8-bit content, which the server does not take")
    return None


def _unfit(code: int, enhanced: str, text: str) -> Result:
    return Result(
        kind=Kind.REJECTED,
        phase=Phase.MAIL,
        reply=Reply(code=code, enhanced=enhanced, text=text),
        detail=f"not offered to the server: {text}",
        scope=Scope.MESSAGE,
    )


def open_failed(failure: OpenFailed) -> Result:
    """There was no session to send over."""
    return Result(
        kind=Kind.NOT_SENT if failure.reply is None else Kind.REJECTED,
        phase=failure.phase,
        reply=failure.reply,
        detail=one_line(failure.detail),
        scope=failure.scope,
    )


def refused(phase: Phase, raw: RawReply) -> Result:
    """A reply before the dot that is not the one hoped for."""
    reply = raw.readable()
    if raw.code < 400:  # no refusal either: the two sides are out of step
        return not_sent(phase, f"out of step: {reply} in answer to {phase}", _lost_scope(phase))
    return Result(
        kind=Kind.REJECTED,
        phase=phase,
        reply=reply,
        detail=f"refused at {phase}: {reply}",
        scope=_scope(phase, reply),
    )


def is_about_connection(phase: Phase, reply: Reply) -> bool:
    """Whether it is the connection that the server has had enough of, and not this email."""
    verdict = classify(phase=phase, code=reply.code, enhanced=reply.enhanced, text=reply.text)
    # RFC 5321 §3.8: 421 ends the connection. Where it says no more, that may be all there is to it.
    return verdict in _ABOUT_THE_CONNECTION or (reply.code == 421 and verdict in _CLOSING)


def _scope(phase: Phase, reply: Reply) -> Scope:
    if reply.code == 421:
        return Scope.HOST
    if phase is Phase.MAIL and reply.code >= 500:
        about_message = reply.code == 552 or reply.enhanced in _ABOUT_THE_MESSAGE
        return Scope.MESSAGE if about_message else Scope.SENDER
    return Scope.MESSAGE


def lost_before_dot(phase: Phase, lost: ChannelLost) -> Result:
    """No answer, and no dot.

    Once the server has taken MAIL, the trouble is put down to this email: were it the host's, an
    email that makes the server fall over would be tried again for ever and hold up all the others.
    """
    return not_sent(phase, f"{lost} at {phase}", _lost_scope(phase))


def _lost_scope(phase: Phase) -> Scope:
    return Scope.MESSAGE if phase in (Phase.RCPT, Phase.DATA, Phase.BODY) else Scope.HOST


def not_sent(phase: Phase, detail: str, scope: Scope) -> Result:
    """Certainly not sent, and no reply to show for it."""
    return Result(kind=Kind.NOT_SENT, phase=phase, reply=None, detail=one_line(detail), scope=scope)


def fenced(why: str) -> Result:
    """The guard kept the dot back."""
    return Result(
        kind=Kind.FENCED, phase=Phase.BODY, reply=None, detail=one_line(why), scope=Scope.MESSAGE
    )


def in_doubt(why: str, dot_written_at: datetime) -> Result:
    """The dot is out and nothing that can be understood came back."""
    return Result(
        kind=Kind.IN_DOUBT,
        phase=Phase.DOT,
        reply=None,
        detail=one_line(f"{why} after the final dot: it may or may not have been accepted"),
        scope=Scope.MESSAGE,
        dot_written_at=dot_written_at,
    )


def after_dot(raw: RawReply, dot_written_at: datetime) -> Result:
    """The answer to the final dot."""
    reply = raw.readable()
    if 200 <= raw.code < 300:
        return Result(Kind.SENT, Phase.DOT, reply, "accepted", Scope.MESSAGE, dot_written_at)
    if raw.code < 400:
        return in_doubt(f"an answer out of step ({reply}) came", dot_written_at)
    return Result(
        kind=Kind.REJECTED,
        phase=Phase.DOT,
        reply=reply,
        detail=f"refused after the body: {reply}",
        scope=Scope.HOST if raw.code == 421 else Scope.MESSAGE,
        dot_written_at=dot_written_at,
    )
