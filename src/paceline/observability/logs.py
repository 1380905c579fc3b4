"""Logs through the standard library: words on a terminal, one JSON object per line otherwise.

Every line names its component, and the request that it belongs to. What looks like a secret is
blotted out on the way, whoever logged it: API keys, one-time tokens, passwords within URLs.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TextIO

from paceline.errors import SettingsError
from paceline.observability.requests import request_id

_SECRETS = (
    (re.compile(r"\bpl_[A-Za-z0-9_-]{8,}"), "pl_***"),
    (re.compile(r"(?i)\b(token|password|secret|api_key)=[^&\s\"']+"), r"\1=***"),
    # From the beginning of a word: from each character on, a long word would be read to its end.
    (re.compile(r"(?<!\w)(\w+://[^/\s:@]*):[^/\s@]+@"), r"\1:***@"),
    # What PostgreSQL adds to an error holds values: `Key (email)=(ada@example.com) already exists`.
    (re.compile(r"(DETAIL:\s+)(?:[^\n\\]|\\(?!n))+"), r"\1***"),
    # Its driver says which value it could not pass on: a column's, which may be anybody's.
    (re.compile(r"(invalid input for query argument \$\d+): .+"), r"\1: ***"),
    # So do the checks of what comes in and goes out.
    (re.compile(r"(input_value=).+(, input_type=)"), r"\1***\2"),
    (re.compile(r"('input': ).+"), r"\1***"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), r"\1 ***"),
)
_FORMS = ("", "text", "json")
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
_QUIET = ("alembic", "asyncio", "httpcore2", "httpx2", "uvicorn.access")


def configure_logging(
    component: str, env: Mapping[str, str], *, stream: TextIO | None = None
) -> None:
    """Send all logs to `stream` (standard error). PACELINE_LOG is `text` or `json`,
    PACELINE_LOG_LEVEL one of debug, info, warning, error; `up` names its children by
    PACELINE_COMPONENT. Raises `SettingsError`.
    """
    output = stream or sys.stderr
    name = env.get("PACELINE_COMPONENT") or component
    form, level = env.get("PACELINE_LOG", "").lower(), env.get("PACELINE_LOG_LEVEL", "").upper()
    in_json = form == "json" or (form != "text" and not output.isatty())
    handler = _Handler(output)
    handler.setFormatter(JsonFormatter(name) if in_json else TextFormatter(name))
    handler.addFilter(_with_request)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level if level in _LEVELS else "INFO")
    for noisy in _QUIET:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # it warns of each word of a stranger
    logging.captureWarnings(True)
    refuse_log_settings(env)  # last, so that this is told as everything else is


def refuse_log_settings(env: Mapping[str, str]) -> None:
    """Raises `SettingsError` for a form or a level that there is not."""
    form, level = env.get("PACELINE_LOG", ""), env.get("PACELINE_LOG_LEVEL", "")
    if form.lower() not in _FORMS:
        raise SettingsError(f"PACELINE_LOG must be text or json, not {form!r}")
    if level and level.upper() not in _LEVELS:
        raise SettingsError(
            f"PACELINE_LOG_LEVEL must be debug, info, warning or error, not {level!r}"
        )


def writes_json() -> bool:
    """Whether what is logged is JSON, one object per line."""
    return any(isinstance(one.formatter, JsonFormatter) for one in logging.getLogger().handlers)


def _with_request(record: logging.LogRecord) -> bool:
    if number := request_id():
        record.request_id = number
    return True


def redact(text: str) -> str:
    """`text` without anything that looks like a secret."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class _Handler(logging.StreamHandler[TextIO]):
    """A line that cannot be written as its caller meant it is told of as any other error is."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name for it
        """Where it came from and why, and nothing of what it was to say."""
        at = f"{record.pathname}:{record.lineno}"
        told = logging.LogRecord(
            "paceline", logging.ERROR, at, 0, "unreadable: a line of %s", (at,), sys.exc_info()
        )
        with suppress(OSError, ValueError):  # nobody reads what is written here any more
            self.stream.write(self.format(told) + self.terminator)
            self.flush()


class JsonFormatter(logging.Formatter):
    """One object per line: at, level, component, logger, message, what `extra` added, exception."""

    def __init__(self, component: str) -> None:
        super().__init__()
        self._component = component

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "component": self._component,
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        # Before it is JSON: what is taken out of that could be the end of a string.
        return json.dumps(_redacted(entry), ensure_ascii=False)


def _redacted(value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {str(key): _redacted(one) for key, one in value.items()}
        case list() | tuple():
            return [_redacted(one) for one in value]
    return redact(str(value))


class TextFormatter(logging.Formatter):
    """Time, level, component, message; for people, in their own zone."""

    default_msec_format = "%s.%03d"
    default_time_format = "%H:%M:%S"

    def __init__(self, component: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)-7s {component}  %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        number = getattr(record, "request_id", None)
        return redact(super().format(record) + (f" [{number}]" if number else ""))
