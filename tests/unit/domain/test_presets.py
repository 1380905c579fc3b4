"""What is known of the usual providers."""

from __future__ import annotations

import pytest

from paceline.delivery import Account, Auth, Security
from paceline.domain.presets import PRESETS, guess, preset_for_host, preset_of


def test_each_can_be_filled_in_as_it_stands() -> None:
    for preset in PRESETS:
        for host in preset.hosts:
            Account(host=host, port=preset.port, security=Security(preset.security))
        assert Auth(preset.auth)
        assert preset.name
        assert preset.user_name
        assert preset.credential
        assert preset.credential_url is None or preset.credential_url.startswith("https://")
        assert preset.auth == "password" or preset.token_endpoint


def test_keys_are_their_own() -> None:
    keys = [preset.key for preset in PRESETS]
    assert len(set(keys)) == len(keys)
    assert all(preset_of(key) for key in keys)
    assert preset_of("nobody") is None


@pytest.mark.parametrize(
    ("address", "exchangers", "key"),
    [
        ("ann@gmail.com", (), "gmail"),
        ("Ann@GoogleMail.com", (), "gmail"),
        ("ann@hotmail.com", (), "outlook"),
        ("ann@ethereal.email", (), "ethereal"),
        ("ann@corp.example", ("ASPMX.L.google.com.",), "google-workspace"),
        ("ann@corp.example", ("corp-example.mail.protection.outlook.com",), "microsoft-365"),
        ("ann@corp.example", ("mx.corp.example", "google.com.evil.example"), None),
        ("ann@notgmail.com", (), None),
        ("", (), None),
    ],
)
def test_where_an_address_is_at_home(
    address: str, exchangers: tuple[str, ...], key: str | None
) -> None:
    found = guess(address, exchangers)
    assert (found.key if found else None) == key


def test_a_region_chooses_the_server() -> None:
    ses = preset_of("amazon-ses")
    assert ses is not None
    assert ses.host_in("eu-central-1") == "email-smtp.eu-central-1.amazonaws.com"
    with pytest.raises(ValueError, match="eu-west-1"):
        ses.host_in("moon-1")


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("SMTP.gmail.com.", "gmail"),
        ("email-smtp.eu-west-1.amazonaws.com", "amazon-ses"),
        ("smtp.eu.mailgun.org", "mailgun"),
        ("mail.example.com", None),
        ("", None),
    ],
)
def test_a_server_tells_whose_it_is(host: str, key: str | None) -> None:
    found = preset_for_host(host)
    assert (found.key if found else None) == key
