"""`paceline backup`: one moment of the database, dumped, counted, and read back."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from paceline import __version__
from paceline.bootstrap.backup import archive
from paceline.bootstrap.backup.archive import Manifest
from paceline.bootstrap.backup.programs import Programs, asks_for_tls, programs_for, way_to
from paceline.errors import Conflict
from paceline.persistence.database import Database
from paceline.persistence.snapshot import snapshot


async def back_up(url: str, file: Path, *, home: Path) -> Manifest:
    """Write `file`. Raises `Conflict` when that cannot be done; then there is no such file."""
    database = Database(url, pool_size=1)
    try:
        async with snapshot(database) as moment:
            programs = programs_for(moment.server, home=home, by_tls=asks_for_tls(url))
            manifest = Manifest(
                version=__version__,
                schema=moment.revision,
                taken_at=moment.taken_at.isoformat(),
                postgresql=moment.server,
                counts=moment.counts,
            )
            return await asyncio.to_thread(
                archive.write,
                file,
                manifest,
                _dump(programs, url, moment.id),
                partial(_read_back, programs),
            )
    finally:
        await database.close()


def _dump(
    programs: Programs, url: str, snapshot_id: str
) -> Callable[[Callable[[bytes], object]], None]:
    def dump(take: Callable[[bytes], object]) -> None:
        address, env = way_to(url)
        command = [
            programs["pg_dump"],
            "--format=custom",
            "--schema=public",
            "--no-owner",
            "--no-privileges",
            "--no-password",
            f"--snapshot={snapshot_id}",
            f"--dbname={address}",
        ]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env
        ) as process:
            assert process.stdout, "a pipe"
            assert process.stderr, "a pipe"
            while piece := process.stdout.read(archive.PIECE):
                take(piece)
            said = process.stderr.read().decode(errors="replace").strip()
        if process.returncode:
            raise Conflict(f"pg_dump failed: {said}")

    return dump


def _read_back(programs: Programs, file: Path) -> None:
    """Raises `Conflict` where pg_restore can make no sense of it."""
    with (
        archive.opened(file) as dump,
        subprocess.Popen(
            [programs["pg_restore"], "--list"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as reader,
    ):
        assert reader.stdin, "a pipe"
        assert reader.stdout, "a pipe"
        with suppress(BrokenPipeError), reader.stdin:  # it reads as far as it has to
            while piece := dump.read(archive.PIECE):
                reader.stdin.write(piece)
        listed = reader.stdout.read()
    if reader.returncode or b"email_jobs" not in listed:
        raise Conflict("pg_restore cannot read what pg_dump wrote: no backup was made")
