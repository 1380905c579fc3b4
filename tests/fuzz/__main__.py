"""`make fuzz`: bad inputs from a fresh seed, for as long as is asked. Exits 1 at the first finding.

`--family` keeps to one kind; with `--case` as well, that one input is tried again, alone.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paceline.embedded import Postgres, running
from paceline.persistence.migrate import upgrade
from tests.fuzz.families import families
from tests.fuzz.hunting import Family, Found, hunt, judged, made, table


def main() -> int:
    given = _arguments()
    with _database() as url:
        known = families(url)
        chosen = [known[given.family]] if given.family else list(known.values())
        try:
            if given.case is not None:
                return _again(chosen[0], given.seed, given.case)
            share = given.seconds / len(chosen)
            print(f"seed {given.seed}, {share:.0f} s for each family", flush=True)
            print(table([hunt(family, seed=given.seed, seconds=share) for family in chosen]))
        except Found as found:
            print(found)
            return 1
    return 0


def _again(family: Family, seed: int, number: int) -> int:
    given = made(family, seed, number)
    with family.open() as judge:
        print(judged(judge, given, family, seed, number))
    return 0


@contextmanager
def _database() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="pl-", ignore_cleanup_errors=True) as folder:
        server = Postgres(Path(folder).resolve() / "postgres")
        with running(server, log=Path(folder) / "postgres.log"):
            upgrade(server.url)
            yield server.url


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="over all families")
    parser.add_argument(
        "--seed", type=int, default=secrets.randbelow(10**9), help="else a fresh one"
    )
    parser.add_argument("--family", help="only this one")
    parser.add_argument("--case", type=int, help="only this input, of a family and a seed")
    given = parser.parse_args()
    if given.case is not None and not given.family:
        parser.error("--case needs --family and --seed")
    return given


if __name__ == "__main__":
    sys.exit(main())
