"""Families `wire` and `bodies`: content that wants to end its message early, or to be two.

`wire` follows raw content of any bytes through the client to the far end; `bodies` makes messages
of hostile texts. Both are read back by readers that share nothing with the product.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from random import Random

from paceline.delivery import Envelope, Headers, Kind, Pool, RenderError, message
from tests.fuzz import alphabet
from tests.fuzz.conversations import TIMEOUTS, account
from tests.fuzz.hunting import Family, Judge, hold, pure
from tests.fuzz.memory_net import MemoryLoop
from tests.fuzz.servers import Log, Script, ScriptedServer

ENVELOPE = Envelope(mail_from="news@example.com", rcpt_to="ann@example.org")
_PIECES = (
    *(b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r\n", b".", b"..", b".\r\n", b"\n.\n"),
    *(
        b"\r.\r",
        b"\r\n.\n",
        b"\n.\r\n",
        b"\r.\r\n",
        b"\r\n.\r",
        b"\r\n.\r\n",
        b"\r\n\0.\r\n",
        b"\r\n. \r\n",
    ),
    *(
        b"MAIL FROM:<v@x.org>\r\n",
        b"DATA\r\n",
        b"QUIT\r\n",
        b"\0",
        b"\xff",
        "é".encode(),
        b" ",
        b"\t",
    ),
    *(b"From ", b"--=_", b"=\r\n", b"=2E", b"body", b"x" * 997, b"x" * 2000, b"Subject: x\r\n\r\n"),
)
# What some server took for a line with a dot alone (CVE-2023-51764 and its kin).
_DOT_ALONE = re.compile(rb"[\r\n]\.[\r\n]")


def make_wire(dice: Random) -> bytes:
    """Pieces with a history, or a few thousand of them, over several blocks."""
    count = dice.choice((1, 3, 6, 12, 12)) if dice.random() < 0.99 else 3_000
    return b"".join(dice.choice(_PIECES) for _ in range(count))


@contextlib.contextmanager
def _opened() -> Iterator[Judge]:
    loop = MemoryLoop()
    logs: list[Log] = []

    def peer() -> ScriptedServer:
        logs.append(Log())
        return ScriptedServer(Script(extensions=("8BITMIME", "PIPELINING")), logs[-1])

    async def send(content: bytes) -> str:
        logs.clear()
        pool = Pool(timeouts=TIMEOUTS, allow_private_hosts=True)
        result = await pool.send(account(""), ENVELOPE, content, guard=_yes)
        await pool.close()
        hold(result.kind is Kind.SENT, f"a polite server got nothing: {result}")
        _check_sent(logs[0].of("client"), content)
        return "dots" if re.search(rb"[\r\n]\.|^\.", content) else "none"

    loop.peers = peer
    try:
        yield lambda content: loop.run_until_complete(send(content))
    finally:
        loop.close()


async def _yes() -> bool:
    return True


def _check_sent(spoken: bytes, content: bytes) -> None:
    """One end of data, where it belongs; before it the content, for each way to read lines."""
    before, _, data = spoken.partition(b"\r\nDATA\r\n")
    data, quit_, rest = data.rpartition(b"QUIT\r\n")
    hold(quit_ and not rest, "speaks on after QUIT")
    hold(before.count(b"\r\n") == 2, "other commands than EHLO, MAIL, RCPT")
    hold(data.endswith(b"\r\n.\r\n") or data == b".\r\n", "has no end")
    hold(data.count(b"\r\n.\r\n") == 1, "ends more than once")
    body = data[:-3]
    hold(not re.search(rb"\r(?!\n)|(?<!\r)\n", body), "a bare CR or LF")
    hold(not _DOT_ALONE.search(b"\n" + body), "some server finds another end in it")
    wanted = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    wanted += b"" if wanted.endswith(b"\r\n") else b"\r\n"
    hold(_unstuffed(data) == wanted, "the far end reads another content")


def _unstuffed(data: bytes) -> bytes:
    """As RFC 5321 §4.5.2 tells a server to read: line by line up to a dot alone."""
    lines = []
    for line in data.split(b"\r\n"):
        if line == b".":
            return b"".join(kept + b"\r\n" for kept in lines)
        lines.append(line[1:] if line[:1] == b"." else line)
    return b"no end"


@dataclass(frozen=True)
class Texts:
    text: str | None
    html: str | None
    seed: str


def make_texts(dice: Random) -> Texts:
    """Text, HTML or both, of hostile pieces and lines of any length."""
    seed = str(dice.randrange(10))
    texts = [_some(dice) for _ in range(2)]
    left_out = dice.choice((None, None, 0, 1))
    if left_out is not None:
        texts[left_out] = None
    return Texts(*texts, seed)


def _some(dice: Random) -> str | None:
    pieces = [piece.decode("latin-1") for piece in _PIECES]
    parts = [
        dice.choice(pieces) if dice.random() < 0.6 else dice.choice(alphabet.HOSTILE)
        for _ in range(dice.choice((1, 3, 6, 15)))
    ]
    if dice.random() < 0.8:
        parts = [part for part in parts if not re.search("[\ud800-\udfff]", part)]
    return "".join(parts)


def judge_texts(case: Texts) -> str:
    """Seven bits, short lines, nothing smuggled; and a reader gets the same text."""
    headers = Headers(
        from_address="news@example.com",
        to_address="ann@example.org",
        message_id="<1@example.com>",
        date=datetime(2027, 1, 1, tzinfo=UTC),
        boundary_seed=case.seed,
    )
    halves = re.search("[\ud800-\udfff]", (case.text or "") + (case.html or ""))
    try:
        made = message(headers, subject="Hello", text=case.text, html=case.html)
    except RenderError as refused:
        hold(halves and refused.part in ("text", "html"), f"refused a sound text: {refused}")
        return "refused"
    hold(not halves, "half a character became bytes")
    hold(made.isascii() and b"\0" not in made, "needs a server that takes more than 7 bits")
    hold(not re.search(rb"\r(?!\n)|(?<!\r)\n", made), "a bare CR or LF")
    hold(max(map(len, made.split(b"\r\n"))) <= 998, "a line that is too long")
    parsed = message_from_bytes(made, policy=policy.SMTP)
    hold(not parsed.defects, f"a reader finds {parsed.defects}")
    given = {"plain": case.text, "html": case.html}
    leaves = [part for part in parsed.walk() if not part.is_multipart()]
    found = {part.get_content_subtype(): part.get_payload(decode=True) for part in leaves}
    wanted = {kind: _lines(text) for kind, text in given.items() if text is not None}
    hold(found == wanted and len(leaves) == len(wanted), "a reader finds another text")
    encodings = {str(part["Content-Transfer-Encoding"]) for part in leaves}
    return "7bit" if encodings == {"7bit"} else "encoded"


def _lines(text: str) -> bytes:
    data = re.sub(rb"\r\n|\r|\n", b"\r\n", text.encode())
    return data if data.endswith(b"\r\n") else data + b"\r\n"


WIRE = Family(
    name="wire",
    cases=4_000,
    outcomes=frozenset({"dots", "none"}),
    make=make_wire,
    open=_opened,
)
BODIES = Family(
    name="bodies",
    cases=2_500,
    outcomes=frozenset({"refused", "7bit", "encoded"}),
    make=make_texts,
    open=pure(judge_texts),
)
