"""`paceline restore`: a backup takes the place of what is there, in one transaction or not at all.

That transaction also notes that what was due since the backup is to be held. So whatever stops the
command: nothing that may have been sent since is sent again. A backup of a schema that has no place
for that note is migrated first; a command that is stopped in between is to be given again.
"""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from paceline.bootstrap.backup import archive
from paceline.bootstrap.backup.archive import Manifest
from paceline.bootstrap.backup.programs import Programs, asks_for_tls, programs_for, way_to
from paceline.errors import Conflict
from paceline.persistence.condition import revisions
from paceline.persistence.database import Database
from paceline.persistence.migrate import upgrade
from paceline.persistence.snapshot import TABLES, look
from paceline.persistence.witness import HeldBack, hold_back, hold_from

_BEGIN = b"BEGIN; DROP SCHEMA IF EXISTS public CASCADE;\n"  # the dump makes it anew
# Newer programs set it; servers before 17 do not know it.
_TOO_NEW = b"SET transaction_timeout = 0;\n"
_KNOWN_SINCE = 17
_COUNT = """
DO $$ BEGIN
    IF (SELECT count(*) FROM public.{table}) <> {count} THEN
        RAISE EXCEPTION 'the backup says {count} rows of {table}, and there are others';
    END IF;
END $$;
"""
# A backup may have been taken in the middle of a hold, which is not gone on with: of another time.
_END = """
DO $$ BEGIN
    IF to_regclass('public.installation') IS NOT NULL THEN
        UPDATE public.installation SET held_from = '{taken_at}', held_until = NULL;
    END IF;
END $$;
COMMIT;
"""
_NOTED_SINCE = "0029"  # the schema; an older one has no such table until it is migrated


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put there, and what is held of it."""

    manifest: Manifest
    held: HeldBack | None  # None: a worker was faster, and has held it


async def restore(url: str, file: Path, *, home: Path, replace: bool) -> Restored:
    """Put it there. Raises `Damaged`, and `Conflict` where it may not or cannot be done."""
    manifest = await asyncio.to_thread(archive.check, file)
    if manifest.schema not in revisions()[0]:
        raise Conflict(
            f"{file} is of Paceline {manifest.version}, with schema {manifest.schema}, which this "
            "version knows nothing of: restore it with that version or a newer one"
        )
    server = await _may_replace(url, replace=replace)
    programs = programs_for(server, home=home, by_tls=asks_for_tls(url))
    await asyncio.to_thread(_put, programs, url, file, manifest, server)
    await asyncio.to_thread(upgrade, url)
    database = Database(url, pool_size=1)
    try:
        if manifest.schema < _NOTED_SINCE:
            await hold_from(database, datetime.fromisoformat(manifest.taken_at))
        return Restored(manifest, await hold_back(database, known=0))
    finally:
        await database.close()


async def _may_replace(url: str, *, replace: bool) -> int:
    """PostgreSQL's major version."""
    database = Database(url, pool_size=1)
    try:
        found = await look(database)
    finally:
        await database.close()
    if found.workers:
        raise Conflict(f"{found.workers} workers are at work on it: stop them, and the API, first")
    if found.emails is not None and not replace:
        raise Conflict(
            f"there is a database with {found.emails:,} emails: "
            "--replace puts the backup in its place"
        )
    return found.server


def _put(programs: Programs, url: str, file: Path, manifest: Manifest, server: int) -> None:
    address, env = way_to(url)
    psql = [programs["psql"], "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-w"]
    to_text = [programs["pg_restore"], "--no-owner", "--no-privileges", "--file=-"]
    with (
        archive.opened(file) as dump,
        subprocess.Popen(
            to_text, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as reader,
        subprocess.Popen(
            [*psql, f"--dbname={address}"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=env
        ) as writer,
    ):
        to_reader, script, complaints = reader.stdin, reader.stdout, reader.stderr
        to_writer, refusals = writer.stdin, writer.stderr
        assert to_reader, "a pipe"
        assert script, "a pipe"
        assert complaints, "a pipe"
        assert to_writer, "a pipe"
        assert refusals, "a pipe"
        feeding = threading.Thread(target=_feed, args=(dump, to_reader), daemon=True)
        feeding.start()
        try:
            to_writer.write(_BEGIN)
            for piece in _fitting(script, server):
                to_writer.write(piece)
            feeding.join()
            failed = reader.wait()
            if not failed:  # else nothing is committed
                to_writer.write(_last_words(manifest).encode())
            to_writer.close()
        except BrokenPipeError:
            reader.kill()
            failed = 1
        said = refusals.read().decode(errors="replace").strip()
        why = complaints.read().decode(errors="replace").strip()
    if writer.returncode or failed:
        raise Conflict(f"nothing was restored, and what was there is as it was: {said or why}")


def _feed(dump: IO[bytes], into: IO[bytes]) -> None:
    with suppress(BrokenPipeError), into:  # it has stopped, and says why itself
        while piece := dump.read(archive.PIECE):
            into.write(piece)


def _fitting(script: IO[bytes], server: int) -> Iterator[bytes]:
    """In pieces, without what this server does not know: it stands at the beginning."""
    first = script.read(archive.PIECE)
    yield first if server >= _KNOWN_SINCE else first.replace(_TOO_NEW, b"", 1)
    while piece := script.read(archive.PIECE):
        yield piece


def _last_words(manifest: Manifest) -> str:
    counts = {name: int(manifest.counts[name]) for name in TABLES if name in manifest.counts}
    checks = "".join(_COUNT.format(table=name, count=count) for name, count in counts.items())
    return "\n" + checks + _END.format(taken_at=manifest.taken_at.replace("'", ""))
