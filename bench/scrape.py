"""What a scrape of `/metrics` costs: `python -m bench.scrape --home DIR`, of `bench.seed`."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from pathlib import Path

from bench.pages import in_home
from paceline.bootstrap.metrics import Metrics, Readers
from paceline.observability.figures import Figures
from paceline.persistence.database import Database
from paceline.persistence.stores import installation_figures

LOOKS = 50
LOCAL = Readers(token=None, only_this_machine=True)


async def measured(database_url: str) -> dict[str, float]:
    """Milliseconds, the median: of a look at the installation, of a scrape that finds one kept."""
    database = Database(database_url)
    metrics = Metrics(Figures(), readers=LOCAL, probes={}, whole=database)
    looks, scrapes = [], []
    try:
        for _ in range(LOOKS):
            began = time.perf_counter()
            async with database.transaction() as session:
                await installation_figures.look(session)
            looks.append(time.perf_counter() - began)
            await metrics.read("", "localhost")
            began = time.perf_counter()
            await metrics.read("", "localhost")
            scrapes.append(time.perf_counter() - began)
    finally:
        await database.close()
    return {
        "a look at the installation": 1000 * statistics.median(looks),
        "a scrape within five seconds of one": 1000 * statistics.median(scrapes),
    }


def main() -> None:
    """Print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    with in_home(parser.parse_args().home) as servers:
        for name, milliseconds in asyncio.run(measured(servers.database_url)).items():
            print(f"{milliseconds:8.2f} ms  {name}")


if __name__ == "__main__":
    main()
