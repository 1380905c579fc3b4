"""The names of all settings. One that nobody knows is a mistake, and stops the start.

So is one that only looks like ours (`PACLINE_HOST`, `paceline_host`). What Kubernetes puts into
every environment for a service called `paceline` is not meant for us, and is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import SequenceMatcher, get_close_matches

from paceline.errors import SettingsError
from paceline.settings.files import SECRETS, SUFFIX

# Known here, read elsewhere: by the command line, by the build of the web assets.
_READ_ELSEWHERE = frozenset(
    {"PACELINE_ENV_FILE", "PACELINE_HOME", "PACELINE_LOG", "PACELINE_LOG_LEVEL"}
    | {"PACELINE_COMPONENT", "PACELINE_URL", "PACELINE_API_KEY"}
    | {"PACELINE_SKIP_FRONTEND", "PACELINE_BUNDLED_NODE"}
)
_READ_HERE = frozenset(
    {"PACELINE_SECRET_KEY", "PACELINE_SECRET_KEY_RETIRED", "PACELINE_HOST"}
    | {"PACELINE_LANES", "PACELINE_LEASE_SECONDS"}
    | {"PACELINE_HEARTBEAT_SECONDS", "PACELINE_GUARD_MARGIN_SECONDS"}
    | {"PACELINE_STOP_SECONDS", "PACELINE_HEALTH_PORT", "PACELINE_METRICS_TOKEN"}
    | {"PACELINE_REQUESTS_PER_MINUTE", "PACELINE_SIGN_INS_PER_MINUTE"}
    | {"PACELINE_SENDERS_PER_OWNER", "PACELINE_EMAILS_PER_OWNER"}
    | {"PACELINE_STORED_MIB_PER_OWNER", "PACELINE_INBOX_MIB"}
    | {"PACELINE_IDEMPOTENCY_KEYS_PER_OWNER"}
    | {"PACELINE_KEEP_CONTENT_DAYS", "PACELINE_KEEP_ATTEMPTS_DAYS", "PACELINE_KEEP_AUDIT_DAYS"}
    | {"PACELINE_KEEP_INBOX_DAYS", "PACELINE_KEEP_DRAFTS_DAYS", "PACELINE_KEEP_IMPORTS_DAYS"}
)
_WITHOUT_PREFIX = frozenset(
    {
        "DATABASE_URL",
        "DATABASE_DIRECT_URL",
        "REDIS_URL",
        "REDIS_HOST",
        "REDIS_PORT",
        "PORT",
        "BASE_URL",
    }
    | {"WORKER_CONCURRENCY", "DEVINBOX_HOST", "DEVINBOX_PORT", "ALLOW_PRIVATE_HOSTS"}
    | {"FORWARDED_ALLOW_IPS"}
    | {"SMTP_VERIFY", "HELO_NAME", "DNS_SERVER"}
    | {"GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET", "GOOGLE_BUTTON", "OIDC_ISSUER"}
    | {"ALLOWED_DOMAINS", "ADMINS"}
    | {"ETHEREAL_EMAIL", "ETHEREAL_PASS"}
    | {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"}
    | {"OTEL_TRACES_SAMPLER_ARG", "OTEL_SERVICE_NAME"}
)
_IN_FILES = frozenset(name + SUFFIX for name in SECRETS)
NAMES = _READ_HERE | _READ_ELSEWHERE | _WITHOUT_PREFIX | _IN_FILES

_PREFIX = "PACELINE"
_OF_KUBERNETES = re.compile(r"PACELINE\w*_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)")
_ALIKE = 0.75  # of 1, as `difflib` measures it
_ALIKE_WITHOUT_PREFIX = 0.85  # they share the environment with other programs
_SHORTEST = 7  # characters; PORT is too short to be misspelt for certain


def refuse_unknown(env: Mapping[str, str]) -> None:
    """Raises `SettingsError` at the first name that looks like ours and is none."""
    for name in sorted(env):
        if name not in NAMES and looks_like_ours(name) and not _is_of_kubernetes(name, env[name]):
            raise SettingsError(f"unknown setting {name}{nearest(name)}")


def nearest(name: str) -> str:
    """`; is PORT meant?`, or where to look when no name is near."""
    text = name.upper().replace("-", "_")
    spellings = (text, text.partition("_")[2])  # our prefix may be one too many
    alike, best = max(
        (SequenceMatcher(a=spelling, b=known).ratio(), known)
        for known in NAMES
        for spelling in spellings
    )
    return f"; is {best} meant?" if alike >= _ALIKE else "; .env.example has them all"


def looks_like_ours(name: str) -> bool:
    """Whether it has our prefix, or nearly."""
    first = re.split(r"[_-]", name.upper(), maxsplit=1)
    return len(first) > 1 and bool(get_close_matches(first[0], [_PREFIX], cutoff=_ALIKE))


def lookalikes(env: Mapping[str, str]) -> list[tuple[str, str]]:
    """Names without our prefix that may be slips of the pen, each with the name of ours.

    They may as well be another program's, so that nothing is stopped by them.
    """
    found = []
    for name in sorted(env):
        if name in NAMES or len(name) < _SHORTEST or looks_like_ours(name):
            continue
        if name.endswith(SUFFIX) and name.removesuffix(SUFFIX) in _WITHOUT_PREFIX:
            found.append((name, name.removesuffix(SUFFIX)))  # only secrets may be in files
            continue
        near = get_close_matches(
            name.upper(), sorted(_WITHOUT_PREFIX), n=1, cutoff=_ALIKE_WITHOUT_PREFIX
        )
        if near and near[0] not in env:
            found.append((name, near[0]))
    return found


def _is_of_kubernetes(name: str, value: str) -> bool:
    if name == "PACELINE_PORT":  # ours is PORT, and no number is an address
        return value.startswith("tcp://")
    return _OF_KUBERNETES.fullmatch(name) is not None
