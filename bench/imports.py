"""An import of many rows through `services.imports`, beside the plainest form of the same.

`python -m bench.imports URL FILE` is the child that one import runs in, so that its memory is its
own; it prints seconds, CPU seconds and the peak of its resident memory as JSON.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import asyncpg
import psutil

from bench.processes import cpu_seconds
from paceline.domain.identifiers import new_id
from paceline.persistence.database import Database
from paceline.services.imports import Imports
from paceline.services.quotas import Quotas
from paceline.settings.shares import ShareSettings
from tests.world import World

CHUNK_OCTETS = 64 * 1024
SUBJECT = "A question about {{ company }}"
_FIRST = ("Anna", "James", "Maria", "John", "Michael", "Sarah", "David", "Laura", "Robert")
_LAST = ("Smith", "Meyer", "Johnson", "Garcia", "Brown", "Schmidt", "Jones", "Rossi", "Weber")
_SYLLABLES = ("ba", "bor", "da", "del", "en", "far", "gar", "hal", "jor", "ka", "lan", "min", "ta")
# One table, its key and its index of words: nothing is checked, and nothing else is kept.
_PLAIN = """
    CREATE TABLE plain (id uuid PRIMARY KEY, email text, first_name text, company text,
                        words tsvector GENERATED ALWAYS AS
                        (to_tsvector('simple', email || ' ' || first_name || ' ' || company))
                        STORED);
    CREATE INDEX ON plain USING gin (words);
"""
COLUMNS = ("email", "first_name", "company")


class _NoBell:
    async def ring(self, senders: Sequence[uuid.UUID]) -> None:
        """Nobody is to be woken: the campaign stays a draft."""


def write_rows(file: Path, rows: int) -> None:
    """A list with every address another one. A million rows fit into one upload (50 MiB)."""
    dice = random.Random(15)
    with file.open("w") as out:
        print(",".join(COLUMNS), file=out)
        for number in range(rows):
            first, last = dice.choice(_FIRST), dice.choice(_LAST)
            company = "".join(dice.choices(_SYLLABLES, k=3))
            address = f"{first[0]}.{last}{number}@{company}.org".lower()
            print(address, first, company.title(), sep=",", file=out)


def ours(url: str, postgres: psutil.Process, file: Path, rows: int) -> Mapping[str, float]:
    """One import in a process of its own. All is gone afterwards."""
    before = cpu_seconds(postgres)
    command = [sys.executable, "-m", "bench.imports", url, str(file)]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    assert told["accepted"] == rows
    return {
        "rows/s": rows / told["seconds"],
        "seconds": told["seconds"],
        "Paceline CPU µs": told["cpu"] / rows * 1e6,
        "PostgreSQL CPU µs": (cpu_seconds(postgres) - before) / rows * 1e6,
        "peak RSS MB": told["rss_mb"],
    }


def plain_copy(url: str, postgres: psutil.Process, file: Path, rows: int) -> Mapping[str, float]:
    """COPY into one table that has to_tsvector('simple') under GIN."""
    before = cpu_seconds(postgres)
    seconds = asyncio.run(_copied(url, file))
    return {
        "rows/s": rows / seconds,
        "seconds": seconds,
        "PostgreSQL CPU µs": (cpu_seconds(postgres) - before) / rows * 1e6,
    }


async def _copied(url: str, file: Path) -> float:
    driver = await asyncpg.connect(url)
    try:
        await driver.execute(f"{_PLAIN} ALTER TABLE plain ALTER id SET DEFAULT uuidv7()")
        begun = time.perf_counter()
        await driver.copy_to_table("plain", source=file, columns=COLUMNS, format="csv", header=True)
        return time.perf_counter() - begun
    finally:
        await driver.execute("DROP TABLE IF EXISTS plain")
        await driver.close()


async def _chunks(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as source:
        while chunk := source.read(CHUNK_OCTETS):
            yield chunk


async def _imported(url: str, file: Path) -> dict[str, float]:
    database = Database(url)
    world = World(database, owner_id=new_id())
    await world.execute(
        "INSERT INTO users (id, issuer, subject, name) VALUES ($1, 'bench', $2, 'Bench')",
        world.owner_id,
        str(world.owner_id),
    )
    sender = await world.sender(port=1)
    campaign = await world.campaign(
        sender, subject=SUBJECT, text_body="Dear {{ first_name }}", state="draft"
    )
    begun, cpu = time.perf_counter(), time.process_time()
    imports = Imports(database, _NoBell(), Quotas(ShareSettings()))
    report = await imports.add_csv(world.owner_id, campaign, _chunks(file))
    told = {
        "accepted": report.accepted,
        "seconds": time.perf_counter() - begun,
        "cpu": time.process_time() - cpu,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    await world.execute("TRUNCATE users CASCADE")
    await database.close()
    return told


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_imported(sys.argv[1], Path(sys.argv[2])))))
