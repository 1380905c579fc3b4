"""Which addresses are public, and which hosts are refused before anything is asked."""

from __future__ import annotations

import ipaddress

import pytest

from paceline.delivery.hosts import (
    is_private,
    is_public,
    may_be_private,
    refuse_destination,
    resolve,
)
from paceline.errors import InvalidInput

PRIVATE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.169.254",
    "168.63.129.16",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "200::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "142.250.27.108",
    "2a00:1450:4025:401::6c",
    "2606:4700:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
    "172.32.0.1",
    "100.128.0.1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_address_of_our_own_networks_is_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_mail_servers_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("host", "port", "field"),
    [
        ("smtp.example.com", 22, "port"),
        ("smtp.example.com", 6379, "port"),
        ("127.0.0.1", 25, "host"),
        ("::1", 587, "host"),
        ("169.254.169.254", 25, "host"),
    ],
)
def test_a_bad_destination_is_refused_by_field_before_the_network_is_asked(
    host: str, port: int, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        refuse_destination(host, port, allow_private=False)
    assert refused.value.problems[0].field == field
    refuse_destination(host, port, allow_private=True)


@pytest.mark.parametrize("port", [25, 465, 587, 2525])
def test_the_ports_of_mail_are_open(port: int) -> None:
    refuse_destination("smtp.example.com", port, allow_private=False)


@pytest.mark.parametrize("host", ["localhost", "0", "127.1", "0x7f000001", "2130706433"])
async def test_a_name_for_our_own_machine_is_refused_however_it_is_spelt(host: str) -> None:
    with pytest.raises(InvalidInput, match="leads to what is not a public address") as refused:
        await resolve(host, 25, allow_private=False)
    assert "127.0.0.1" not in str(refused.value)  # who asks may be a stranger in our network


@pytest.mark.parametrize(
    ("host", "may"),
    [("127.0.0.1", True), ("10.1.2.3", True), ("mail.example.com", True), ("198.51.100.7", True),
     ("8.8.8.8", False), ("2606:4700::1111", False)],
)  # fmt: skip
def test_an_address_of_the_internet_cannot_be_in_a_network_of_our_own(host: str, may: bool) -> None:
    assert may_be_private(host) is may


@pytest.mark.parametrize(
    ("address", "private"),
    [("127.0.0.1", True), ("fe80::1%eth0", True), ("8.8.8.8", False), ("::ffff:8.8.8.8", False)],
)
def test_a_connection_is_private_by_the_address_that_it_leads_to(
    address: str, private: bool
) -> None:
    assert is_private(address) is private
