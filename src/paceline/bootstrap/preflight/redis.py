"""What is said about Redis."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from paceline.bootstrap.preflight.causes import is_distrusted, refusal, why
from paceline.bootstrap.preflight.findings import Finding, Weight
from paceline.bootstrap.preflight.speaking import other_scheme
from paceline.engine.condition import QueueCondition, QueueForbids, QueueRefused, look
from paceline.engine.queue import QueueUnavailable, connect
from paceline.redis_client import SentinelAddress
from paceline.settings.tls_files import refuse_unusable_authority, refuse_unusable_identity

OLDEST_VERSION = (6, 2)
FULL = 0.9  # of its memory
_SETTINGS = ("REDIS_URL", "REDIS_HOST", "REDIS_PORT")
_RIGHTS = "give its user these: ACL SETUSER … ~* &* +@all -@admin -@dangerous +info"
_MANY = 5  # commands, more than which are not named one by one


def redis_findings(found: QueueCondition) -> Iterator[Finding]:
    """Of one look."""
    if found.version < OLDEST_VERSION:
        version = ".".join(map(str, found.version))
        yield _said(Weight.WRONG, f"is version {version}", "upgrade it to 6.2 or newer")
    if found.is_cluster:
        yield _said(Weight.WRONG, "is a cluster, which BullMQ's lanes do not fit", "use one server")
    if found.is_replica:
        yield _said(Weight.AWAY, "is a replica that nobody can write to", "name the primary")
    if found.eviction != "noeviction":
        weight = Weight.WRONG if found.max_octets else Weight.REMARK
        says = f"maxmemory-policy is {found.eviction}: when it is full it would forget limits"
        yield _said(weight, says, "CONFIG SET maxmemory-policy noeviction")
    if not found.keeps_a_log:
        yield _said(
            Weight.REMARK,
            "appendonly is off: after a restart it is filled from PostgreSQL, which takes a while",
            "CONFIG SET appendonly yes",
        )
    is_full = 0 < found.max_octets <= found.used_octets
    if found.max_octets and found.used_octets > FULL * found.max_octets:
        percent = round(100 * found.used_octets / found.max_octets)
        weight, then = (Weight.AWAY, ": nothing is sent") if is_full else (Weight.REMARK, "")
        yield _said(weight, f"{percent} % of its memory is taken{then}", "raise maxmemory")
    if found.refuses_writes and not is_full:
        told = f"refuses writes, so nothing is sent: {found.refuses_writes}"
        yield _said(Weight.AWAY, told, "make room on its disk, or mend what it says")
    if found.forbidden:
        first, more = found.forbidden[:_MANY], len(found.forbidden) - _MANY
        told = ", ".join(first) + (f" and {more} more" if more > 0 else "")
        yield _said(Weight.WRONG, f"its user may not do what is needed ({told})", _RIGHTS)


def neighbour_findings(found: QueueCondition, installation: uuid.UUID) -> Iterator[Finding]:
    """Whether the workers of another one are at work with this Redis."""
    if found.installation not in (None, str(installation)):
        yield _said(
            Weight.WRONG,
            "workers of another installation, with another database, are at work with it",
            "give this one a number or a server of its own",
        )


async def look_at_redis(
    url: str,
) -> tuple[list[Finding], QueueCondition | None]:
    """All of it, and what was seen; never raises for what is to be found out."""
    where = shown(url)
    try:
        refuse_unusable_files(url)
        by_sentinel = SentinelAddress.of(url) is not None
        redis = connect(url, tries=1)
    except ValueError as error:
        return [_said(Weight.WRONG, f"the address makes no sense: {error}", "correct it")], None
    try:
        found = await look(redis)
    except QueueRefused as error:
        return [_refused(where, error)], None
    except QueueUnavailable as error:
        return [_away(where, error, speaks=await other_scheme(url))], None
    finally:
        await redis.aclose()
    version = ".".join(map(str, found.version))
    fine = _said(Weight.FINE, f"{where} answers, version {version}")
    findings = [fine, *redis_findings(found)]
    if by_sentinel and not found.waits_for_replicas:
        told = (
            "takes writes that no replica has: cut off, it would count limits beside the next one"
        )
        remedy = "CONFIG SET min-replicas-to-write 1, min-replicas-max-lag 2, with two replicas"
        findings.append(_said(Weight.REMARK, told, remedy))
    return findings, found


def _refused(where: str, error: QueueRefused) -> Finding:
    says = refusal(error)
    if isinstance(error, QueueForbids):
        return _said(Weight.WRONG, f"{where} lets us in, but not work: {says}", _RIGHTS)
    if is_distrusted(error):
        remedy = "name who signed it: …?ssl_ca_certs=FILE"
        return _said(Weight.WRONG, f"{where} refuses us: {says}", remedy)
    if "HELLO" in says or "NOAUTH" in says:  # what it is asked first
        told = f"{where} asks for a password"
        return _said(Weight.WRONG, told, "put it into REDIS_URL: redis://:password@host:port/0")
    remedy = "correct the user, the password or the number in REDIS_URL"
    return _said(Weight.WRONG, f"{where} refuses us: {says}", remedy)


def _away(where: str, error: QueueUnavailable, *, speaks: str | None) -> Finding:
    match speaks:
        case "rediss":
            remedy = "begin the address with rediss://"
            return _said(Weight.WRONG, f"{where} speaks TLS", remedy)
        case "redis":
            remedy = "begin the address with redis://, or set up TLS there"
            return _said(Weight.WRONG, f"{where} speaks no TLS", remedy)
    told = f"{where} does not answer: {why(error)}"
    return _said(Weight.AWAY, told, "start it, or correct the address")


def refuse_unusable_files(url: str) -> None:
    """Raises `SettingsError` for a certificate or key that it names and nobody can use."""
    named = dict(parse_qsl(urlsplit(url).query))
    authority, own = named.get("ssl_ca_certs"), named.get("ssl_certfile")
    if authority is not None:
        refuse_unusable_authority(authority, name="REDIS_URL, ssl_ca_certs")
    if own is not None:
        key, password = named.get("ssl_keyfile"), named.get("ssl_password")
        refuse_unusable_identity(own, key, password, name="REDIS_URL, ssl_certfile")


def shown(url: str) -> str:
    """Where it leads, for a person: no user and no password."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    try:
        if (by_sentinel := SentinelAddress.of(url)) is not None:
            return str(by_sentinel)
    except ValueError:
        return "the address"
    try:
        port = parts.port
    except ValueError:
        port = None
    return f"{parts.hostname}:{port or 6379}{parts.path}"


def _said(weight: Weight, says: str, remedy: str = "") -> Finding:
    return Finding(about="Redis", weight=weight, says=says, remedy=remedy, settings=_SETTINGS)
