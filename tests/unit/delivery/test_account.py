"""Accounts and envelopes: taken as they stand, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from paceline.delivery import Account, Auth, Envelope, Security
from paceline.errors import InvalidInput

GOOD: dict[str, Any] = {
    "host": "smtp.example.com",
    "port": 587,
    "security": Security.STARTTLS,
    "username": "ann",
    "password": "secret",
    "helo_name": "mail.example.com",
}


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(Account(**GOOD))


def test_a_token_of_any_length_that_fits_one_line_is_taken_and_not_shown() -> None:
    token = "ya29.a-Z_0~+/" * 300 + "=="
    account = Account(**GOOD | {"auth": Auth.XOAUTH2, "password": token})
    assert "ya29" not in repr(account)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"password": "two words"}, "password"),
        ({"password": "tökén"}, "password"),
        ({"password": "a=b"}, "password"),
        ({"password": "="}, "password"),
        ({"password": "a\x01auth=Bearer b"}, "password"),
        ({"password": "a" * 4097}, "password"),
        ({"username": "a\x01auth=Bearer b"}, "username"),
        ({"username": None, "password": None}, "username"),
        ({"password": None}, "password"),
    ],
)
def test_what_is_no_token_is_refused_by_name(values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Account(**GOOD | {"auth": Auth.XOAUTH2} | values)
    assert [problem.field for problem in refused.value.problems] == [field]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "a-b.test.", "xn--bcher.test"])
def test_hosts_of_all_kinds_are_taken(host: str) -> None:
    assert Account(**GOOD | {"host": host}).host == host


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", ""),
        ("host", "a b"),
        ("host", "a\r\nb"),
        ("host", "http://a"),
        ("host", "a" * 254),
        ("port", 0),
        ("port", 65536),
        ("helo_name", "a\r\nMAIL FROM:<x@y>"),
        ("helo_name", "über"),
        ("username", ""),
        ("username", "a\0b"),
        ("username", "half \ud800"),
        ("password", "a\r\nb"),
        ("password", "\udcff"),
        ("password", "x" * 5000),
        ("username", None),
        ("password", None),
    ],
)
def test_what_cannot_go_on_the_wire_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        Account(**GOOD | {field: value})
    assert [problem.field for problem in refused.value.problems] == [field]
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "a@b.test",
        "first.last+tag@sub.example.com",
        "!#$%&'*+/=?^_`{|}~-@x.test",
        "a@localhost",
        "x" * 64 + "@x.test",
        "jürgen@x.test",
        "用户@x.test",
    ],
)
def test_a_plain_address_is_taken_as_it_stands(address: str) -> None:
    envelope = Envelope(mail_from="a@b.test", rcpt_to=address)
    assert envelope.rcpt_to == address
    assert envelope.needs_smtp_utf8 is not address.isascii()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "@x.test",
        "a@",
        "a@b@c.test",
        "a b@x.test",
        "a@x .test",
        " a@x.test",
        "a@x.test ",
        "a@x.test\r\n",
        "a@x.test\n",
        "a\r\nRCPT TO:<b@x.test>@x.test",
        '"x\r\ny"@x.test',
        '"quoted"@x.test',
        "b@x.test, v@y.test",
        "b@x.test,v@y.test",
        "b@x.test>,<v@y.test",
        "<a@x.test>",
        "Ann <a@x.test>",
        "a\0@x.test",
        "a\x7f@x.test",
        "a@x.test>",
        "a@x.test> SIZE=1",
        "a..b@x.test",
        ".a@x.test",
        "a.@x.test",
        "a@x..test",
        "a@-x.test",
        "a@x-.test",
        "a@[127.0.0.1]",
        "a@x_y.test",
        "a\u2028@x.test",
        "a\u200b@x.test",
        "a\u202e@x.test",
        "ä\u00a0b@x.test",
        "a\ud800@x.test",
        "a@ex\u2028ample.test",
        "a@☃\u200d.test",
        "a@bücher..test",
        "a＠x.test",
        "x" * 65 + "@x.test",
        "ü" * 33 + "@x.test",
        "a@" + "x" * 64 + ".test",
        "a@" + ".".join(["x" * 60] * 5),
    ],
)
@pytest.mark.parametrize("field", ["mail_from", "rcpt_to"])
def test_anything_but_one_plain_address_is_refused_never_repaired(address: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Envelope(**{"mail_from": "a@b.test", "rcpt_to": "a@b.test"} | {field: address})
    [problem] = refused.value.problems
    assert problem.field == field
    assert problem.message.isprintable()


def test_an_international_domain_travels_as_its_a_label() -> None:
    envelope = Envelope(mail_from="a@BÜCHER.example", rcpt_to="a@例え.テスト")
    assert envelope.mail_from == "a@xn--bcher-kva.example"
    assert envelope.rcpt_to == "a@xn--r8jz45g.xn--zckzah"
    assert not envelope.needs_smtp_utf8
