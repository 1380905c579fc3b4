"""Where a command's settings come from: the environment, a `.env` file, a running home."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from paceline.cli.console import note
from paceline.errors import NotFound, SettingsError
from paceline.home import Home
from paceline.settings import NAMES, SUFFIX, Settings, secrets_in_files
from paceline.settings.names import lookalikes, looks_like_ours, nearest

_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")

MAX_DOTENV_BYTES = 64 * 1024
_CHOICE = "PACELINE_ENV_FILE"  # another file than .env; empty: none
_ELSEWHERE = (
    "if the file is another program's, start paceline in another folder, "
    f"or with {_CHOICE}= (empty)"
)

_OURS_ALONE = "PACELINE_"  # most other names may be another program's as well
_HARDLY_ANOTHERS = frozenset(
    {"ALLOWED_DOMAINS", "ADMINS", "DATABASE_DIRECT_URL", "DEVINBOX_HOST", "DEVINBOX_PORT"}
    | {"HELO_NAME", "SMTP_VERIFY", "DNS_SERVER", "ALLOW_PRIVATE_HOSTS", "GOOGLE_BUTTON"}
)
_SERVERS = ("DATABASE_URL", "DATABASE_DIRECT_URL", "REDIS_URL", "REDIS_HOST", "REDIS_PORT")

_strangers: dict[str, str] = {}  # servers that a folder's `.env` names which may not be ours: which
_origins: dict[str, str] = {}  # of what was taken from a file: which, and which line
_files: dict[str, str] = {}  # of what a file of its own holds: which
_options: dict[str, str] = {}  # of what an option of the command line went before: which
_databases: list[str] = []  # of the environment, which a command took its settings from


def load_dotenv(file: Path = Path(".env")) -> None:
    """Add the file's settings to the environment, which goes before them. No file: nothing.

    Only names of settings are taken: a folder's `.env` must not be able to set PATH or LD_PRELOAD.
    Another program's file is passed over, with a line that says so and what it has of our names.
    Raises `SettingsError`, which names the file and the line.
    """
    chosen = os.environ.get(_CHOICE)
    if chosen == "":
        return
    if chosen is not None:
        os.environ[_CHOICE] = ""  # what we start is given what is in it
        file = Path(chosen)
        if not file.is_file():
            raise SettingsError(f"{_CHOICE}: there is no file {file}")
    text = _text_of(file)
    if chosen is None and (others := _names_of_anothers(text)):
        note(_passed_over(file, others))
        return
    made = {name for name, value in os.environ.items() if value}
    found = parse_dotenv(text, source=str(file))
    is_ours = chosen is not None or any(name.startswith(_OURS_ALONE) for name in found)
    for name, value in found.items():
        if name not in os.environ and _twin(name) not in made:
            os.environ[name] = value
            _origins[name] = f"{file}, line {_line_of(name, text)}"
            if not is_ours and name.removesuffix(SUFFIX) in _SERVERS:
                _strangers[name.removesuffix(SUFFIX)] = str(file)


def go_by_home(home: Path | None) -> None:
    """Where a home is named, by an option or the environment, pass over what is less plain.

    That is what servers a folder's `.env` names, unless the file is surely ours: it was chosen, or
    has a name that only we have. A home that nobody named is no word against them.
    """
    named = "--home" if home is not None else "PACELINE_HOME"
    if not _strangers or (home is None and not os.environ.get(named)):
        return
    names, files = ", ".join(_strangers), ", ".join(set(_strangers.values()))
    note(
        f"{names} of {files} passed over, as {named} names a home: the file may be another "
        f"program's (if it is ours, say so with {_CHOICE}={files})"
    )
    for name in _strangers:
        for each in (name, name + SUFFIX):
            os.environ.pop(each, None)
            _origins.pop(each, None)
            _files.pop(each, None)
    _strangers.clear()


def load_secrets() -> None:
    """Put secrets that are in files of their own (`NAME_FILE`) in the place of what names them.

    What we start is given the secret, and looks for no file. Raises `SettingsError`.
    """
    for name, value, file in list(secrets_in_files(os.environ)):
        os.environ[name] = value
        os.environ[name + SUFFIX] = ""
        _files[name] = file


def _twin(name: str) -> str:
    """The other way to make the same setting."""
    return name.removesuffix(SUFFIX) if name.endswith(SUFFIX) else name + SUFFIX


def _names_of_anothers(text: str) -> set[str]:
    """The names in a file that is another program's; none where it is, or may be, ours.

    That is one without a name that only we have, and with names that are none of ours. A name that
    is nearly one of ours is more likely a slip of the pen in our own file, which stops the start.
    """
    assignments = (_ASSIGNMENT.fullmatch(line.strip()) for line in text.splitlines())
    names = {found[1] for found in assignments if found}
    if names <= NAMES:
        return set()
    if names.isdisjoint(NAMES):
        return names
    is_ours = (
        any(map(looks_like_ours, names))
        or not names.isdisjoint(_HARDLY_ANOTHERS)
        or lookalikes(dict.fromkeys(names, ""))
    )
    return set() if is_ours else names


def _passed_over(file: Path, names: set[str]) -> str:
    """That it is, and which settings of ours it would have made."""
    alike = sorted(names & NAMES)
    if not alike:
        return f"{file} has none of Paceline's settings, and is passed over"
    return (
        f"{file} is another program's, by {min(names - NAMES)}, and is passed over, with its "
        f"{', '.join(alike)} (if it is ours, say so with {_CHOICE}={file})"
    )


def names_from_file() -> list[str]:
    """Which settings were taken from `.env`."""
    return sorted(_origins)


def origin_of(name: str) -> str | None:
    """Where a setting was made, in words; None: nowhere."""
    if name in _options:
        return f"given by {_options[name]}"
    if name in _files:
        return f"read from {_files[name]}"
    if name in _origins:
        return f"set in {_origins[name]}"
    return "set in the environment" if os.environ.get(name) else None


def origins() -> Callable[[str], str | None] | None:
    """`origin_of`, but not where another process of ours made our environment: it knows better."""
    return None if os.environ.get("PACELINE_COMPONENT") else origin_of


def given_by(option: str, name: str) -> None:
    """This option goes before that setting."""
    _options[name] = option


def with_origin(complaint: str) -> str:
    """The complaint, and where the settings that it names were made."""
    if origins() is None or complaint.startswith("unknown setting"):
        return complaint
    made = [
        f"{name} is {where}"
        for name in sorted(NAMES)
        if re.search(rf"\b{name}\b", complaint) and (where := origin_of(name))
    ]
    if not made or complaint.endswith(f"({_ELSEWHERE})"):
        return complaint
    return f"{complaint} ({'; '.join(made)})"


def database_of_environment() -> str | None:
    """The database that a command went by the environment to, if it did."""
    return _databases[-1] if _databases else None


def _text_of(file: Path) -> str:
    try:
        if not file.is_file():
            return ""
        with file.open("rb") as opened:
            content = opened.read(MAX_DOTENV_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}; {_ELSEWHERE}") from error
    if len(content) > MAX_DOTENV_BYTES:
        raise SettingsError(f"{file} is larger than {MAX_DOTENV_BYTES >> 10} KiB; {_ELSEWHERE}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{file}, line {line}: is not UTF-8 text; {_ELSEWHERE}") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise SettingsError(f"{file}, line {line}: is not text; {_ELSEWHERE}")
    return text


def _line_of(name: str, text: str) -> int:
    """Of its last assignment, which is the one that holds."""
    numbers = [
        number
        for number, line in enumerate(text.splitlines(), start=1)
        if (found := _ASSIGNMENT.fullmatch(line.strip())) and found[1] == name
    ]
    return numbers[-1]


def parse_dotenv(text: str, *, source: str) -> dict[str, str]:
    """`NAME=value` per line, shell quoting, `#` comments. Raises `SettingsError`."""
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        matched = _ASSIGNMENT.fullmatch(line.strip())
        if matched is None:
            raise SettingsError(f"{source}, line {number}: expected NAME=value; {_ELSEWHERE}")
        name, value = matched.groups()
        if name not in NAMES:
            raise SettingsError(
                f"{source}, line {number}: unknown setting {name}{nearest(name)} ({_ELSEWHERE})"
            )
        found[name] = _unquoted(value, where=f"{source}, line {number}")
    return found


def _unquoted(value: str, *, where: str) -> str:
    try:
        return " ".join(shlex.split(value, comments=True))
    except ValueError as error:
        raise SettingsError(f"{where}: {error}") from error


def settings_of(home: Path | None, env: Mapping[str, str] = os.environ) -> Settings:
    """The settings of the system that runs on a home, or those of the environment.

    A home that is named goes first. Raises `NotFound` when it is named and nothing runs there.
    """
    if env is os.environ:
        go_by_home(home)
    if home is None and (env.get("DATABASE_URL") or env.get("DATABASE_DIRECT_URL")):
        settings = Settings.from_environment(env)
        _databases.append(settings.database.url)
        return settings
    where = Home.at(home, env)
    running = where.running()
    if running is None:
        raise NotFound(f"nothing runs on {where.path}: start it with `paceline up`")
    unused = {"REDIS_HOST", "REDIS_PORT"}
    given = {name: value for name, value in env.items() if name not in unused}
    return Settings.from_environment(
        {
            **given,
            "DATABASE_URL": running.database_url,
            "REDIS_URL": running.redis_url,
            "BASE_URL": running.url,
            "DEVINBOX_PORT": str(running.devinbox_port),
            "PACELINE_SECRET_KEY": env.get("PACELINE_SECRET_KEY") or where.secret_key(),
        }
    )
