"""PostgreSQL's own programs: those on PATH, or those that `paceline up` brings along.

A server is dumped and restored by programs of its own major version, or by the nearest newer one.
Those that `paceline up` brings along speak no TLS, and are no good where the address asks for it.
The password goes by the environment, where nobody else on the machine can read it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from paceline.embedded import EmbeddedServerError
from paceline.embedded.postgres_program import binaries
from paceline.embedded.process import plain_environment
from paceline.errors import Conflict
from paceline.persistence.addressing import parsed_url, without_password

# What libpq takes in an address. All else that asyncpg takes there is a setting of the session.
_OF_LIBPQ = frozenset(
    {"host", "port", "connect_timeout", "application_name", "options", "passfile", "service"}
    | {"sslmode", "sslcert", "sslkey", "sslpassword", "sslrootcert", "sslcrl", "sslnegotiation"}
    | {"ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs", "krbsrvname"}
)
# What our driver takes from the environment where the address does not say it, as libpq does.
_OF_BOTH = frozenset(
    {"PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD", "PGPASSFILE"}
    | {"PGSERVICE", "PGSERVICEFILE", "PGTARGETSESSIONATTRS", "PGKRBSRVNAME", "PGGSSLIB"}
    | {"PGSSLMODE", "PGSSLCERT", "PGSSLKEY", "PGSSLROOTCERT", "PGSSLCRL", "PGSSLNEGOTIATION"}
    | {"PGSSLMINPROTOCOLVERSION", "PGSSLMAXPROTOCOLVERSION"}
)
_BY_TLS = frozenset({"require", "verify-ca", "verify-full"})


@dataclass(frozen=True, slots=True)
class Programs:
    """The folder they are in, and their major version."""

    folder: Path
    major: int

    def __getitem__(self, name: str) -> str:
        return str(self.folder / name)


def programs_for(server: int, *, home: Path, by_tls: bool = False) -> Programs:
    """Raises `Conflict` where none fit."""
    folders = _folders() if by_tls else [*_folders(), *_brought_along(home)]
    found = [of for folder in folders if (of := _in(folder)) is not None]
    fitting = [of for of in found if of.major >= server]
    if not fitting:
        have = ", ".join(str(of.major) for of in found) or "none"
        here = "here that speak TLS" if by_tls else "here"
        raise Conflict(
            f"PostgreSQL is version {server}, and its programs {here} are {have}: "
            f"install pg_dump, pg_restore and psql {server} (Debian: postgresql-client-{server})"
        )
    return min(fitting, key=lambda of: of.major)


def asks_for_tls(url: str) -> bool:
    """Whether nothing goes to this address without it."""
    return parsed_url(url).query.get("sslmode", os.environ.get("PGSSLMODE")) in _BY_TLS


def _folders() -> list[Path]:
    on_path = shutil.which("pg_dump")
    first = [] if on_path is None else [Path(on_path).parent]
    return [*first, *sorted(Path("/usr/lib/postgresql").glob("*/bin"))]


def _brought_along(home: Path) -> list[Path]:
    try:
        return [binaries(None, home)]
    except EmbeddedServerError:
        return []


def _in(folder: Path) -> Programs | None:
    if not all((folder / name).exists() for name in ("pg_dump", "pg_restore", "psql")):
        return None
    try:
        said = subprocess.run(
            [str(folder / "pg_dump"), "--version"], capture_output=True, text=True, check=False
        ).stdout
    except OSError:
        return None
    version = re.search(r"\(PostgreSQL\) (\d+)", said)
    return None if version is None else Programs(folder, int(version[1]))


def way_to(url: str) -> tuple[str, dict[str, str]]:
    """The address without its password, and the environment that the programs run in."""
    parsed = parsed_url(url)
    env = plain_environment() | {name: os.environ[name] for name in _OF_BOTH & os.environ.keys()}
    if parsed.password is not None:
        env["PGPASSWORD"] = str(parsed.password)
    ours = {name: str(value) for name, value in parsed.query.items() if name not in _OF_LIBPQ}
    settings = ["client_min_messages=warning", *(f"{name}={ours[name]}" for name in sorted(ours))]
    env["PGOPTIONS"] = " ".join(f"-c {_escaped(setting)}" for setting in settings)
    plain = without_password(parsed).difference_update_query(list(ours))
    return plain.render_as_string(), env


def _escaped(setting: str) -> str:
    return setting.replace("\\", "\\\\").replace(" ", "\\ ")
