"""What `up` decides before anything starts."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from paceline.cli.plan import Plan
from paceline.errors import SettingsError
from paceline.home import Home
from paceline.settings import Settings

KEY = base64.b64encode(b"k" * 32).decode()


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


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({"DEVINBOX_PORT": "3001"}, "PORT and DEVINBOX_PORT both lead to port 3001"),
        ({"PACELINE_HEALTH_PORT": "3000"}, "PORT and PACELINE_HEALTH_PORT both lead to port 3001"),
        ({"PACELINE_HEALTH_PORT": "39919"}, "DEVINBOX_PORT and PACELINE_HEALTH_PORT both lead"),
    ],
)
def test_one_port_for_two_parts_is_told_before_either_listens(
    env: dict[str, str], told: str, tmp_path: Path
) -> None:
    given = {"DEVINBOX_PORT": "39919", **env}
    with pytest.raises(SettingsError, match=told):
        Plan.made(Settings.from_environment(given), Home(tmp_path), given, workers=2, sample=False)


def test_each_worker_answers_health_checks_on_a_port_of_its_own(tmp_path: Path) -> None:
    plan = planned(tmp_path, PACELINE_HEALTH_PORT="4100")
    ports = [
        plan.command("worker", component=f"worker-{n}").env["PACELINE_HEALTH_PORT"] for n in (1, 2)
    ]
    assert ports == ["4100", "4101"]


def test_processes_that_open_nothing_are_given_no_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {
        "GOOGLE_CLIENT_ID": "id",
        "GOOGLE_CLIENT_SECRET": "hush-1",
        "ETHEREAL_PASS": "hush-2",
    }
    secrets |= {"ETHEREAL_EMAIL": "ada@example.com", "ETHEREAL_PASS": "hush too"}
    secrets["PACELINE_SECRET_KEY"] = KEY
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    plan = planned(tmp_path, **secrets)
    servers = [plan.postgres.command(), plan.redis.command()]
    ours = [plan.command(name, component=name) for name in ("devinbox", "migrate")]
    for command in (*servers, *ours):
        given = " ".join(command.options(None)["env"].values())
        assert "hush" not in given
        assert KEY not in given
    assert (
        plan.command("worker", component="worker").options(None)["env"]["PACELINE_SECRET_KEY"]
        == KEY
    )
