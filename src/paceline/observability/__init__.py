"""What the processes say about themselves: logs now, metrics beside them."""

from paceline.observability.crashes import log_crashes
from paceline.observability.logs import configure_logging, redact, refuse_log_settings, writes_json
from paceline.observability.requests import AccessLog, request_id

__all__ = [
    "AccessLog",
    "configure_logging",
    "log_crashes",
    "redact",
    "refuse_log_settings",
    "request_id",
    "writes_json",
]
