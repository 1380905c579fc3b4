"""What nobody caught is a line of the log too, traceback and all, wherever it came from."""

from __future__ import annotations

import logging
import sys
import threading
from types import TracebackType

_log = logging.getLogger("paceline")


def log_crashes() -> None:
    """From now on, in this process: of the main thread, of others, and where nobody could be told.

    Before typer is imported, which hands on to what it finds. What happens in a task is logged by
    the event loop.
    """
    sys.excepthook = _of_the_process
    threading.excepthook = _of_a_thread
    sys.unraisablehook = _of_nobody


def _of_the_process(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    _log.critical("ended by what nobody expected", exc_info=(kind, error, trace))


def _of_a_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None and not issubclass(ended.exc_type, SystemExit):
        trace = (ended.exc_type, ended.exc_value, ended.exc_traceback)
        _log.error("a thread ended by what nobody expected", exc_info=trace)


def _of_nobody(met: sys.UnraisableHookArgs) -> None:
    # Not its object: what that says of itself may be anybody's.
    if met.exc_value is not None:
        trace = (met.exc_type, met.exc_value, met.exc_traceback)
        _log.error("an error that nobody could be told", exc_info=trace)
