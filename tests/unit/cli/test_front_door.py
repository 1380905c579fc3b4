"""What a newcomer types first: help, a version, a typing mistake, all beside a foreign `.env`."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from paceline import __version__
from paceline.cli import environment
from paceline.cli.app import app, exit_code, run
from paceline.errors import Conflict, InvalidInput, SettingsError

FOREIGN = {
    "unknown names": b"# ours?\nADMINS=a@example.com\nSECRET_KEY=x\n",
    "no assignments": b"PORT=3000\njust some words\n",
    "an open quotation": b"\nPORT='3000\n",
    "another encoding": "PORT=3000\nADMINS=jürgen@example.com\n".encode("latin-1"),
    "a picture": b"\x89PNG\r\n\x1a\n\x00\x00",
    "NUL bytes": b"PORT=30\x0000\n",
    "PowerShell's UTF-16": "PORT=3000\n".encode("utf-16"),
    "a whole disk": b"#" * (environment.MAX_DOTENV_BYTES + 1),
}


@pytest.fixture(params=FOREIGN.values(), ids=FOREIGN.keys())
def foreign_dotenv(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    (tmp_path / ".env").write_bytes(request.param)
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".env"


def paceline(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, prog_name="paceline")


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["-h"], ["--help"], ["help"], ["help", "schedule"], ["schedule", "-h"],
        ["schedule", "--help"], ["help", "api-key", "create"], ["up", "--help"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_help_needs_no_settings_and_minds_no_foreign_dotenv(
    arguments: list[str], foreign_dotenv: Path
) -> None:
    ran = paceline(*arguments)
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert "Usage: paceline" in ran.stdout


@pytest.mark.parametrize("group", ["api-key", "dkim", "person", "sender", "suppressions"])
def test_a_group_without_a_command_shows_what_there_is(group: str) -> None:
    ran = paceline(group)
    assert ran.exit_code == 2
    assert f"Usage: paceline {group}" in ran.output
    assert "Commands" in ran.output


@pytest.mark.parametrize("asked", ["version", "--version"])
def test_the_version_minds_no_foreign_dotenv(asked: str, foreign_dotenv: Path) -> None:
    ran = paceline(asked)
    assert (ran.exit_code, ran.stdout) == (0, f"{__version__}\n")


def test_a_command_that_needs_settings_names_the_foreign_file_and_a_way_out(
    foreign_dotenv: Path,
) -> None:
    ran = paceline("status")
    assert isinstance(ran.exception, SettingsError)
    said = str(ran.exception)
    assert said.startswith(".env")
    assert "another folder" in said or "line 2: No closing quotation" in said


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b"# mine\nSECRET_KEY=x\nADMINS=a@x\n", "line 2: unknown setting SECRET_KEY"),
        (b"PORT=1\r\nwords\r\n", "line 2: expected NAME=value"),
        (b"\n\nADMINS=\xfc@x\n", "line 3: is not UTF-8 text"),
        (b"PORT=1\n\x00", "line 2: is not text"),
    ],
)
def test_the_line_that_is_wrong_is_named(content: bytes, where: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(SettingsError, match=where):
        environment.load_dotenv(tmp_path / ".env")


def test_one_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("PORT=1\n")

    def refuses(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuses)  # root, who runs the tests, may read everything
    with pytest.raises(SettingsError, match=r"\.env cannot be read: Permission denied"):
        environment.load_dotenv(tmp_path / ".env")


def test_a_mark_before_the_first_name_is_none_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "1")
    monkeypatch.delenv("PORT")
    (tmp_path / ".env").write_text("PORT=4000\n", encoding="utf-8-sig")  # as Notepad saves it
    environment.load_dotenv(tmp_path / ".env")
    assert "PORT" in environment.names_from_file()


def test_a_value_that_is_wrong_is_traced_to_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PACELINE_LANES", "1")
    monkeypatch.delenv("PACELINE_LANES")
    monkeypatch.setenv("PACELINE_LOG", "text")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("# mine\nPACELINE_LANES=many\n")
    monkeypatch.setattr("sys.argv", ["paceline", "worker"])
    with pytest.raises(SystemExit, match="78"):
        run()
    assert capsys.readouterr().err == (
        "paceline: PACELINE_LANES must be a whole number from 1 to 1024, not 'many' "
        "(PACELINE_LANES is set in .env, line 2)\n"
    )


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["shedule"], "schedule"),
        (["help", "shedule"], "schedule"),
        (["api-keys"], "api-key"),
        (["schedule", "x", "--subjet", "y"], "--subject"),
        (["up", "--prot", "4000"], "--port"),
    ],
)
def test_a_typing_mistake_is_answered_with_what_was_meant(arguments: list[str], meant: str) -> None:
    ran = paceline(*arguments)
    assert ran.exit_code == 2
    assert meant in ran.stderr


def test_the_help_says_what_the_exit_codes_mean_and_shows_examples() -> None:
    assert "130 interrupted" in " ".join(paceline("--help").stdout.split())
    assert "paceline schedule - " in paceline("help", "schedule").stdout


@pytest.mark.parametrize(
    ("command", "default"),
    [
        (["schedule"], "(default: the file's)"),
        (["api-key", "create"], "(default: this installation's owner)"),
        (["dkim", "create"], "(default: the sender's)"),
        (["up"], "[PACELINE_HOME]"),
    ],
)
def test_no_default_is_swallowed_as_markup(command: list[str], default: str) -> None:
    words = paceline("help", *command).stdout.replace("│", "").split()
    assert default in " ".join(words)


def test_an_option_that_makes_no_sense_ends_as_one_that_nobody_knows() -> None:
    assert exit_code(InvalidInput.of("--start", "is no time")) == 2
    assert exit_code(InvalidInput.of("subject", "is missing")) == 1
    assert exit_code(Conflict("no")) == 1
