from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.delivery import Envelope
from paceline.domain.addresses import Address, InvalidAddress, parse_address

ACCEPTED = [
    ("ann@example.com", "ann@example.com", "ann@example.com"),
    ("Ann.Lee@Example.COM", "Ann.Lee@example.com", "ann.lee@example.com"),
    ("  ann@example.com\t", "ann@example.com", "ann@example.com"),
    ("ann+news@example.com", "ann+news@example.com", "ann+news@example.com"),
    ("o'brien@example.ie", "o'brien@example.ie", "o'brien@example.ie"),
    ("a@x.test", "a@x.test", "a@x.test"),
    ("root@localhost", "root@localhost", "root@localhost"),
    ("a@intranet.local", "a@intranet.local", "a@intranet.local"),
    ("a@1and1.com", "a@1and1.com", "a@1and1.com"),
    ("a@BÜCHER.de", "a@xn--bcher-kva.de", "a@xn--bcher-kva.de"),
    ("a@xn--bcher-kva.de", "a@xn--bcher-kva.de", "a@xn--bcher-kva.de"),
    ("a@пример.рф", "a@xn--e1afmkfd.xn--p1ai", "a@xn--e1afmkfd.xn--p1ai"),
    ("пример@x.org", "пример@x.org", "пример@x.org"),
    ("a@x．org", "a@x.org", "a@x.org"),  # a full-width dot names the same domain (UTS 46)
    ("a" * 64 + "@x.org", "a" * 64 + "@x.org", "a" * 64 + "@x.org"),
]

REFUSED = [
    ("", "empty"),
    ("   ", "empty"),
    ("ann", "no @"),
    ("@x.org", "something before the @"),
    ("ann@", "something after the @"),
    ("ann@gmail", "period"),
    ("ann@example.com\r\nBcc: eve@example.com", "line breaks"),
    ("ann@example.com\n", "line breaks"),
    ("ann\x00@example.com", "control characters"),
    ("ann@example.com\u2028", "line breaks"),
    ("a@x.org, b@y.org", "several"),
    ("a@x.org;b@y.org", "several"),
    ("a@b@c.org", "several"),
    ("Ann <ann@example.com>", "without a name"),
    ("<ann@example.com>", "without a name"),
    ("a%x.org@relay.org", "source routing"),
    ("relay.org!a@x.org", "source routing"),
    ('"a b"@x.org', "quoted"),
    ("a b@x.org", "SPACE"),
    ("a@[127.0.0.1]", "IP address"),
    ("a@127.0.0.1", "top-level domain"),
    ("a@x.y", "ends in"),
    ("a..b@x.org", "two periods"),
    (".a@x.org", "start with a period"),
    ("a@x.org.", "end with a period"),
    ("a@-x.org", "hyphen"),
    ("a@x_y.org", "invalid characters"),
    ("a@ab--c.org", "dashes"),
    ("a@xn--a.org", "IDNA"),
    ("a\u200b@x.org", "ZERO WIDTH SPACE"),
    ("a" * 65 + "@x.org", "longer than"),
    ("a@" + "b" * 64 + ".org", "too|many"),
    ("a@" + ".".join(["b" * 60] * 5) + ".org", "longer than"),
]


@pytest.mark.parametrize(("typed", "address", "key"), ACCEPTED)
def test_an_address_is_stored_as_it_will_be_sent_to(typed: str, address: str, key: str) -> None:
    assert parse_address(typed) == Address(address, key)


@pytest.mark.parametrize(("typed", "reason"), REFUSED)
def test_what_is_not_one_plain_address_is_refused_with_a_reason(typed: str, reason: str) -> None:
    with pytest.raises(InvalidAddress, match=reason) as refused:
        parse_address(typed)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("typed", [address for _, address, _ in ACCEPTED])
def test_an_accepted_address_fits_the_envelope_as_it_stands(typed: str) -> None:
    assert Envelope(mail_from=typed, rcpt_to=typed).rcpt_to == typed


@given(st.text(max_size=40) | st.from_regex(r"[a-zA-Z.%!+ü]{1,8}@[a-zA-Zü0-9.-]{1,20}"))
def test_whatever_is_typed_is_an_address_for_the_wire_or_is_refused(typed: str) -> None:
    try:
        parsed = parse_address(typed)
    except InvalidAddress:
        return
    assert Envelope(mail_from=parsed.address, rcpt_to=parsed.address).rcpt_to == parsed.address
    assert parse_address(parsed.address) == parsed
