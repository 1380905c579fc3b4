"""Signatures, read by dkimpy: what we sign must verify there, and what was changed must not."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.parser import BytesParser

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from dkim.canonicalization import Relaxed
from hypothesis import given
from hypothesis import strategies as st

from paceline.delivery import Headers
from paceline.delivery.dkim import (
    OVERSIGNED,
    DkimSigner,
    canonical_body,
    canonical_header,
)
from paceline.delivery.dkim_key import DkimAlgorithm, DkimKey
from paceline.delivery.mime import message
from paceline.delivery.wire import crlf_only
from paceline.errors import InvalidInput

DATE = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
HEADERS = Headers(
    from_address="ann@example.test",
    from_name="Ann",
    to_address="ben@example.test",
    message_id="<1@example.test>",
    date=DATE,
    boundary_seed="job 1",
)
WITH_LISTS = replace(
    HEADERS,
    reply_to="ann@example.test",
    extra=(
        ("List-Unsubscribe", "<https://example.test/u/1>, <mailto:u+1@example.test>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("X-Campaign", "Spring"),
    ),
)
KEYS = {algorithm: DkimKey.generate(algorithm) for algorithm in DkimAlgorithm}
SELECTOR, DOMAIN = "mail-2027", "example.test"
BODY = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r"), max_size=300)
LINES = st.lists(
    st.text(st.sampled_from("aé€=. \t<>"), max_size=90) | st.just("From me") | st.just(""),
    max_size=12,
).map("\n".join)
NAMES = st.text(st.characters(categories=("L", "Nd", "P", "Zs")), max_size=120)


@pytest.fixture(params=list(DkimAlgorithm))
def key(request: pytest.FixtureRequest) -> DkimKey:
    return KEYS[request.param]


def signer_of(key: DkimKey) -> DkimSigner:
    return DkimSigner(key, selector=SELECTOR, domain=DOMAIN)


def signed(key: DkimKey, content: bytes) -> bytes:
    return signer_of(key).sign(content, signed_at=DATE)


def dns_of(key: DkimKey) -> Callable[..., bytes]:
    record = key.dns_record(selector=SELECTOR, domain=DOMAIN)

    def answer(name: bytes, timeout: float = 5) -> bytes:
        assert name.decode().rstrip(".") == record.name
        return record.text.encode()

    return answer


def verifies(key: DkimKey, content: bytes) -> bool:
    verified: bool = dkim.verify(content, dnsfunc=dns_of(key), minkey=2048)
    return verified


def tags_of(content: bytes) -> dict[str, str]:
    field = content.partition(b"\r\nDate:")[0].decode().removeprefix("DKIM-Signature:")
    pairs = (tag.partition("=") for tag in re.sub(r"\s", "", field).split(";"))
    return {name: value for name, _, value in pairs}


def test_dkimpy_verifies_what_we_sign(key: DkimKey) -> None:
    content = message(WITH_LISTS, subject="Hello", text="Dear Ben\n", html="<p>Dear Ben</p>")
    assert verifies(key, signed(key, content))


@given(BODY | LINES, BODY | LINES, NAMES, st.sampled_from(DkimAlgorithm), st.booleans())
def test_whatever_we_write_verifies_also_after_relays_re_fold_it(
    text: str, html: str, name: str, algorithm: DkimAlgorithm, lists: bool
) -> None:
    key = KEYS[algorithm]
    headers = replace(WITH_LISTS if lists else HEADERS, from_name=name, to_name=name)
    content = signed(key, message(headers, subject=f"Re: {name}", text=text, html=html))
    assert verifies(key, content)
    assert verifies(key, refolded(content))
    assert verifies(key, b"Received: from us\r\n\tby them\r\n" + content + b" \r\n\r\n")


def refolded(content: bytes) -> bytes:
    """What relays may do under relaxed: longer and shorter lines, tabs, other capitals."""
    head, gap, body = content.partition(b"\r\n\r\n")
    fields = [
        re.sub(rb"\r\n[ \t]", rb"\r\n \t ", field).replace(b": ", b":\r\n\t", 1)
        for field in re.split(rb"\r\n(?![ \t])", head)
    ]
    capitals = [b"%b:%b" % (n.upper(), v) for n, _, v in (f.partition(b":") for f in fields)]
    return b"\r\n".join(capitals) + gap + body.replace(b" ", b" \t ").replace(b"\r\n", b" \r\n")


@pytest.mark.parametrize(
    "added",
    [
        b"From: Eve <eve@example.test>",
        b"To: eve@example.test",
        b"Subject: Pay Eve",
        b"Date: Sat, 14 Mar 2026 10:26:53 +0000",
        b"Reply-To: eve@example.test",
        b"Content-Type: text/html",
        b"List-Unsubscribe: <https://eve.test/>",
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    ],
)
@pytest.mark.parametrize("headers", [HEADERS, WITH_LISTS])
def test_a_field_that_matters_cannot_be_added(headers: Headers, added: bytes) -> None:
    key = KEYS[DkimAlgorithm.ED25519]
    content = signed(key, message(headers, subject="Hello", text="Dear Ben\n", html=None))
    head, gap, body = content.partition(b"\r\n\r\n")
    assert verifies(key, content)
    assert not verifies(key, added + b"\r\n" + content)
    assert not verifies(key, head + b"\r\n" + added + gap + body)


def test_the_body_and_the_fields_cannot_be_changed() -> None:
    key = KEYS[DkimAlgorithm.ED25519]
    content = signed(key, message(WITH_LISTS, subject="Hello", text="Dear Ben\n", html=None))
    for old, new in (
        (b"Dear Ben", b"Dear Eve"),
        (b"Subject: Hello", b"Subject: Hullo"),
        (b"/u/1", b"/u/2"),
        (b"<1@", b"<2@"),
        (b"7bit", b"8bit"),
    ):
        assert old in content
        assert not verifies(key, content.replace(old, new))
    assert not verifies(key, content + b"P.S. buy this\r\n")
    # What nobody acts on may come and go.
    assert verifies(key, content.replace(b"X-Campaign: Spring\r\n", b""))


def test_the_signature_names_what_it_covers_and_limits_nothing(key: DkimKey) -> None:
    tags = tags_of(signed(key, message(HEADERS, subject="Hello", text="Hi", html=None)))
    assert set(tags) == {"v", "a", "c", "d", "s", "t", "h", "bh", "b"}  # no l=
    assert tags["c"] == "relaxed/relaxed"
    assert tags["a"] == f"{key.algorithm}-sha256"
    assert (tags["d"], tags["s"], tags["t"]) == (DOMAIN, SELECTOR, str(int(DATE.timestamp())))
    names = tags["h"].split(":")
    assert {n: names.count(n) for n in ("from", "to", "subject", "date")} == dict.fromkeys(
        ("from", "to", "subject", "date"), 2
    )
    for absent in ("list-unsubscribe", "list-unsubscribe-post", "reply-to"):
        assert names.count(absent) == 1
    assert set(map(bytes.decode, OVERSIGNED)) < set(names)


def test_list_headers_are_covered_where_they_are(key: DkimKey) -> None:
    names = tags_of(signed(key, message(WITH_LISTS, subject="Hi", text="Hi", html=None)))["h"]
    assert names.split(":").count("list-unsubscribe") == 2
    assert names.split(":").count("list-unsubscribe-post") == 2


def test_the_same_message_gives_the_same_bytes(key: DkimKey) -> None:
    content = message(HEADERS, subject="Hello", text="Hi", html="<p>Hi</p>")
    kept = DkimKey.load(key.secret())
    assert signed(key, content) == signed(kept, content)


def test_the_signature_comes_first_and_the_message_after_it_is_untouched(key: DkimKey) -> None:
    content = message(WITH_LISTS, subject="Hello", text="Hi", html=None)
    whole = signed(key, content)
    assert whole.startswith(b"DKIM-Signature: v=1;")
    assert whole.endswith(content)
    field = whole.removesuffix(content)
    assert max(map(len, field.split(b"\r\n"))) <= 78
    assert not re.search(rb"[^\r]\n|\r[^\n]", field)
    assert BytesParser(policy=policy.default).parsebytes(whole).defects == []


def test_line_ends_are_signed_as_they_will_be_sent(key: DkimKey) -> None:
    bare = b"From: a@example.test\nSubject: x\n\none\rtwo  \n\n\n"
    whole = signed(key, bare)
    assert whole.endswith(b"\r\n\r\none\r\ntwo  \r\n\r\n\r\n")
    assert verifies(key, whole)


@pytest.mark.parametrize(
    "body", [b"", b"\r\n", b"\r\n\r\n \r\n\t\r\n", b"a", b" \t a \t \r\n \r\n"]
)
def test_empty_and_blank_bodies_verify(key: DkimKey, body: bytes) -> None:
    assert verifies(key, signed(key, b"From: a@example.test\r\n\r\n" + body))


@given(st.lists(st.sampled_from([b" ", b"\t", b"\r", b"\n", b"\r\n", b"a", b".", b"\xc3"])))
def test_bodies_of_blanks_and_line_ends_come_out_as_in_dkimpy(pieces: list[bytes]) -> None:
    body = crlf_only(b"".join(pieces))
    assert canonical_body(body) == Relaxed.canonicalize_body(body)


# RFC 6376 §3.4.5 and §3.4.4.


def test_the_examples_of_relaxed_canonicalization() -> None:
    assert canonical_header(b"A: X") == b"a:X"
    assert canonical_header(b"B : Y\t\r\n\tZ  ") == b"b:Y Z"
    assert canonical_body(b" C \r\nD \t E\r\n\r\n\r\n") == b" C\r\nD E\r\n"
    empty = base64.b64encode(hashlib.sha256(canonical_body(b"\r\n\r\n")).digest())
    assert empty == b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


# RFC 8463, appendix A.

RFC_8463_SEED = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
RFC_8463_RECORD = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
RFC_8463_SIGNATURE = (
    "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
)
RFC_8463_FIELD = b"""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b="""
RFC_8463_HEADER = b"""\
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>"""
RFC_8463_BODY = b"""\
Hi.

We lost the game.  Are you hungry yet?

Joe.
"""


def rfc_8463_key() -> DkimKey:
    return DkimKey(ed25519.Ed25519PrivateKey.from_private_bytes(base64.b64decode(RFC_8463_SEED)))


def test_the_example_of_rfc_8463_is_signed_to_the_octet() -> None:
    body = canonical_body(RFC_8463_BODY.replace(b"\n", b"\r\n"))
    body_hash = base64.b64encode(hashlib.sha256(body).digest())
    assert b"bh=" + body_hash in RFC_8463_FIELD
    fields = [*RFC_8463_HEADER.split(b"\n"), RFC_8463_FIELD.replace(b"\n", b"\r\n")]
    signature = rfc_8463_key().sign(b"\r\n".join(map(canonical_header, fields)))
    assert base64.b64encode(signature).decode() == RFC_8463_SIGNATURE


def test_the_key_of_rfc_8463_is_published_as_there() -> None:
    record = rfc_8463_key().dns_record(selector="brisbane", domain="football.example.com")
    assert record.name == "brisbane._domainkey.football.example.com"
    assert record.text == RFC_8463_RECORD
    assert record.value == f'"{RFC_8463_RECORD}"'


# Keys and records.


def test_an_rsa_record_is_cut_into_strings_that_a_zone_takes() -> None:
    record = KEYS[DkimAlgorithm.RSA].dns_record(selector=SELECTOR, domain=DOMAIN)
    assert [len(string) <= 255 for string in record.strings] == [True, True]
    assert "".join(re.findall(r'"([^"]*)"', record.value)) == record.text
    assert record.text.startswith("v=DKIM1; k=rsa; p=MII")


def test_each_key_has_a_selector_of_its_own(key: DkimKey) -> None:
    other = DkimKey.generate(DkimAlgorithm.ED25519)
    assert key.default_selector() == DkimKey.load(key.secret()).default_selector()
    assert key.default_selector() != other.default_selector()
    assert key.dns_record(selector=key.default_selector(), domain=DOMAIN).name.startswith("pl-")


@pytest.mark.parametrize(
    ("selector", "domain", "field"),
    [
        ("", DOMAIN, "selector"),
        ("a;d=eve.test", DOMAIN, "selector"),
        ("a\r\nBcc: eve@eve.test", DOMAIN, "selector"),
        ("UPPER", DOMAIN, "selector"),
        ("a" * 64, DOMAIN, "selector"),
        ("-a", DOMAIN, "selector"),
        (SELECTOR, "", "domain"),
        (SELECTOR, "exämple.test", "domain"),
        (SELECTOR, "example.test;", "domain"),
        (SELECTOR, ".".join(["a" * 50] * 5), "domain"),
    ],
)
def test_what_cannot_stand_in_a_header_is_refused(selector: str, domain: str, field: str) -> None:
    key = KEYS[DkimAlgorithm.ED25519]
    with pytest.raises(InvalidInput) as refused:
        DkimSigner(key, selector=selector, domain=domain)
    assert [problem.field for problem in refused.value.problems] == [field]
    with pytest.raises(InvalidInput):
        key.dns_record(selector=selector, domain=domain)


def test_a_key_never_shows_itself(key: DkimKey) -> None:
    secret = key.secret().splitlines()[1]
    assert secret not in repr(key) + str(key) + repr(signer_of(key))


def test_a_key_of_another_kind_is_no_key() -> None:
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    with pytest.raises(ValueError, match="neither"):
        DkimKey.load(other.decode())
