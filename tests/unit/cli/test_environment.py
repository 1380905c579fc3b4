"""Where settings come from."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from paceline.cli import environment as module
from paceline.cli.environment import load_dotenv, load_secrets, origin_of, parse_dotenv, settings_of
from paceline.cli.zone import local_zone
from paceline.errors import NotFound, SettingsError
from paceline.home import Home, Running
from paceline.settings.tls_files import refuse_unusable_authority


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


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """One whose changes, also those of the code, end with the test."""
    monkeypatch.setattr(module, "_strangers", {})
    monkeypatch.setattr(module, "_origins", {})
    for name in ("DATABASE_URL", "REDIS_URL", "PORT", "PACELINE_HOME", "GOOGLE_CLIENT_SECRET"):
        for each in (name, f"{name}_FILE"):
            monkeypatch.setenv(each, "")
            monkeypatch.delenv(each)
    return monkeypatch


@pytest.mark.parametrize(("before", "after"), [("", "\n"), ("\ufeff", "\r\n"), (" ", "\n\n")])
def test_a_secret_may_be_in_a_file_of_its_own(
    before: str, after: str, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "database_url"
    secret.write_bytes(f"{before}postgresql://ada:s3cret@db/mail{after}".encode())
    environment.setenv("DATABASE_URL_FILE", str(secret))
    load_secrets()
    assert os.environ["DATABASE_URL"] == "postgresql://ada:s3cret@db/mail"
    assert os.environ["DATABASE_URL_FILE"] == ""  # what we start looks for no file
    assert origin_of("DATABASE_URL") == f"read from {secret}"


def test_a_file_that_the_environment_names_goes_before_a_value_in_dotenv_and_the_other_way_round(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("from a file")
    (tmp_path / ".env").write_text(
        f"GOOGLE_CLIENT_SECRET=x\nDATABASE_URL_FILE={tmp_path / 'none'}\n"
    )
    environment.setenv("GOOGLE_CLIENT_SECRET_FILE", str(tmp_path / "secret"))
    environment.setenv("DATABASE_URL", "postgresql://db/mail")
    load_dotenv(tmp_path / ".env")
    load_secrets()
    assert os.environ["GOOGLE_CLIENT_SECRET"] == "from a file"
    assert os.environ["DATABASE_URL"] == "postgresql://db/mail"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "DATABASE_URL_FILE: {} cannot be read: no such file or directory"),
        (b" \n", "DATABASE_URL_FILE: {} is empty"),
        (b"s3cr\xfft", "DATABASE_URL_FILE: {} is not UTF-8 text"),
        (b"s3cret\0", "DATABASE_URL_FILE: {} is not UTF-8 text"),
        (b"s3cret" * 20_000, "DATABASE_URL_FILE: {} is larger than 64 KiB"),
        (
            b"s3cret\n# of Monday\n",
            "DATABASE_URL_FILE: {} has more than one line: it is the value alone",
        ),
    ],
)
def test_a_file_of_a_secret_that_is_none_stops_the_start_and_is_not_repeated(
    content: bytes | None, message: str, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    environment.setenv("DATABASE_URL_FILE", str(file))
    with pytest.raises(SettingsError) as refused:
        load_secrets()
    assert str(refused.value) == message.format(file)


def pipe(place: Path) -> Path:
    os.mkfifo(place / "pipe")  # nobody writes into it: who opens it waits for ever
    return place / "pipe"


def folder(place: Path) -> Path:
    (place / "folder").mkdir()
    return place / "folder"


def enormous(place: Path) -> Path:
    with (place / "enormous").open("wb") as file:
        file.truncate(1 << 30)
    return place / "enormous"


def loop(place: Path) -> Path:
    (place / "loop").symlink_to(place / "loop")
    return place / "loop"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (pipe, "{} is no ordinary file"),
        (folder, "{} is no ordinary file"),
        (lambda _: Path("/dev/zero"), "{} is no ordinary file"),
        (lambda _: Path("/dev/null"), "{} is no ordinary file"),
        (enormous, "{} is larger than 64 KiB"),
        (loop, "{} cannot be read: too many levels of symbolic links"),
        (lambda place: place / ("x" * 300), "{} cannot be read: file name too long"),
        pytest.param(
            lambda _: Path("/proc/self/mem"),  # also root may open it, and not read it
            "{} cannot be read: input/output error",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="there is no such file"),
        ),
    ],
)
def test_what_is_no_file_of_a_secret_stops_the_start_and_is_not_waited_for(
    make: Callable[[Path], Path],
    message: str,
    environment: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    file = make(tmp_path)
    environment.setenv("DATABASE_URL_FILE", str(file))
    with pytest.raises(SettingsError) as refused:
        load_secrets()
    assert str(refused.value) == "DATABASE_URL_FILE: " + message.format(file)


def test_a_pipe_in_the_place_of_a_certificate_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is no ordinary file"):
        refuse_unusable_authority(str(pipe(tmp_path)), name="DATABASE_URL, sslrootcert")


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n\n\n", b" \n\t\n"])
def test_lines_that_end_a_secret_are_none_of_it(
    end: bytes, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"postgresql://db/mail" + end)
    environment.setenv("DATABASE_URL_FILE", str(file))
    load_secrets()
    assert os.environ["DATABASE_URL"] == "postgresql://db/mail"


def test_a_secret_that_is_given_both_ways_stops_the_start(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_URL", "postgresql://db/mail")
    environment.setenv("DATABASE_URL_FILE", "/run/secrets/database_url")
    with pytest.raises(SettingsError, match="DATABASE_URL and DATABASE_URL_FILE are both set"):
        load_secrets()


def test_the_file_of_another_program_is_passed_over_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_text("APP_NAME=Laravel\nLD_PRELOAD=/tmp/evil.so\nnot even a line\n")
    load_dotenv(tmp_path / ".env")
    said = " ".join(capsys.readouterr().err.split())
    assert "none of Paceline's settings, and is passed over" in said
    assert "APP_NAME" not in os.environ
    assert os.environ.get("LD_PRELOAD") != "/tmp/evil.so"


def test_one_that_shares_names_with_us_is_passed_over_and_they_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / ".env"
    file.write_text("PORT=3000\nDATABASE_URL=mysql://shop\nAPP_NAME=shop\n\tnot even a line\n")
    load_dotenv(file)
    said = "".join(capsys.readouterr().err.split())
    assert "isanotherprogram's,byAPP_NAME,andispassedover,withitsDATABASE_URL,PORT" in said
    assert f"PACELINE_ENV_FILE={file}" in said
    assert os.environ.get("PORT") != "3000"
    monkeypatch.setenv("PACELINE_ENV_FILE", "")
    load_dotenv(file)
    monkeypatch.setenv("PACELINE_ENV_FILE", str(file))
    with pytest.raises(SettingsError, match=r"line 3: unknown setting APP_NAME"):
        load_dotenv()
    monkeypatch.setenv("PACELINE_ENV_FILE", str(tmp_path / "none.env"))
    with pytest.raises(SettingsError, match="there is no file"):
        load_dotenv(file)


@pytest.mark.parametrize("name", ["ADMINS", "ALLOWED_DOMAINS", "HELO_NAME", "DEVINBOX_PORT"])
def test_a_file_with_a_name_that_hardly_another_program_has_is_ours(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / ".env").write_text(f"PORT=3000\n{name}=x\nTZ=UTC\n")
    with pytest.raises(SettingsError, match="line 3: unknown setting TZ"):
        load_dotenv(tmp_path / ".env")


@pytest.mark.parametrize("name", ["DATABSE_URL", "PACELINE_SECRET_KEYS", "PACELIN_HOME"])
def test_a_slip_of_the_pen_makes_no_file_another_programs(tmp_path: Path, name: str) -> None:
    (tmp_path / ".env").write_text(f"PORT=3000\n{name}=x\n")
    with pytest.raises(SettingsError, match=f"line 2: unknown setting {name}; is "):
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


@pytest.mark.parametrize("how", ["PACELINE_HOME", "--home"])
def test_a_home_that_is_named_goes_before_servers_of_a_file_that_may_be_anothers(
    how: str,
    environment: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "url").write_text("postgresql://another/shop")
    (tmp_path / ".env").write_text(
        f"DATABASE_URL_FILE={tmp_path}/url\nREDIS_URL=redis://another\nPORT=4000\n"
    )
    if how == "PACELINE_HOME":
        environment.setenv(how, str(tmp_path / "home"))
    load_dotenv(tmp_path / ".env")
    load_secrets()
    assert os.environ["DATABASE_URL"] == "postgresql://another/shop"
    with pytest.raises(NotFound, match="nothing runs on"):
        settings_of(tmp_path / "home" if how == "--home" else None)
    said = " ".join(capsys.readouterr().err.split())
    assert f"DATABASE_URL, REDIS_URL of {tmp_path}/.env passed over, as {how} names a home" in said
    assert not {"DATABASE_URL", "DATABASE_URL_FILE", "REDIS_URL"} & os.environ.keys()
    assert os.environ["PORT"] == "4000"


@pytest.mark.parametrize(
    ("text", "chosen", "home"),
    [
        ("PACELINE_LOG=json\n", False, True),  # surely ours
        ("", True, True),
        ("", False, False),  # the home that nobody named says nothing against it
    ],
)
def test_servers_of_a_file_hold_that_is_ours_or_where_no_home_is_named(
    text: str, chosen: bool, home: bool, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    file.write_text(f"{text}DATABASE_URL=postgresql://db/mail\nREDIS_URL=redis://r\n")
    environment.setenv("PACELINE_SECRET_KEY", "A" * 43 + "=")
    environment.setenv("PACELINE_LOG", "")
    environment.delenv("PACELINE_LOG")
    if chosen:
        environment.setenv("PACELINE_ENV_FILE", str(file))
    if home:
        environment.setenv("PACELINE_HOME", str(tmp_path / "home"))
    load_dotenv(file)
    assert settings_of(None).database.url == "postgresql://db/mail"


def test_the_environment_holds_whatever_home_is_named(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("DATABASE_URL=postgresql://another/shop\n")
    environment.setenv("DATABASE_URL", "postgresql://db/mail")
    environment.setenv("REDIS_URL", "redis://r")
    environment.setenv("PACELINE_SECRET_KEY", "A" * 43 + "=")
    environment.setenv("PACELINE_HOME", str(tmp_path / "home"))
    load_dotenv(tmp_path / ".env")
    assert settings_of(None).database.url == "postgresql://db/mail"


def test_a_database_that_is_set_half_is_told_and_no_home_is_looked_for(tmp_path: Path) -> None:
    env = {"DATABASE_DIRECT_URL": "postgresql://db/mail", "PACELINE_HOME": str(tmp_path)}
    with pytest.raises(SettingsError, match="DATABASE_DIRECT_URL is set, but DATABASE_URL is not"):
        settings_of(None, env)


def test_the_local_zone_is_found_by_name(tmp_path: Path) -> None:
    assert local_zone({"TZ": ":Asia/Tokyo"}, tmp_path) == ZoneInfo("Asia/Tokyo")
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/Europe/Vienna")
    assert local_zone({}, tmp_path) == ZoneInfo("Europe/Vienna")
    (tmp_path / "localtime").unlink()
    (tmp_path / "timezone").write_text("America/New_York\n")
    assert local_zone({}, tmp_path) == ZoneInfo("America/New_York")


def test_without_a_name_the_local_offset_must_do(tmp_path: Path) -> None:
    assert local_zone({"TZ": "no such zone"}, tmp_path) is not None
