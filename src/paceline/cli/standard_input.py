"""`-` in the place of a file: standard input, read once, to its end, into a file of our own.

Whoever reads it afterwards may do so as often as needed: for its hash, for each try of an upload.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import typer

from paceline.cli.console import note
from paceline.domain.bounds import MAX_FILE_OCTETS
from paceline.errors import InvalidInput

DASH = Path("-")
NAME = "standard input"
_CHUNK_BYTES = 256 * 1024


def there(file: Path) -> Path:
    """The file, as an argument that was given: typer's own check takes `-` for a missing one."""
    if file != DASH and not file.exists():
        raise typer.BadParameter(f"file '{file}' does not exist.")
    return file


@contextmanager
def at_hand(file: Path) -> Iterator[Path]:
    """The file itself; for `-`, one with what standard input held. Raises `InvalidInput`."""
    if file != DASH:
        yield file
        return
    source = sys.stdin.buffer
    if source.isatty():
        note("reading the recipients from this terminal: end with Ctrl-D on a line of its own")
    with tempfile.TemporaryDirectory(prefix="paceline-") as folder:
        kept = Path(folder) / NAME
        with kept.open("wb") as target:
            _copy(source, target)
        yield kept


def _copy(source: BinaryIO, target: BinaryIO) -> None:
    left = MAX_FILE_OCTETS
    while chunk := source.read(_CHUNK_BYTES):
        left -= len(chunk)
        if left < 0:
            raise InvalidInput.of("-", f"holds more than {MAX_FILE_OCTETS >> 20} MiB")
        target.write(chunk)
    if left == MAX_FILE_OCTETS:
        raise InvalidInput.of("-", "standard input was empty")
