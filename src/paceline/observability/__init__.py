"""What the processes say about themselves: logs now, metrics beside them."""

from paceline.observability.logs import configure_logging, redact

__all__ = ["configure_logging", "redact"]
