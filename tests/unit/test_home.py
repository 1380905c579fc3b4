"""The home folder: one owner at a time, private files, honest answers about what runs."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from paceline.errors import SettingsError
from paceline.home import Home, HomeInUse, HomeNotWritten, Running
from paceline.settings import decode_secret_key


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    return home


def running(pid: int) -> Running:
    return Running(
        pid=pid,
        url="http://localhost:3001",
        database_url="postgresql://x",
        redis_url="redis://x",
        devinbox_port=1025,
    )


def test_the_folder_asked_for_goes_before_the_environment(tmp_path: Path) -> None:
    env = {"PACELINE_HOME": "/elsewhere", "XDG_DATA_HOME": "/data"}
    assert Home.at(tmp_path, env).path == tmp_path
    assert Home.at(None, env).path == Path("/elsewhere")
    assert Home.at(None, {"XDG_DATA_HOME": "/data"}).path == Path("/data/paceline")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root cannot use a home in its own")
def test_root_keeps_what_it_has_and_begins_where_another_user_can_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Home.at(None, {}).path == Path("/var/lib/paceline")
    (tmp_path / ".local/share/paceline").mkdir(parents=True)
    assert Home.at(None, {}).path == tmp_path / ".local/share/paceline"


def test_a_folder_with_other_things_in_it_is_taken_for_a_slip(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    for slip in (tmp_path, Path("/"), Path("/etc"), Path("/proc")):
        with pytest.raises(SettingsError, match=r"such as /.*, with --home or PACELINE_HOME"):
            Home.at(slip, {}).create()
    assert [found.name for found in tmp_path.iterdir()] == ["etc"]


@pytest.mark.parametrize("left", [(), ("logs",), ("lost+found",), ("secret.key", "notes.txt")])
def test_a_folder_that_is_empty_or_was_a_home_is_taken(
    left: tuple[str, ...], tmp_path: Path
) -> None:
    for name in left:
        place = tmp_path / name
        place.write_text("") if "." in name else place.mkdir()
    Home(tmp_path).create()
    Home(tmp_path).create()
    assert (tmp_path / "up.lock").exists()


def test_a_relative_folder_is_made_absolute_at_once() -> None:
    assert Home.at(Path("here"), {}).path == Path.cwd() / "here"


def test_a_second_owner_is_turned_away_and_told_where_to_look(home: Home) -> None:
    with home.lock():
        home.announce(running(os.getpid()))
        with (
            pytest.raises(HomeInUse, match="already running at http://localhost:3001"),
            home.lock(),
        ):
            pytest.fail("two owners")
    with home.lock():
        pass


def test_the_secret_key_is_made_once_and_is_private(home: Home) -> None:
    key = home.secret_key()
    assert home.secret_key() == key
    assert len(decode_secret_key(key)) == 32
    assert stat.S_IMODE((home.path / "secret.key").stat().st_mode) == 0o600


def test_a_damaged_secret_key_is_refused_rather_than_replaced(home: Home) -> None:
    (home.path / "secret.key").write_text("damaged")
    with pytest.raises(SettingsError):
        home.secret_key()
    assert (home.path / "secret.key").read_text() == "damaged"


def test_what_runs_is_announced_privately_and_forgotten(home: Home) -> None:
    home.announce(running(os.getpid()))
    home.announce(running(os.getpid()))
    assert home.running() == running(os.getpid())
    assert stat.S_IMODE((home.path / "run.json").stat().st_mode) == 0o600
    home.forget()
    assert home.running() is None


def test_an_announcement_by_a_dead_process_does_not_count(home: Home) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    home.announce(running(child))
    assert home.running() is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_an_unreadable_announcement_does_not_count(home: Home, content: str) -> None:
    (home.path / "run.json").write_text(content)
    assert home.running() is None


def test_a_home_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        SettingsError, match=r"cannot use .*; give it to this user, or choose another with"
    ):
        Home(tmp_path / "file" / "home").create()


def test_a_home_of_nobody_is_one_clear_line() -> None:
    with pytest.raises(
        SettingsError, match=r"~nobody-here/x, PACELINE_HOME: there is no such user"
    ):
        Home.at(None, {"PACELINE_HOME": "~nobody-here/x"})


@pytest.mark.parametrize("name", ["up.lock", "logs/up.log", "secret.key"])
def test_a_home_whose_files_are_closed_to_us_is_one_clear_line(home: Home, name: str) -> None:
    (home.path / name).unlink(missing_ok=True)
    (home.path / name).mkdir()  # nobody can open it, root neither
    with pytest.raises(SettingsError, match=r"cannot use .* as home: is a directory; give it to"):
        home.create()


_READ_ONLY = 'mount -t tmpfs -o ro none "$1" && exec "$2" -m paceline up --home "$1$3"'


@pytest.mark.parametrize("below", ["", "/home"])
def test_a_home_that_can_only_be_read_is_one_clear_line(tmp_path: Path, below: str) -> None:
    apart = ["unshare", "--map-root-user", "--mount"]
    try:
        subprocess.run([*apart, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("file systems cannot be mounted here")
    ran = subprocess.run(
        [*apart, "sh", "-c", _READ_ONLY, "sh", tmp_path, sys.executable, below],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (78, "")
    assert ran.stderr == (
        f"paceline: cannot use {tmp_path}{below} as home: read-only file system; give it to this "
        "user, or choose another with --home or PACELINE_HOME\n"
    )


@contextmanager
def no_room() -> Iterator[None]:
    """Files are made, and nothing can be written into them: as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_key_of_a_home_is_read_on_a_disk_that_is_full(home: Home) -> None:
    key = home.secret_key()
    with no_room():
        assert home.secret_key() == key


def test_a_key_for_which_there_is_no_room_is_one_clear_line_and_leaves_nothing(home: Home) -> None:
    with no_room(), pytest.raises(HomeNotWritten, match=r"secret\.key cannot be written: file too"):
        home.secret_key()
    assert not [file for file in home.path.iterdir() if "key" in file.name]
    assert decode_secret_key(home.secret_key())
