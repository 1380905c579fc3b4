"""Family `dkim`: selectors, domains, keys and messages that a signature has to survive.

The judge canonicalises by RFC 6376's own words, with none of the product's code, and verifies with
the public key as it would be read from the DNS record.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from paceline.delivery import DkimAlgorithm, DkimKey, DkimSigner
from paceline.errors import InvalidInput
from tests.fuzz import alphabet
from tests.fuzz.hunting import Family, Judge, hold

SIGNED_AT = datetime(2027, 1, 1, tzinfo=UTC)
_SELECTORS = (
    "mail-2027",
    "s1",
    "a.b",
    "A",
    "a b",
    "a;b",
    "a\r\nb",
    "é",
    "-a",
    "x" * 64,
    "",
    "a..b",
    "_a",
)
_DOMAINS = (
    "example.com",
    "xn--bcher-kva.example",
    "x",
    "Example.com",
    "x.org.",
    "x;d=y",
    "[1]",
    "a b",
    "x" * 250,
)
_HEADERS = (
    *(
        b"From: Ann <a@x.org>",
        b"from:b@x.org",
        b"To: b@x.org,\r\n c@x.org",
        b"Subject:  a \t b ",
        b"Subject:",
    ),
    *(
        b"Date: Fri, 1 Jan 2027 00:00:00 +0000",
        b"X-Other: x",
        b"Received: y\r\n\tz",
        b"MIME-Version: 1.0",
    ),
    *(
        b"Content-Type: text/plain;\r\n  charset=utf-8",
        b"DKIM-Signature: v=1; b=x",
        b"Message-ID : <1@x>",
    ),
    *(b"List-Unsubscribe: <mailto:u@x>", b"Subject: \xc3\xa9\xff", b"References: <1@x>\r\n <2@x>"),
)
_BODIES = (
    b"",
    b"\r\n",
    b"\r\n\r\n\r\n",
    b"a",
    b" ",
    b"\t \r\n",
    b"a \r\n",
    b" a\tb  c\r\n",
    b".\r\n",
    b"\n",
    b"\r",
    b"\0\xff",
    b"\x0c\r\n",
)
_SECRETS = (
    *("", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "\0", "é"),
    *("-----BEGIN EC PRIVATE KEY-----\n-----END EC PRIVATE KEY-----", "-----BEGIN PUBLIC KEY-----"),
)


@dataclass(frozen=True)
class Case:
    selector: str
    domain: str
    content: bytes
    secret: str | None = None


def make(dice: Random) -> Case:
    """A message to sign under some name, or a key that is none."""
    selector, domain = dice.choice(_SELECTORS), dice.choice(_DOMAINS)
    if dice.random() < 0.6:
        selector, domain = dice.choice(_SELECTORS[:3]), dice.choice(_DOMAINS[:3])
    if dice.random() < 0.1:
        selector = alphabet.spoiled(dice, selector, most=1)
    if dice.random() < 0.1:
        domain = alphabet.spoiled(dice, domain, most=1)
    head = b"\r\n".join(dice.choice(_HEADERS) for _ in range(dice.randint(1, 8)))
    body = b"".join(dice.choice(_BODIES) for _ in range(dice.randint(0, 8)))
    content = head + b"\r\n\r\n" + body if dice.random() < 0.95 else head
    secret = None
    if dice.random() < 0.1:
        whole = _key().secret()
        secret = alphabet.spoiled(dice, dice.choice((*_SECRETS, whole, whole)), most=2)
    return Case(selector, domain, content, secret)


@functools.cache
def _key() -> DkimKey:
    return DkimKey.load(
        "-----BEGIN PRIVATE KEY-----\n"
        "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
        "-----END PRIVATE KEY-----\n"
    )


@contextlib.contextmanager
def _opened() -> Iterator[Judge]:
    record = _key().dns_record(selector="s", domain="x.org").text
    tags = dict(tag.strip().split("=", 1) for tag in record.split(";"))
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(tags["p"]))
    yield lambda case: _judge(case, public)


def _judge(case: Case, public: Ed25519PublicKey) -> str:
    if case.secret is not None:
        return _judge_secret(case.secret)
    try:
        signer = DkimSigner(_key(), selector=case.selector, domain=case.domain)
    except InvalidInput as refused:
        [problem] = refused.problems
        given = {"selector": case.selector, "domain": case.domain}[problem.field]
        hold(not re.fullmatch(r"[a-z0-9]{1,63}(?:\.[a-z]{2,63})?", given), f"refused {given!a}")
        return "refused"
    content = re.sub(rb"\r\n|\r|\n", b"\r\n", case.content)
    content += b"" if content.endswith(b"\r\n") else b"\r\n"
    signed = signer.sign(case.content, signed_at=SIGNED_AT)
    hold(signed == signer.sign(case.content, signed_at=SIGNED_AT), "is not the same twice")
    hold(signed.endswith(content), "changed what it signs")
    _verify(signed[: -len(content)], content, case, public)
    return "signed"


def _verify(field: bytes, content: bytes, case: Case, public: Ed25519PublicKey) -> None:
    hold(
        field.endswith(b"\r\n") and not re.search(rb"\r\n(?![ \t])", field[:-2]), "is not one field"
    )
    unfolded = re.sub(rb"\r\n(?=[ \t])", b"", field[:-2])
    name, _, value = unfolded.partition(b":")
    tags = dict(_tag(tag) for tag in value.decode("ascii").split(";"))
    hold(name == b"DKIM-Signature", "is another field")
    hold((tags["d"], tags["s"]) == (case.domain, case.selector), "names another key")
    hold(tags["c"] == "relaxed/relaxed" and "l" not in tags, "is of another kind")
    head, _, body = content.partition(b"\r\n\r\n")
    digest = hashlib.sha256(_relaxed_body(body)).digest()
    hold(base64.b64decode(tags["bh"]) == digest, "the hash is of another body")
    unsigned = re.sub(rb"(?<=[ ;]b=)[^;]*$", b"", unfolded)
    lines = [*_chosen(head, tags["h"].lower().split(":")), _relaxed(unsigned)]
    try:
        public.verify(base64.b64decode(tags["b"]), hashlib.sha256(b"\r\n".join(lines)).digest())
    except InvalidSignature:
        hold(False, "does not verify")
    for always in ("from", "subject", "to"):
        present = sum(_name(line) == always for line in _fields(head))
        hold(tags["h"].lower().split(":").count(always) == present + 1, f"another {always} fits in")


def _tag(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip(), re.sub(r"\s", "", value)


def _fields(head: bytes) -> list[bytes]:
    return re.split(rb"\r\n(?![ \t])", head.removesuffix(b"\r\n"))


def _name(field: bytes) -> str:
    return field.partition(b":")[0].strip(b" \t").lower().decode("latin-1")


def _chosen(head: bytes, names: list[str]) -> list[bytes]:
    """RFC 6376 §5.4.2: from the bottom up, and nothing for those that are not there."""
    left, lines = _fields(head), []
    for name in names:
        at = max((i for i, field in enumerate(left) if _name(field) == name), default=None)
        if at is not None:
            lines.append(_relaxed(left.pop(at)))
    return lines


def _relaxed(field: bytes) -> bytes:
    name, _, value = field.partition(b":")
    value = re.sub(rb"[ \t]+", b" ", re.sub(rb"\r\n(?=[ \t])", b"", value))
    return name.strip(b" \t").lower() + b":" + value.strip(b" ")


def _relaxed_body(body: bytes) -> bytes:
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def _judge_secret(secret: str) -> str:
    try:
        key = DkimKey.load(secret)
    except ValueError:
        return "no key"
    hold(
        key.algorithm in DkimAlgorithm and DkimKey.load(key.secret()).secret() == key.secret(),
        "loaded",
    )
    return "a key"


DKIM = Family(
    name="dkim",
    cases=6_000,
    outcomes=frozenset({"refused", "signed", "no key"}),
    make=make,
    open=_opened,
)
