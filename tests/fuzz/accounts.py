"""Family `accounts`: hosts, names and secrets of SMTP accounts that want to be commands.

What is refused names its field; what is taken logs in to a server in memory, which must see these
lines and no other, and decode the very name and secret from them.
"""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from paceline.delivery import Account, Auth, Envelope, Kind, Pool, Security
from paceline.errors import InvalidInput
from tests.fuzz import alphabet
from tests.fuzz.conversations import TIMEOUTS
from tests.fuzz.hunting import Family, Judge, hold
from tests.fuzz.memory_net import MemoryLoop
from tests.fuzz.servers import Answer, Log, Script, ScriptedServer

ENVELOPE = Envelope(mail_from="news@example.com", rcpt_to="ann@example.org")
_HOSTS = (
    *(
        "mail.example.com",
        "127.0.0.1",
        "::1",
        "mail.example.com.",
        "MAIL",
        "a_b.example",
        "x" * 254,
        "",
    ),
    *(
        "a b",
        "a\r\nb",
        "[::1]",
        "http://x",
        "x:25",
        "é.example",
        "-a",
        "a..b",
        "x\0",
        "127.1",
        "0x7f000001",
    ),
)
_SECRETS = (
    "secret",
    "s\u00e9cret",
    "a b",
    "\0",
    "a\0b\0c",
    "a\r\nRCPT TO:<v@x.org>",
    "=",
    "x" * 4096,
    "x" * 4097,
    "",
)
_AUTHS = ("PLAIN LOGIN", "LOGIN", "PLAIN", "XOAUTH2", "CRAM-MD5", "")


@dataclass(frozen=True)
class Case:
    host: str
    port: int
    helo: str
    auth: Auth
    username: str | None
    password: str | None
    offered: str


def make(dice: Random) -> Case:
    """One thing or two about it are hostile."""
    host = helo = "mail.example.com"
    turn = dice.random()
    if turn < 0.2:
        host = _odd(dice, _HOSTS)
    elif turn < 0.3:
        helo = _odd(dice, _HOSTS)
    username, password = f"ann{dice.randrange(10**4)}", f"secret{dice.randrange(10**4)}"
    if turn > 0.5:
        username = _odd(dice, _SECRETS)
    if turn > 0.75:
        password = _odd(dice, _SECRETS)
    none = dice.choice(
        ((),) * 12 + (("username",), ("password",)) + (("username", "password"),) * 2
    )
    return Case(
        host=host,
        port=dice.choice((25, 25, 25, 587, 0, -1, 65_535, 65_536)),
        helo=helo,
        auth=dice.choice((Auth.PASSWORD, Auth.PASSWORD, Auth.XOAUTH2)),
        username=None if "username" in none else username,
        password=None if "password" in none else password,
        offered=dice.choice(_AUTHS),
    )


def _odd(dice: Random, known: tuple[str, ...]) -> str:
    turn = dice.random()
    if turn < 0.4:
        return dice.choice(known)
    return alphabet.spoiled(dice, dice.choice(known), most=2) if turn < 0.7 else alphabet.mild(dice)


@contextlib.contextmanager
def _opened() -> Iterator[Judge]:
    loop = MemoryLoop()
    try:
        yield lambda case: loop.run_until_complete(_judge(loop, case))
    finally:
        loop.close()


async def _judge(loop: MemoryLoop, case: Case) -> str:
    try:
        account = Account(
            host=case.host,
            port=case.port,
            security=Security.NONE,
            auth=case.auth,
            username=case.username,
            password=case.password,
            helo_name=case.helo,
        )
    except InvalidInput as refused:
        [problem] = refused.problems
        _check_blame(case, problem.field)
        return "refused"
    log = Log()
    offer = f"AUTH {case.offered}".strip()
    answers = _prompts(case)
    loop.peers = lambda: ScriptedServer(Script(extensions=(offer,), answers=answers), log)
    pool = Pool(timeouts=TIMEOUTS, allow_private_hosts=True)
    result = await pool.send(account, ENVELOPE, b"x\r\n", guard=_yes)
    await pool.close()
    lines = log.of("client").split(b"\r\n")
    hold(lines[0] == b"EHLO " + case.helo.encode("ascii"), "greets as somebody else")
    if result.kind is not Kind.SENT:
        hold(len(lines) == 2, f"said more than EHLO, and then {result.detail}")
        return "no way in"
    begins = next(i for i, line in enumerate(lines) if line.startswith(b"MAIL FROM:"))
    hold(_credentials(lines[1:begins]) == (case.username, case.password), "logs in as another")
    wanted = [b"RCPT TO:<ann@example.org>", b"DATA", b"x", b".", b"QUIT", b""]
    hold(lines[begins + 1 :] == wanted, f"other lines than one email's: {lines}")
    return "logged in" if case.username is not None else "without"


async def _yes() -> bool:
    return True


def _prompts(case: Case) -> tuple[tuple[int, Answer], ...]:
    if case.auth is Auth.PASSWORD and case.username is not None and case.offered == "LOGIN":
        prompts = (b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n", b"235 2.7.0 welcome\r\n")
        return tuple((2 + i, Answer((line,))) for i, line in enumerate(prompts))
    return ()


def _credentials(lines: list[bytes]) -> tuple[str | None, str | None]:
    """As a server decodes them."""
    if not lines:
        return None, None
    first = lines[0].split(b" ")
    if first[:2] == [b"AUTH", b"PLAIN"] and len(lines) == 1:
        _, username, password = base64.b64decode(first[2], validate=True).split(b"\0")
        return username.decode(), password.decode()
    if first[:2] == [b"AUTH", b"XOAUTH2"] and len(lines) == 1:
        decoded = base64.b64decode(first[2], validate=True).decode()
        found = re.fullmatch("user=([^\1]*)\1auth=Bearer ([^\1]*)\1\1", decoded)
        hold(found, "a token that no server can read")
        assert found is not None
        return found[1], found[2]
    hold(first == [b"AUTH", b"LOGIN"] and len(lines) == 3, f"logs in by {lines}")
    username, password = (base64.b64decode(line, validate=True).decode() for line in lines[1:])
    return username, password


def _check_blame(case: Case, field: str) -> None:
    sound = re.compile(r"[A-Za-z0-9]{1,60}(?:\.[A-Za-z0-9]{1,60})*")
    if field == "port":
        hold(not 1 <= case.port <= 65_535, "refused a sound port")
        return
    given = {"host": case.host, "helo_name": case.helo}.get(field, getattr(case, field, None))
    hold(field in ("host", "helo_name", "username", "password"), f"blames {field}")
    needed = case.username is None or case.password is None
    hold(needed or not sound.fullmatch(str(given)) or len(str(given)) > 250, f"refused {given!a}")


ACCOUNTS = Family(
    name="accounts",
    cases=6_000,
    outcomes=frozenset({"refused", "no way in", "logged in", "without"}),
    make=make,
    open=_opened,
)
