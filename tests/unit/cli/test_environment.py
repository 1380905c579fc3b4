"""Where settings come from."""

from __future__ import annotations

import os
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from paceline.cli.environment import load_dotenv, parse_dotenv, settings_of
from paceline.cli.zone import local_zone
from paceline.errors import NotFound, SettingsError
from paceline.home import Home, Running


def test_a_dotenv_file_is_read_like_a_shell_would() -> None:
    text = """
    # a comment
    PORT=4000
    export BASE_URL = "https://mail.example.com"   # another
    GOOGLE_CLIENT_ID='a # b'
    ADMINS=
    """
    assert parse_dotenv(text, source=".env") == {
        "PORT": "4000",
        "BASE_URL": "https://mail.example.com",
        "GOOGLE_CLIENT_ID": "a # b",
        "ADMINS": "",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("LD_PRELOAD=/tmp/evil.so", "line 1: unknown setting LD_PRELOAD"),
        ("PORT=1\njust words", "line 2: expected NAME=value"),
        ("PORT='1", "No closing quotation"),
    ],
)
def test_a_dotenv_line_that_is_no_setting_stops_the_start(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse_dotenv(text, source=".env")


def test_the_environment_goes_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("PORT=4000\nDEVINBOX_PORT=2025\n")
    monkeypatch.setenv("PORT", "5000")
    monkeypatch.setenv("DEVINBOX_PORT", "")
    monkeypatch.delenv("DEVINBOX_PORT")
    load_dotenv(tmp_path / ".env")
    assert os.environ["PORT"] == "5000"
    assert os.environ["DEVINBOX_PORT"] == "2025"
    monkeypatch.delenv("DEVINBOX_PORT")


def test_the_file_of_another_program_is_passed_over_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_text("APP_NAME=Laravel\nLD_PRELOAD=/tmp/evil.so\nnot even a line\n")
    load_dotenv(tmp_path / ".env")
    said = " ".join(capsys.readouterr().err.split())
    assert "none of Paceline's settings, and is passed over" in said
    assert "APP_NAME" not in os.environ
    assert os.environ.get("LD_PRELOAD") != "/tmp/evil.so"


def test_one_that_has_some_of_our_names_is_refused_with_the_way_to_pass_over_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("PORT=3000\nAPP_NAME=shop\n")
    with pytest.raises(
        SettingsError, match=r"line 2: unknown setting APP_NAME; .*PACELINE_ENV_FILE="
    ):
        load_dotenv(tmp_path / ".env")
    monkeypatch.setenv("PACELINE_ENV_FILE", "")
    load_dotenv(tmp_path / ".env")
    assert os.environ.get("PORT") != "3000"
    monkeypatch.setenv("PACELINE_ENV_FILE", str(tmp_path / "none.env"))
    with pytest.raises(SettingsError, match="there is no file"):
        load_dotenv(tmp_path / ".env")


def test_a_home_that_is_named_goes_before_the_environment(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.create()
    env = {"DATABASE_URL": "postgresql://elsewhere/x", "REDIS_HOST": "elsewhere"}
    assert settings_of(None, env).database.url == "postgresql://elsewhere/x"
    with pytest.raises(NotFound, match="nothing runs on"):
        settings_of(tmp_path, env)
    home.announce(
        Running(
            pid=os.getpid(),
            url="http://localhost:4000",
            database_url="postgresql://here/x",
            redis_url="redis://here",
            devinbox_port=2025,
        )
    )
    settings = settings_of(tmp_path, env)
    assert settings.database.url == "postgresql://here/x"
    assert settings.redis.url == "redis://here"
    assert settings.api.base_url == "http://localhost:4000"
    assert len(settings.secrets.key) == 32


def test_the_local_zone_is_found_by_name(tmp_path: Path) -> None:
    assert local_zone({"TZ": ":Asia/Tokyo"}, tmp_path) == ZoneInfo("Asia/Tokyo")
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/Europe/Vienna")
    assert local_zone({}, tmp_path) == ZoneInfo("Europe/Vienna")
    (tmp_path / "localtime").unlink()
    (tmp_path / "timezone").write_text("America/New_York\n")
    assert local_zone({}, tmp_path) == ZoneInfo("America/New_York")


def test_without_a_name_the_local_offset_must_do(tmp_path: Path) -> None:
    assert local_zone({"TZ": "no such zone"}, tmp_path) is not None
