"""Asks the Open Source Vulnerabilities database (OSV) about each package of a lock file.

One line per known vulnerability, with the version that mends it, and exit 1. Where the database
cannot be asked one line says so, and nothing fails: whoever is offline can still check the rest.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

OSV = "https://api.osv.dev/v1/query"
TIMEOUT_SECONDS = 10  # of one question
LONGEST_SECONDS = 180  # of all of them
# What pip-audit ends with where the database is away, or answers what is no answer.
_AWAY = ("requests.exceptions.", "pip_audit._service.interface.", "Could not connect")


def main() -> int:
    """Exit 0: nothing is known, or nobody could be asked; 1: something is, or no lock was read."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("lock", type=Path)
    asked.add_argument("--osv-url", default=OSV, help="ask another server, of the same API")
    asked.add_argument("--ignore-vuln", action="append", default=[], metavar="ID")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        options = [f"--ignore-vuln={one}" for one in given.ignore_vuln]
        try:
            ended = _run(given.lock, report, ["--osv-url", given.osv_url, *options])
        except subprocess.TimeoutExpired:
            return _not_done(given.osv_url)
        last = (ended.stderr.strip().splitlines() or ["it did not say why"])[-1]
        if not report.exists():
            if any(away in last for away in _AWAY):
                return _not_done(given.osv_url)
            print(f"audit: {given.lock} cannot be audited: {last}", file=sys.stderr)
            return 1
        packages = json.loads(report.read_text())["dependencies"]
    found = list(_told(packages))
    for line in found:
        print(f"audit: {line}", file=sys.stderr)
    if not found:
        print(f"audit: {len(packages)} packages, no known vulnerability")
    return 1 if found else 0


def _run(lock: Path, report: Path, options: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "pip_audit", "--requirement", str(lock)),
            *("--require-hashes", "--disable-pip", "--vulnerability-service", "osv"),
            *("--progress-spinner", "off", "--timeout", str(TIMEOUT_SECONDS)),
            *("--format", "json", "--desc", "off", "--output", str(report), *options),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
    )


def _not_done(url: str) -> int:
    print(f"audit: not done, for {urlsplit(url).netloc} does not answer, or is in trouble")
    return 0


def _told(packages: list[dict[str, Any]]) -> Iterator[str]:
    for package in packages:
        for known in package.get("vulns", ()):
            names = ", ".join([known["id"], *sorted(known["aliases"])])
            mended = ", ".join(known["fix_versions"])
            remedy = f"fixed in {mended}" if mended else "not fixed yet"
            yield f"{package['name']} {package['version']}: {names}; {remedy}"


if __name__ == "__main__":
    sys.exit(main())
