"""Private PostgreSQL and Redis: the real servers, as plain child processes of ours.

They live in a directory each and listen on a UNIX socket inside it, never on the network. This
package prepares, starts, recognises and stops them; keeping them up is the caller's
(`cli/supervise.py`), so that they are watched like every other component.
"""

from paceline.embedded.postgres import Postgres
from paceline.embedded.process import (
    Command,
    EmbeddedServerError,
    Server,
    running,
    stop_all,
    tail,
    working_in,
)
from paceline.embedded.redis import Redis

__all__ = [
    "Command",
    "EmbeddedServerError",
    "Postgres",
    "Redis",
    "Server",
    "running",
    "stop_all",
    "tail",
    "working_in",
]
