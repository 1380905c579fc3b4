"""Postfix's `smtp-source` against the sink: what a program that only sends can reach here."""

from __future__ import annotations

import shutil
import subprocess

from bench.client import BODY, CONNECTIONS
from bench.processes import Meter
from bench.servers import SinkProcess

TIMEOUT_SECONDS = 120
# Debian keeps it out of an ordinary user's PATH.
PLACES = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"


def program() -> str | None:
    """Where it is, if Postfix is installed."""
    return shutil.which("smtp-source") or shutil.which("smtp-source", path=PLACES)


def smtp_source(path: str, sink: SinkProcess, count: int) -> dict[str, float]:
    """16 connections, kept open (`-d`), messages as long as everybody else's."""
    options = ["-d", "-s", str(CONNECTIONS), "-m", str(count), "-l", str(len(BODY))]
    people = ["-f", "a@example.com", "-t", "b@example.org"]
    before = sink.taken()
    meter = Meter({"sink": [sink.info]})
    subprocess.run(
        [path, *options, *people, f"inet:127.0.0.1:{sink.port}"],
        check=True,
        timeout=TIMEOUT_SECONDS,
    )
    figures = meter.per(count)
    assert sink.taken() - before == count
    return figures
