"""What is said about PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

from paceline.bootstrap.preflight.causes import refusal, why
from paceline.bootstrap.preflight.findings import Finding, Weight
from paceline.persistence.addressing import shown
from paceline.persistence.condition import DatabaseCondition, Schema, is_one, look, revisions
from paceline.persistence.database import (
    Database,
    DatabaseRefused,
    DatabaseUnavailable,
    SchemaMissing,
)

OLDEST_VERSION = 15
_SETTING = ("DATABASE_URL",)
_MIGRATE = "run `paceline migrate`"


_TWO = Finding(
    about="PostgreSQL",
    weight=Weight.WRONG,
    says="DATABASE_URL and DATABASE_DIRECT_URL lead to two databases",
    remedy="name the same one in both, through the pooler and past it",
    settings=("DATABASE_URL", "DATABASE_DIRECT_URL"),
)


def database_findings(found: DatabaseCondition, *, migrates: bool) -> Iterator[Finding]:
    """Of one look; `migrates`: whoever asks will bring the schema up to date itself."""
    about = "PostgreSQL"
    if found.version_number < OLDEST_VERSION * 10_000:
        yield _wrong(
            about, f"is version {found.version}", f"upgrade it to {OLDEST_VERSION} or newer"
        )
    if found.encoding != "UTF8":
        yield _wrong(about, f"keeps text as {found.encoding}", "use a database with encoding UTF8")
    if found.synchronous_commit == "off":
        yield _wrong(
            about,
            "synchronous_commit is off, so that a crash of it would send emails twice",
            "ALTER SYSTEM SET synchronous_commit = on (or ALTER ROLE, ALTER DATABASE)",
        )
    if found.fsync == "off":
        yield _said(
            about,
            Weight.REMARK,
            "fsync is off: a power failure would leave it in pieces",
            "ALTER SYSTEM SET fsync = on",
        )
    if found.is_standby:
        yield _said(
            about,
            Weight.AWAY,
            "is a standby that nobody can write to",
            "name the primary, or add target_session_attrs=read-write",
        )
    elif found.is_read_only:  # providers do so where its disk is nearly full
        yield _said(
            about,
            Weight.AWAY,
            "refuses all that is to be written (default_transaction_read_only is on)",
            "make room where its disk is full, or take that setting back",
        )
    yield _of_the_schema(found, migrates=migrates)
    if found.forbidden:
        more = f" and {len(found.forbidden) - 1} more" if len(found.forbidden) > 1 else ""
        yield _wrong(
            about,
            f"{found.role} may not read and write {found.forbidden[0]}{more}",
            "name the role that owns the tables, or GRANT ALL ON ALL TABLES IN SCHEMA public TO "
            f'"{found.role}"',
        )


def _of_the_schema(found: DatabaseCondition, *, migrates: bool) -> Finding:
    about, (_, head) = "Schema", revisions()
    match found.schema:
        case Schema.EQUAL:
            return _said(about, Weight.FINE, f"is at {head}")
        case Schema.NEWER if migrates:
            return _wrong(
                about,
                f"is at {found.revision}, which this version knows nothing of",
                "migrate with the newer version of Paceline",
            )
        case Schema.NEWER:
            return _said(
                about,
                Weight.REMARK,
                f"is at {found.revision}, newer than this version's {head}",
                "upgrade this process soon",
            )
        case _ if migrates:
            return _said(about, Weight.FINE, f"is at {found.revision or 'nothing'}, goes to {head}")
        case Schema.NONE:
            return _said(about, Weight.AWAY, "there is none", _MIGRATE)
        case _:
            told = f"is at {found.revision}, behind this version's {head}"
            return _said(about, Weight.AWAY, told, _MIGRATE)


async def look_at_database(
    database: Database, url: str, *, migrates: bool = False
) -> tuple[list[Finding], DatabaseCondition | None]:
    """All of it, and what was seen; never raises for what is to be found out."""
    where = shown(url)
    try:
        found = await look(database)
        if database.has_pooler and not await is_one(database):
            return [_TWO], None
    except DatabaseRefused as error:
        return [out_of_reach(url, error)], None
    except DatabaseUnavailable as error:
        if "unsupported startup parameter" in str(error):
            told = f"{where} is a pooler, which keeps no session"
            remedy = "name PostgreSQL itself in DATABASE_DIRECT_URL"
            return [_wrong("PostgreSQL", told, remedy)], None
        return [gone(url, error)], None
    findings = list(database_findings(found, migrates=migrates))
    answers = f"{where} answers, version {found.version.split()[0]}"
    return [_said("PostgreSQL", Weight.FINE, answers), *findings], found


def out_of_reach(url: str, error: DatabaseUnavailable) -> Finding:
    """It lets us not in, does not answer, or has not what is asked for."""
    if isinstance(error, DatabaseRefused):
        told = f"{shown(url)} refuses us: {refusal(error)}"
        return _wrong("PostgreSQL", told, "correct DATABASE_URL")
    if isinstance(error, SchemaMissing):
        told = f"{shown(url)} lacks what this version needs: {refusal(error)}"
        return _said("Schema", Weight.AWAY, told, _MIGRATE)
    return gone(url, error)


def gone(url: str, error: DatabaseUnavailable) -> Finding:
    """It does not answer, or no longer."""
    told = f"{shown(url)} does not answer: {why(error)}"
    return _said("PostgreSQL", Weight.AWAY, told, "start it, or correct the address")


def _wrong(about: str, says: str, remedy: str) -> Finding:
    return _said(about, Weight.WRONG, says, remedy)


def _said(about: str, weight: Weight, says: str, remedy: str = "") -> Finding:
    return Finding(about=about, weight=weight, says=says, remedy=remedy, settings=_SETTING)
