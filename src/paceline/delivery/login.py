"""Logging in (RFC 4954): by which mechanisms, in which order, and which refusal is told.

Servers offer PLAIN and refuse it, want it without an initial response, or offer LOGIN alone. Each
way is tried once and no password twice the same way: whoever keeps knocking is locked out.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple, TypeVar

from paceline.delivery.account import Account, Auth, Security
from paceline.delivery.channel import ChannelLost
from paceline.delivery.replies import RawReply

Noted = TypeVar("Noted")
Ask = Callable[[str], Awaitable[RawReply]]

MAX_REMEMBERED = 1_000  # accounts
# For the first log-in of an account by another connection. A server that is slow about it shall not
# hold up all the connections for as long as it may hold up one.
TURN_SECONDS = 5.0

# In order of preference; all are as safe as the TLS around them.
_MECHANISMS = {Auth.PASSWORD: ("PLAIN", "LOGIN"), Auth.XOAUTH2: ("XOAUTH2",)}
_NOT_THIS_WAY = frozenset({500, 501, 502, 503, 504})  # RFC 5321 §4.2.2: about the command
# RFC 4954 §6: "mechanism is too weak", and "credentials invalid", which some servers say of PLAIN
# when they only know LOGIN.
_ANOTHER_WAY = _NOT_THIS_WAY | {534, 535}


class NoWayIn(Exception):
    """The server offers nothing that we could log in by; the message says what to do."""


class Refusal(NamedTuple):
    """A mechanism, and in which words it was refused."""

    mechanism: str
    reply: RawReply


class HungUp(Exception):
    """The server refused one way and hung up; there is another, for a new connection."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"hung up after {refusal.reply.code}")
        self.refusal = refusal


class LogIns:
    """What is known of an account's log-ins, over all its connections: the way that has worked.

    While none has, connections log in one after the other, and who began before a refusal takes it
    for its own: four of them do not show a wrong password four times.
    """

    def __init__(self) -> None:
        self.mechanism: str | None = None
        self._turn = asyncio.Lock()
        self._refusal: tuple[float, RawReply] | None = None
        self._hung_up: tuple[float, Refusal] | None = None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """To log in: alone, if it is the first time."""
        alone = self.mechanism is None and await self._acquired()
        try:
            yield
        finally:
            if alone:
                self._turn.release()

    async def _acquired(self) -> bool:
        try:
            async with asyncio.timeout(TURN_SECONDS):
                return await self._turn.acquire()
        except TimeoutError:
            return False

    def refusal_since(self, began_at: float) -> RawReply | None:
        """The end of a log-in that was refused for good after `began_at` (monotonic)."""
        return _since(began_at, self._refusal)

    def hung_up_since(self, began_at: float) -> Refusal | None:
        """The way that a server refused so that it hung up, where another way is left."""
        return _since(began_at, self._hung_up)

    def note(self, mechanism: str, reply: RawReply) -> None:
        """How the log-in ended."""
        if 200 <= reply.code < 300:
            self.mechanism = mechanism
        elif reply.code >= 500:
            self.mechanism, self._refusal = None, (time.monotonic(), reply)

    def note_hung_up(self, refusal: Refusal) -> None:
        """One way was refused, and the connection is gone."""
        self._hung_up = (time.monotonic(), refusal)


def _since(began_at: float, noted: tuple[float, Noted] | None) -> Noted | None:
    return noted[1] if noted is not None and noted[0] >= began_at else None


class Memory:
    """The `LogIns` of the accounts used of late."""

    def __init__(self) -> None:
        self._known: OrderedDict[Account, LogIns] = OrderedDict()

    def of(self, account: Account) -> LogIns:
        """What is known of the account."""
        known = self._known.setdefault(account, LogIns())
        self._known.move_to_end(account)
        if len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)
        return known


class LogIn:
    """One connection's log-in; `run` it once. `refused`: what another connection was told before.

    `known` is the way that has worked for this account: the others are then not tried for a
    password's sake.
    """

    def __init__(
        self,
        account: Account,
        ask: Ask,
        *,
        known: str | None = None,
        refused: Refusal | None = None,
    ) -> None:
        self._account = account
        self._ask_server = ask
        self._heard = 0  # answers
        self._known = known
        self._refused = refused
        self.mechanism = ""  # the one that was tried last

    async def run(self, offered: tuple[str, ...], *, starttls_is_offered: bool) -> RawReply:
        """The answer: 2xx, or the most telling refusal.

        Raises `NoWayIn`, `HungUp`, `ChannelLost`.
        """
        names = _usable(self._account, offered, starttls_is_offered=starttls_is_offered)
        names.sort(key=lambda name: name != self._known)
        before = self._refused
        for name in names:
            if self._refused is not None and name == self._refused.mechanism:
                continue
            reply = await self._after(before, name)
            self.mechanism = name
            if reply.code < 400:
                return reply
            told = reply if before is None else more_telling(before.reply, reply)
            before = Refusal(name, told)
            # A password that was right in this way is not shown in another when it no longer is.
            if reply.code not in _ANOTHER_WAY or (reply.code == 535 and name == self._known):
                break
        assert before is not None, "there is a way, or NoWayIn"
        return before.reply

    async def _after(self, before: Refusal | None, name: str) -> RawReply:
        heard = self._heard
        try:
            return await self._by(name)
        except ChannelLost:
            if before is None:
                raise
            if self._refused is not None or self._heard > heard:
                return before.reply  # both ways were shown: a third connection would tell no more
            raise HungUp(before) from None

    async def _by(self, name: str) -> RawReply:
        username, password = self._account.username or "", self._account.password or ""
        match name:
            case "PLAIN":
                return await self._in_turn("AUTH PLAIN", [_base64(f"\0{username}\0{password}")])
            case "XOAUTH2":
                return await self._show_token(username, password)
            case _:
                return await self._step_by_step(
                    "AUTH LOGIN", [_base64(username), _base64(password)]
                )

    async def _in_turn(self, command: str, answers: list[str]) -> RawReply:
        """With an initial response, and without one where the server does not know that form."""
        reply = await self._ask(f"{command} {answers[0]}")
        if reply.code == 334:  # it did not look at what it was given
            return await self._ask(answers[0])
        return await self._step_by_step(command, answers) if reply.code == 501 else reply

    async def _step_by_step(self, command: str, answers: list[str]) -> RawReply:
        # In whatever words it asks: for the user name first, then for the password.
        reply = await self._ask(command)
        for answer in answers:
            if reply.code != 334:
                break
            reply = await self._ask(answer)
        return reply

    async def _ask(self, line: str) -> RawReply:
        reply = await self._ask_server(line)
        self._heard += 1
        return reply

    async def _show_token(self, username: str, token: str) -> RawReply:
        bearer = _base64(f"user={username}\1auth=Bearer {token}\1\1")
        reply = await self._ask(f"AUTH XOAUTH2 {bearer}")
        if reply.code == 334:  # why not, in JSON; the refusal itself comes after an empty answer
            reply = await self._ask("")
        return reply


def more_telling(first: RawReply, second: RawReply) -> RawReply:
    """Of two refusals the one that says more; the first when they say as much."""
    return max(first, second, key=_telling)


def _telling(reply: RawReply) -> tuple[bool, bool, bool]:
    readable = reply.readable()
    words = readable.text.lower()
    about_the_way = reply.code in _NOT_THIS_WAY or (
        reply.code == 534 and ("mechanism" in words or "too weak" in words)
    )
    return not about_the_way, reply.code >= 500, readable.enhanced is not None


def _usable(account: Account, offered: tuple[str, ...], *, starttls_is_offered: bool) -> list[str]:
    """The mechanisms to try. Raises `NoWayIn`."""
    usable = [name for name in _MECHANISMS[account.auth] if name in offered]
    if usable:
        return usable
    if offered:
        raise NoWayIn(
            f"the server offers only {' '.join(offered)} (AUTH): {_other(account, offered)}"
        )
    if account.security is not Security.NONE:
        raise NoWayIn(
            "the server offers no log-in (AUTH) on this port: try port 587 or 465, "
            "or leave out user name and password"
        )
    hint = "choose STARTTLS" if starttls_is_offered else "it may want TLS first"
    raise NoWayIn(f"the server offers no log-in (AUTH) in plain text: {hint}")


def _other(account: Account, offered: tuple[str, ...]) -> str:
    if account.auth is Auth.XOAUTH2:
        return "it takes no access token; choose a password"
    if "XOAUTH2" in offered:
        return "it takes no password; choose XOAUTH2 and an access token"
    return "Paceline logs in by PLAIN or LOGIN, over TLS, which the server would have to allow"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")
