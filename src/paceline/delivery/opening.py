"""From a TCP connection to a session that may send: greeting, EHLO, STARTTLS, AUTH.

Never falls back: an account that asks for TLS gets TLS or nothing, so that neither its password nor
its mail can be had by cutting a line out of the server's EHLO.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from paceline.delivery import second_look
from paceline.delivery.account import Account, Security
from paceline.delivery.certificates import why_not_trusted
from paceline.delivery.channel import Channel, ChannelLost
from paceline.delivery.dialogue import Dialogue, forms_of
from paceline.delivery.hosts import is_private
from paceline.delivery.login import HungUp, LogIn, LogIns, NoWayIn
from paceline.delivery.replies import RawReply
from paceline.delivery.results import Phase, Reply, Scope
from paceline.delivery.second_look import Finding, SecondLook
from paceline.delivery.timeouts import Timeouts
from paceline.delivery.tokens import AccessToken, AccessTokens, TokenRefused, TokenUnavailable
from paceline.domain.host_names import address_literal

MAX_DIGITS = 20  # of a size (RFC 1870 §5)
TLS_PORT = 465  # RFC 8314 §7.3: who does not greet there at once wants TLS
# Servers between themselves may hold back their greeting for some seconds, to see who barges in.
RELAY_PORT = 25
MIN_HIDDEN = 6  # characters of a secret: a shorter one may be any word of a reply


class OpenFailed(Exception):
    """There is no session. `reply` is set when the server refused; otherwise it did not answer."""

    def __init__(self, phase: Phase, scope: Scope, detail: str, reply: Reply | None = None) -> None:
        super().__init__(detail)
        self.phase = phase
        self.scope = scope
        self.detail = detail
        self.reply = reply
        self.another_way = False  # to log in, for a new connection …
        self.definite = False  # … although it is the user or the password that was refused


@dataclass(frozen=True, slots=True)
class Extensions:
    """What the server offers (RFC 5321 §4.1.1.1): keyword to parameters, both in capitals.

    `size_limit` is the largest message in octets (RFC 1870), None when unlimited or not said.
    """

    offered: dict[str, tuple[str, ...]] = field(default_factory=dict)
    size_limit: int | None = None

    @classmethod
    def of(cls, reply: RawReply) -> Extensions:
        """Reads an EHLO reply; its first line is the server's name."""
        offered: dict[str, tuple[str, ...]] = {}
        for line in reply.lines[1:]:
            words = line.decode("ascii", "replace").upper().replace(",", " ")  # "AUTH PLAIN,LOGIN"
            keyword, *parameters = words.split() or [""]
            keyword, equals, first = keyword.partition("=")  # "AUTH=PLAIN", from before RFC 2554
            more = (first, *parameters) if equals else tuple(parameters)
            offered[keyword] = offered.get(keyword, ()) + more  # some servers say AUTH both ways
        offered.pop("", None)
        size = next(iter(offered.get("SIZE", ())), "")
        limit = int(size) if size.isascii() and size.isdigit() and len(size) <= MAX_DIGITS else 0
        return cls(offered, limit or None)

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.offered


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a session is opened with, beside its account."""

    timeouts: Timeouts
    tls_context: Callable[[], ssl.SSLContext]
    helo_name: str | None  # None: the address of the connection
    log_ins: LogIns
    tokens: AccessTokens
    began_at: float  # monotonic, before the connection
    dialogue: Dialogue | None = None  # kept where a person waits for it


class Opening:
    """One way from connection to session; `run` it once."""

    def __init__(self, account: Account, channel: Channel, means: Means) -> None:
        self._account = account
        self._channel = channel
        self._means = means
        self._timeouts = means.timeouts
        self._look = SecondLook(account, channel.remote_address)
        self._found: Finding | None = None
        self._greeted: RawReply | None = None
        self._dialogue = means.dialogue
        self._phase = Phase.GREETING
        self._secrets: tuple[str, ...] = ()
        self.extensions = Extensions()

    @property
    def phase(self) -> Phase:
        """How far it has come."""
        return self._phase

    @phase.setter
    def phase(self, phase: Phase) -> None:
        self._phase = phase
        if self._dialogue is not None:
            self._dialogue.phase = phase

    async def run(self) -> Extensions:
        """Opens the session. Raises `OpenFailed`; the channel is then of no use."""
        try:
            if self._account.security is Security.TLS:
                await self._encrypt()
            await self._greeting()
            await self._hello()
            if self._account.security is Security.STARTTLS:
                await self._start_tls()
            if self._account.username is not None:
                await self._log_in()
        except ChannelLost as lost:
            raise await self._lost(lost) from lost
        return self.extensions

    async def _lost(self, lost: ChannelLost) -> OpenFailed:
        """Why, as far as a second look can tell."""
        found = self._found
        if self.phase is Phase.GREETING and self._channel.garbage is not None:
            found = second_look.read(self._channel.garbage)
        elif isinstance(lost.__cause__, ssl.SSLCertVerificationError):
            why = why_not_trusted(
                lost.__cause__, await self._look.at_certificate(), host=self._account.host
            )
            return OpenFailed(self.phase, Scope.HOST, f"the TLS handshake failed: {why}")
        elif self.phase is Phase.TLS and self._account.security is Security.TLS:
            found = await self._look.at_no_tls()
        if found is None:
            return OpenFailed(self.phase, Scope.HOST, str(lost))
        return self._no_smtp(found)

    def _no_smtp(self, found: Finding) -> OpenFailed:
        told = f"{found.what} (port {self._account.port})"
        return OpenFailed(self.phase, Scope.SENDER if found.certain else Scope.HOST, told)

    async def _greeting(self) -> None:
        self.phase = Phase.GREETING
        async with self._looking_again():
            reply = await self._channel.read(self._timeouts.greeting_seconds)
        if self._dialogue is not None:
            self._dialogue.heard(reply)
        if reply.code < 400 and reply.code != 220:  # neither a greeting nor a refusal
            raise self._no_smtp(second_look.read(b"%d " % reply.code) or second_look.NO_GREETING)
        if reply.code != 220:
            raise self._refused(reply, Scope.HOST)
        self._greeted = reply

    @asynccontextmanager
    async def _looking_again(self) -> AsyncIterator[None]:
        """Beside the wait for a greeting: a port that wants TLS first would never greet."""
        if self._account.security is Security.TLS:
            yield
            return
        look = asyncio.ensure_future(self._look_again())
        try:
            yield
        finally:
            look.cancel()
            await asyncio.gather(look, return_exceptions=True)

    async def _look_again(self) -> None:
        await asyncio.sleep(_patience(self._account.port, self._timeouts.second_look_seconds))
        found = await self._look.at_silence()
        if found is not None and found.certain and self._channel.quiet:
            self._found = found
            self._channel.abort(found.what)

    async def _hello(self) -> None:
        self.phase = Phase.EHLO
        name = self._means.helo_name or address_literal(self._channel.local_address)
        reply = await self._ask(f"EHLO {name}", self._timeouts.ehlo_seconds)
        if reply.code == 250:
            self.extensions = Extensions.of(reply)
            return
        if 500 <= reply.code <= 504:  # a server from before RFC 1869
            reply = await self._ask(f"HELO {name}", self._timeouts.ehlo_seconds)
        if reply.code != 250:
            if self._greeted is not None and second_look.speaks_ftp(self._greeted, reply):
                raise self._no_smtp(second_look.FTP)
            raise self._refused(reply, Scope.HOST)
        self.extensions = Extensions()

    async def _start_tls(self) -> None:
        self.phase = Phase.TLS
        if "STARTTLS" not in self.extensions:
            raise self._lacking("the server does not offer STARTTLS")
        reply = await self._ask("STARTTLS", self._timeouts.tls_seconds)
        if reply.code != 220:
            raise self._refused(reply, Scope.SENDER if reply.code >= 500 else Scope.HOST)
        await self._encrypt()
        await self._hello()  # what was offered in plain text is forgotten (RFC 3207 §4.2)

    async def _encrypt(self) -> None:
        self.phase = Phase.TLS
        await self._channel.start_tls(
            self._means.tls_context(), self._account.host.rstrip("."), self._timeouts.tls_seconds
        )
        if self._dialogue is not None:
            self._dialogue.note("TLS: encrypted from here on")

    async def _log_in(self) -> None:
        self.phase = Phase.AUTH
        where = self._channel.remote_address
        if self._account.security is Security.NONE and where and not is_private(where):
            # Judged where it leads: a name says nothing about the network that its server is in.
            raise self._lacking("nobody logs in over the internet in the clear: choose STARTTLS")
        log_ins, began_at = self._means.log_ins, self._means.began_at
        async with log_ins.turn():
            reply = log_ins.refusal_since(began_at) or await self._authenticate()
        if not 200 <= reply.code < 300:
            temporary = 400 <= reply.code < 500
            raise self._refused(reply, Scope.HOST if temporary else Scope.SENDER)

    async def _authenticate(self) -> RawReply:
        log_ins = self._means.log_ins
        token = await self._token()
        account = (
            replace(self._account, password=token.text, grant=None) if token else self._account
        )
        self._secrets = forms_of(account.username, account.password)
        log_in = LogIn(
            account,
            self._answer,
            known=log_ins.mechanism,
            refused=log_ins.hung_up_since(self._means.began_at),
        )
        offered = self.extensions.offered.get("AUTH", ())
        try:
            reply = await log_in.run(offered, starttls_is_offered="STARTTLS" in self.extensions)
        except NoWayIn as no_way:
            raise self._lacking(str(no_way)) from None
        except HungUp as hung_up:
            failure = self._refused(hung_up.refusal.reply, Scope.SENDER)
            failure.another_way = True
            failure.definite = hung_up.refusal.reply.code >= 534
            log_ins.note_hung_up(hung_up.refusal)
            raise failure from None
        if token is not None and reply.code >= 500 and not token.is_new:
            raise self._outworn(token, reply)
        log_ins.note(log_in.mechanism, reply)
        return reply

    async def _token(self) -> AccessToken | None:
        """To show in place of a password, where the account has a grant for one."""
        grant = self._account.grant
        if grant is None:
            return None
        try:
            token = await self._means.tokens.get(grant)
        except TokenRefused as refused:
            raise self._lacking(str(refused)) from refused
        except TokenUnavailable as away:
            raise OpenFailed(self.phase, Scope.HOST, str(away)) from away
        if self._dialogue is not None:
            self._dialogue.hide(token.text)
            self._dialogue.note(f"access token: {'renewed' if token.is_new else 'still good'}")
        return token

    def _outworn(self, token: AccessToken, reply: RawReply) -> OpenFailed:
        """It was good once: a new connection shows a new one, and that decides."""
        assert self._account.grant is not None, "a token is had by a grant"
        self._means.tokens.forget(self._account.grant, token)
        failure = self._refused(reply, Scope.SENDER)
        failure.another_way = True
        return failure

    async def _answer(self, line: str) -> RawReply:
        """What the server says to a log-in; should it repeat the secret, that is not passed on."""
        reply = await self._ask(line, self._timeouts.auth_seconds)
        lines = reply.lines
        for secret in (form.encode() for form in self._secrets if len(form) >= MIN_HIDDEN):
            lines = [octets.replace(secret, b"***") for octets in lines]
        return RawReply(reply.code, lines)

    async def _ask(self, line: str, seconds: float) -> RawReply:
        self._channel.expect_silence()
        self._channel.write(f"{line}\r\n".encode("ascii"))
        if self._dialogue is None:
            return await self._channel.read(seconds)
        self._dialogue.said(line)
        reply = await self._channel.read(seconds)
        self._dialogue.heard(reply)
        return reply

    def _refused(self, raw: RawReply, scope: Scope) -> OpenFailed:
        reply = raw.readable()
        if raw.code < 400:  # neither yes nor no: the two sides are out of step
            return OpenFailed(self.phase, Scope.HOST, f"unexpected reply: {reply}")
        scope = Scope.HOST if raw.code == 421 else scope
        return OpenFailed(self.phase, scope, f"refused: {reply}", reply)

    def _lacking(self, detail: str) -> OpenFailed:
        return OpenFailed(self.phase, Scope.SENDER, detail)


def _patience(port: int, seconds: float) -> float:
    if port == TLS_PORT:
        return seconds / 10
    return 3 * seconds if port == RELAY_PORT else seconds
