"""What `up` decides before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from paceline.cli.plan import Plan
from paceline.home import Home
from paceline.settings import Settings


def planned(tmp_path: Path, **env: str) -> Plan:
    given = {"DEVINBOX_PORT": "39919", **env}
    return Plan.made(
        Settings.from_environment(given), Home(tmp_path), given, workers=1, sample=False
    )


@pytest.mark.parametrize(
    ("env", "allowed"),
    [
        ({}, True),
        ({"PACELINE_HOST": "0.0.0.0"}, False),
        # Behind a proxy it listens on this machine alone, and everybody reaches it.
        ({"BASE_URL": "https://mail.example.com"}, False),
        ({"BASE_URL": "https://mail.example.com", "ALLOW_PRIVATE_HOSTS": "yes"}, True),
        ({"ALLOW_PRIVATE_HOSTS": "no"}, False),
    ],
)
def test_private_smtp_hosts_are_open_by_default_on_a_laptop_alone(
    env: dict[str, str], allowed: bool, tmp_path: Path
) -> None:
    assert planned(tmp_path, **env).allow_private_hosts is allowed
