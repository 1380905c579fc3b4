"""Where traces are told: OpenTelemetry's own names for it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from paceline.errors import SettingsError
from paceline.observability.tracing import Tracing
from paceline.settings.values import web_address

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
RATIO = "OTEL_TRACES_SAMPLER_ARG"


def read_tracing(env: Mapping[str, str]) -> Tracing | None:
    """None without an endpoint, whatever else is set."""
    endpoint = env.get(ENDPOINT)
    if endpoint is None:
        return None
    if web_address(endpoint) is None:
        raise SettingsError(f"{ENDPOINT} must look like http://collector:4318, not {endpoint!r}")
    return Tracing(
        endpoint=endpoint.rstrip("/") + "/v1/traces",
        headers=_headers(env),
        ratio=_ratio(env),
        service=env.get("OTEL_SERVICE_NAME", "paceline"),
    )


def _headers(env: Mapping[str, str]) -> dict[str, str]:
    """`name=value,name=value`, percent-encoded; they may be secrets, and are not repeated."""
    found = {}
    for part in env.get(HEADERS, "").split(","):
        name, equals, value = part.partition("=")
        if part.strip() and not (equals and name.strip()):
            raise SettingsError(f"{HEADERS} must look like name=value,other=value")
        if part.strip():
            found[unquote(name.strip())] = unquote(value.strip())
    return found


def _ratio(env: Mapping[str, str]) -> float:
    text = env.get(RATIO, "1")
    try:
        ratio = float(text)
    except ValueError:
        ratio = -1.0
    if not 0 <= ratio <= 1:
        raise SettingsError(f"{RATIO} must be a number from 0 to 1, not {text!r}")
    return ratio
