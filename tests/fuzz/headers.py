"""Family `headers`: names, subjects, addresses and further headers that want to be more than one.

Refused with the part at fault named, or read back by two generations of the stdlib's parser as
exactly one of each header with exactly the value that went in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from random import Random

from paceline.delivery import Envelope, Headers, RenderError, message
from tests.fuzz import addresses, alphabet
from tests.fuzz.hunting import Family, hold, pure

_EXTRAS = (
    *("X-Campaign", "X-Ünsafe", "X-A\r\nBcc", "X-A: b", "X A", "Bcc", "Received", "x-" + "y" * 60),
    *(
        "List-Unsubscribe",
        "List-Id",
        "References",
        "Organization",
        "Comments",
        "DKIM-Signature",
        "",
    ),
)
_VALUES = ("<https://x.org/u?t=1>", "<mailto:u@x.org>, <https://x.org/>", "bulk", "<a@b.c> <d@e.f>")
_IDS = ("<1@example.com>", "<a.b-c@[127.0.0.1]>", "x" * 200 + "@example.com")
_VERBATIM = ("list-unsubscribe", "list-id", "references")  # with a syntax of their own
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_FOLD = re.compile(rb"\r\n(?=[ \t])")
# What a harmless part looks like, to find out which one it was.
_HARMLESS = Headers(
    from_address="news@example.com",
    to_address="ann@example.org",
    message_id="<1@example.com>",
    date=datetime(2027, 1, 1, tzinfo=UTC),
    boundary_seed="seed",
)
_PARTS = {
    "From": ("from_name", "from_address"),
    "To": ("to_name", "to_address"),
    "Reply-To": ("reply_to",),
    "Message-ID": ("message_id",),
    "Date": ("date",),
    "extra": ("extra",),
}


@dataclass(frozen=True)
class Case:
    headers: Headers
    subject: str


def make(dice: Random) -> Case:
    """One part or two are hostile, the others harmless."""
    case = Case(replace(_HARMLESS, boundary_seed=str(dice.random())), "Hello")
    for part in dice.sample((*_MAKERS, "subject"), k=dice.choice((1, 1, 2, 8))):
        if part == "subject":
            case = replace(case, subject=_text(dice))
        else:
            case = replace(case, headers=replace(case.headers, **{part: _MAKERS[part](dice)}))
    return case


def _text(dice: Random) -> str:
    return alphabet.text(dice) if dice.random() < 0.5 else alphabet.mild(dice)


def _extras(dice: Random) -> tuple[tuple[str, str], ...]:
    names = dice.sample(_EXTRAS, k=dice.choice((1, 1, 2)))
    return tuple(
        (
            name if dice.random() < 0.8 else alphabet.spoiled(dice, name, most=1),
            dice.choice(_VALUES) if dice.random() < 0.6 else _text(dice),
        )
        for name in names
    )


def _date(dice: Random) -> datetime:
    zone = dice.choice((None, UTC, timezone(timedelta(minutes=dice.randint(-1439, 1439)))))
    return datetime(dice.randint(1900, 9999), 2, 28, 23, 59, 59, dice.randrange(10**6), tzinfo=zone)


_MAKERS = {
    "from_name": _text,
    "from_address": addresses.make,
    "to_name": _text,
    "to_address": addresses.make,
    "reply_to": addresses.make,
    "message_id": lambda d: alphabet.spoiled(d, d.choice(_IDS), most=1),
    "extra": _extras,
    "date": _date,
}


def judge(case: Case) -> str:
    """Made and read back, or refused for what is wrong with it."""
    try:
        made = message(case.headers, subject=case.subject, text="Hi", html=None)
    except RenderError as refused:
        _check_blame(case, refused.part)
        hold(str(refused).isprintable() and len(str(refused)) < 500, "a reason nobody can read")
        return "refused"
    head, _, _ = made.partition(b"\r\n\r\n")
    _check_lines(head)
    expected = _expected(case)
    fields = [_FOLD.sub(b"", field).partition(b": ") for field in re.split(rb"\r\n(?![ \t])", head)]
    hold(
        [name.decode() for name, _, _ in fields] == [*expected, *_BODY], "other headers than given"
    )
    raw = {name.decode(): value for name, _, value in fields}
    for address_of in ("From", "To", "Reply-To"):
        if address_of in expected:
            _check_mailbox(raw[address_of], *expected[address_of])
    _check_parsed(made, case, expected)
    return "read back"


_BODY = ("MIME-Version", "Content-Type", "Content-Transfer-Encoding")


def _check_blame(case: Case, part: str) -> None:
    """With the part that was named made harmless, another may be named, but not this one."""
    if part == "Subject":
        mended = replace(case, subject="Hello")
    else:
        names = _PARTS.get(part, ("extra",))
        harmless = {name: getattr(_HARMLESS, name) for name in names}
        mended = replace(case, headers=replace(case.headers, **harmless))
    hold(mended != case, f"blames {part}, which is harmless")
    try:
        message(mended.headers, subject=mended.subject, text="Hi", html=None)
    except RenderError as refused:
        hold(refused.part != part, f"blames {part} for something else")


def _check_lines(head: bytes) -> None:
    hold(not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", head), "a bare CR or LF, or NUL")
    hold(max(map(len, head.split(b"\r\n"))) <= 998, "a line that is too long")
    hold(not re.search(rb"\r\n[ \t]*\r\n", head + b"\r\n"), "a line of blanks")


def _expected(case: Case) -> dict[str, tuple[str | None, ...]]:
    """Each header and what a reader must find in it, in order."""
    h = case.headers
    inner = h.message_id if h.message_id[:1] == "<" else f"<{h.message_id}>"
    expected: dict[str, tuple[str | None, ...]] = {
        "Date": (),
        "From": (h.from_name, h.from_address),
        "To": (h.to_name, h.to_address),
        "Subject": (case.subject,),
        "Message-ID": (inner,),
    }
    if h.reply_to is not None:
        expected["Reply-To"] = (None, h.reply_to)
    return expected | {name: (value,) for name, value in h.extra}


def _check_mailbox(value: bytes, name: str | None, address: str) -> None:
    """The address is the envelope's, and the name is the name, but for its blanks."""
    wire = Envelope(mail_from=address, rcpt_to=address).rcpt_to
    shown = re.sub(" +", " ", (name or "").strip())
    if not shown:
        hold(value == wire.encode(), f"shows {value!r}")
        return
    hold(value.endswith(f"<{wire}>".encode()), "shows another address than is sent to")
    phrase, _ = parseaddr(value[: -len(wire.encode()) - 2].decode("ascii") + "<a@b.c>")
    hold(str(make_header(decode_header(phrase))) == shown, "shows another name")


def _check_parsed(made: bytes, case: Case, expected: dict[str, tuple[str | None, ...]]) -> None:
    older, newer = message_from_bytes(made), message_from_bytes(made, policy=policy.SMTP)
    for parsed in (older, newer):
        hold(parsed.keys() == [*expected, *_BODY], f"a reader finds {parsed.keys()}")
        hold(not parsed.defects and parsed.get_payload() == "Hi\r\n", "a reader finds another body")
    for name in expected.keys() - {"Date", "From", "To", "Reply-To", "Message-ID"}:
        [value] = expected[name]
        if name.lower() in _VERBATIM:
            hold(older[name].replace("\r\n", "") == value, f"a reader finds another {name}")
            hold(not _CONTROL.search(_decoded(older[name])), f"a reader finds controls in {name}")
        else:
            hold(_older(older, name) == value, f"an older reader finds another {name}")
            hold(str(newer[name]) == value, f"a newer reader finds another {name}")
    hold(older["Message-ID"] == expected["Message-ID"][0], "a reader finds another Message-ID")
    date = case.headers.date.replace(microsecond=0)
    hold(parsedate_to_datetime(older["Date"]) == date, "a reader finds another Date")
    for name in ("From", "To", "Reply-To"):
        _check_one_address(newer, name, expected.get(name))


def _older(parsed: Message, name: str) -> str:
    return str(make_header(decode_header(parsed[name].replace("\r\n", ""))))


def _decoded(value: str) -> str:
    """What the most liberal of readers makes of encoded words where none belong."""
    text = ""
    for piece, charset in decode_header(value.replace("\r\n", "")):
        known = (charset or "latin-1").partition("*")[0]
        try:
            text += piece if isinstance(piece, str) else piece.decode(known, "replace")
        except LookupError:
            text += piece.decode("latin-1")
    return text


def _check_one_address(parsed: Message, name: str, expected: tuple[str | None, ...] | None) -> None:
    if expected is None or not str(expected[1]).isascii():
        return  # of an international one, this reader makes surrogates
    [found] = parsed[name].addresses
    hold(found.addr_spec == expected[1], f"a newer reader finds another address in {name}")


HEADERS = Family(
    name="headers",
    cases=9_000,
    outcomes=frozenset({"refused", "read back"}),
    make=make,
    open=pure(judge),
)
