"""Family `addresses`: text that somebody gives for one address.

Taken as it stands or refused: the judge compares what comes out with what went in, letter by
letter, and asks the envelope, the header and a reader of the header for the same address.
"""

from __future__ import annotations

import unicodedata
from email import message_from_bytes, policy
from random import Random

import idna

from paceline.delivery import Envelope, RenderError
from paceline.delivery.headers import mailbox
from paceline.domain.addresses import InvalidAddress, parse_address
from paceline.errors import InvalidInput
from tests.fuzz import alphabet
from tests.fuzz.hunting import Family, hold, pure

_LOCALS = (
    "ann",
    "a.b",
    "a+tag",
    "o'hara",
    "é",
    "用户",
    "a" * 64,
    "a" * 65,
    "_",
    "{x}",
    "a..b",
    ".a",
    "",
)
_DOMAINS = (
    *("x.org", "Sub.Example.COM", "bücher.example", "xn--bcher-kva.example", "xn--a.example"),
    *(
        "例え.jp",
        "faß.de",
        "localhost",
        "x",
        "x.1",
        "[127.0.0.1]",
        "[IPv6:::1]",
        "a_b.org",
        "-a.org",
    ),
    *("x.org.", "x..org", "ⅷ.org", "x。org", "a" * 63 + ".org", ("b" * 60 + ".") * 4 + "org", ""),
)
_WHOLES = (
    *(
        '"a\r\nRCPT TO:<v@x.org>"@x.org',
        '"a b"@x.org',
        '"a@b"@x.org',
        "a@x.org, v@x.org",
        "a@x.org;v@x.org",
    ),
    *(
        "Ann <a@x.org>",
        "<a@x.org>",
        "@hop.org:a@x.org",
        "a%b@x.org",
        "hop!a@x.org",
        "a(comment)@x.org",
    ),
    *(
        "a@x.org (c)",
        "a@x.org> SIZE=1",
        "a@x.org\r\nBcc: v@x.org",
        "a@x.org\0",
        "a@b@x.org",
        "mailto:a@x.org",
    ),
    *(
        "a@x.org\u202e",
        "a\u200b@x.org",
        "\ufeffa@x.org",
        "a@x\u00ad.org",
        "a＠x.org",
        "a@x.org\u00a0",
    ),
)


def make(dice: Random) -> str:
    """A plain one, an odd one or a spoiled one."""
    turn = dice.random()
    if turn < 0.15:
        return alphabet.text(dice, most=4)
    if turn < 0.4:
        return alphabet.spoiled(dice, dice.choice(_WHOLES), most=2)
    local = dice.choice((dice.choice(_LOCALS), f"user{dice.randrange(10**6)}"))
    address = f"{local}@{dice.choice(_DOMAINS)}"
    return address if turn < 0.75 else alphabet.spoiled(dice, address)


def judge(text: str) -> str:
    """Both doors: the one for what people type, and the envelope's own."""
    sent_to = _envelope(text)
    if sent_to is not None:
        _check_same(text, sent_to)
    try:
        address, key = parse_address(text)
    except InvalidAddress as refused:
        hold(str(refused).isprintable() and len(str(refused)) < 500, "a reason nobody can read")
        return "refused"
    # The same letters, composed (RFC 6532 §3.1 asks for that).
    _check_same(unicodedata.normalize("NFC", text.strip(" \t\u00a0")), address)
    hold(key == address.lower(), "is compared as something else")
    hold(_envelope(address) == address, "is taken, and cannot be sent to")
    hold(parse_address(address).address == address, "is another address when read again")
    _check_shown(address)
    return "plain" if address.isascii() else "international"


def _envelope(text: str) -> str | None:
    try:
        return Envelope(mail_from="news@example.com", rcpt_to=text).rcpt_to
    except InvalidInput as refused:
        [problem] = refused.problems
        hold(problem.field == "rcpt_to", f"blames {problem.field}")
        return None


def _check_same(given: str, address: str) -> None:
    """The address is the given one, its domain perhaps in its other form."""
    hold(address.count("@") == 1 and address.isprintable(), "more than one plain address")
    hold(not set(address) & set(' "<>(),;:\\[]'), "holds what ends an address")
    local, _, domain = address.partition("@")
    given_local, _, given_domain = given.rpartition("@")
    hold(local == given_local, f"its local part became {local!a}")
    hold(len(local.encode()) <= 64 and len(address.encode()) <= 254, "is too long")
    hold(domain.isascii() and ".." not in f".{domain}.", "its domain is none")
    if given_domain.isascii():
        hold(domain.lower() == given_domain.lower(), f"its domain became {domain!a}")
    else:
        wanted = idna.encode(given_domain.lower(), uts46=True).decode("ascii")
        hold(domain == wanted, f"its domain became {domain!a}")


def _check_shown(address: str) -> None:
    """A reader of the header finds this one address."""
    try:
        line = mailbox("To", None, address)
    except RenderError:
        hold(False, "is taken, and cannot be put in a header")
    hold(line == f"To: {address}\r\n", "is shown as something else")
    if address.isascii():
        [found] = message_from_bytes(line.encode() + b"\r\n", policy=policy.SMTP)["To"].addresses
        hold(found.addr_spec == address and not found.display_name, "is read as something else")


ADDRESSES = Family(
    name="addresses",
    cases=15_000,
    outcomes=frozenset({"refused", "plain", "international"}),
    make=make,
    open=pure(judge),
)
