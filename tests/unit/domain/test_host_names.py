"""What a machine may call itself to a server."""

from __future__ import annotations

import pytest

from paceline.domain.host_names import address_literal, introduction, public_name


@pytest.mark.parametrize(
    "name",
    [
        "mail.example.com",
        "Mail.Example.COM",
        "a.b",
        "xn--bcher-kva.example.net",
        "vps-4f2a.provider.cloud",
        "localhost4you.example.org",
    ],
)
def test_a_name_that_the_world_may_know_is_used(name: str) -> None:
    assert public_name(name) == name
    assert public_name(name + ".") == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "localhost",
        "localhost.localdomain",
        "localhost4.localdomain4",
        "localhost.example.com",
        "laptop",
        "laptop.local",
        "LAPTOP.LOCAL",
        "laptop.lan",
        "laptop.home",
        "laptop.home.arpa",
        "laptop.fritz.box",
        "nas.localdomain",
        "ip-10-0-0-1.ec2.internal",
        "worker-0.workers.default.svc.cluster.local",
        "build.corp",
        "box.intranet",
        "machine.test",
        "machine.invalid",
        "machine.example",
        "4f2ab34c5d6e",
        "4f2ab34c5d6e.docker",
        "4f2ab34c5d6e.example.com",
        "1.0.0.127.in-addr.arpa",
        "10.1.2.3",
        "under_score.example.com",
        "-dash.example.com",
        "über.example.com",
        "a..example.com",
        "a" * 64 + ".example.com",
        "host.",
    ],
)
def test_a_name_that_only_this_machine_or_house_knows_is_none(name: str) -> None:
    assert public_name(name) is None


@pytest.mark.parametrize(
    ("address", "literal"),
    [
        ("192.0.2.1", "[192.0.2.1]"),
        ("2001:db8::1", "[IPv6:2001:db8::1]"),
        ("fe80::1%eth0", "[IPv6:fe80::1]"),
        ("::ffff:192.0.2.1", "[192.0.2.1]"),
    ],
)
def test_an_address_stands_in_brackets(address: str, literal: str) -> None:
    assert address_literal(address) == literal


@pytest.mark.parametrize(
    "text", ["mail.example.com", "relay.corp", "[192.0.2.1]", "[IPv6:2001:db8::1]"]
)
def test_a_chosen_name_may_be_one_that_only_their_server_knows(text: str) -> None:
    assert introduction(text) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mail", "full host name such as"),
        ("localhost", "full host name such as"),
        ("localhost.localdomain", "servers refuse"),
        ("localhost.example.com", "servers refuse"),
        ("foo.local", "servers refuse"),
        ("BOX.LAN.", "servers refuse"),
        ("x.internal", "servers refuse"),
        ("mail example.com", "full host name such as"),
        ("mail.example.com:25", "full host name such as"),
        ("https://mail.example.com", "full host name such as"),
        ("post@example.com", "full host name such as"),
        ("büro.example.com", "ASCII form"),
        ("192.0.2.1", r"\[192\.0\.2\.1\]"),
        ("[2001:db8::1]", r"\[IPv6:2001:db8::1\]"),
        ("2001:db8::1", r"\[IPv6:2001:db8::1\]"),
        ("[IPv6:192.0.2.1]", "an address such as"),
        ("[300.0.2.1]", "an address such as"),
        ("a.example.com\r\nRCPT TO:<x@y.z>", "full host name such as"),
    ],
)
def test_a_chosen_name_that_is_none_is_refused_with_what_to_write(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        introduction(text)
