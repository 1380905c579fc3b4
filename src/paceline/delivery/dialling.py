"""From an account to a session: connecting, encrypting, logging in, and trying another way.

Owns what outlives a connection and is needed to open the next: the trust store, our name, and what
is known of how the accounts log in.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
import time

from paceline.delivery.account import Account
from paceline.delivery.channel import Channel
from paceline.delivery.dialogue import Dialogue
from paceline.delivery.hosts import Unreachable, connect
from paceline.delivery.login import Memory
from paceline.delivery.opening import Means, OpenFailed, Opening
from paceline.delivery.outbox import Outbox
from paceline.delivery.results import Phase, Scope
from paceline.delivery.session import Session
from paceline.delivery.timeouts import Timeouts
from paceline.delivery.tokens import AccessTokens, KeepGrant
from paceline.errors import InvalidInput


class Dialling:
    """Opens sessions, for one pool."""

    def __init__(
        self,
        *,
        timeouts: Timeouts,
        allow_private_hosts: bool,
        verify_certificates: bool,
        helo_name: str | None,
        keep_grant: KeepGrant | None = None,
    ) -> None:
        self._timeouts = timeouts
        self._allow_private_hosts = allow_private_hosts
        self._verify_certificates = verify_certificates
        self._helo_name = helo_name
        self._log_ins = Memory()
        self._tokens = AccessTokens(keep=keep_grant)

    async def open(self, account: Account, *, dialogue: Dialogue | None = None) -> Session:
        """A session that may send. Raises `OpenFailed`."""
        began_at = time.monotonic()
        try:
            return await self._open(account, began_at, dialogue)
        except OpenFailed as failure:
            if not failure.another_way:
                raise
            first = failure
        try:
            return await self._open(account, began_at, dialogue)
        except OpenFailed as second:
            # A refused password is not asked again and again for a second opinion.
            raise first if first.definite and second.phase is not Phase.AUTH else second from None

    async def _open(self, account: Account, began_at: float, dialogue: Dialogue | None) -> Session:
        channel = await self._connect(account, self._timeouts.connect_seconds)
        if dialogue is not None:
            dialogue.note(f"connected to {account.host}, port {account.port}")
        means = Means(
            timeouts=self._timeouts,
            tls_context=self._tls_context,
            helo_name=account.helo_name or self._helo_name,
            log_ins=self._log_ins.of(account),
            tokens=self._tokens,
            began_at=began_at,
            dialogue=dialogue,
        )
        try:
            extensions = await Opening(account, channel, means).run()
        except BaseException:
            channel.abort()
            raise
        return Session(channel, extensions, timeouts=self._timeouts, dialogue=dialogue)

    async def _connect(self, account: Account, seconds: float) -> Channel:
        try:
            return await connect(
                account.host,
                account.port,
                allow_private=self._allow_private_hosts,
                seconds=seconds,
                protocol=functools.partial(Channel, asyncio.get_running_loop(), self._outbox),
            )
        except Unreachable as error:
            raise OpenFailed(Phase.CONNECT, Scope.HOST, str(error)) from error
        except InvalidInput as error:
            raise OpenFailed(Phase.CONNECT, Scope.SENDER, str(error)) from error

    @functools.cached_property
    def _outbox(self) -> Outbox:
        return Outbox(asyncio.get_running_loop())

    @functools.cached_property
    def _context(self) -> ssl.SSLContext:
        # Made once: reading the trust store takes 20 ms, more than sending fifty emails.
        context = ssl.create_default_context()
        if not self._verify_certificates:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _tls_context(self) -> ssl.SSLContext:
        return self._context
