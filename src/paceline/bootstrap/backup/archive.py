"""The file of a backup: a ZIP with `database.dump`, as pg_dump wrote it, and `manifest.json`.

It gets its name when it is whole and has been read back; nothing that is there is replaced.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from paceline.errors import Conflict, DomainError

DUMP, MANIFEST = "database.dump", "manifest.json"
FORMAT = 1
PIECE = 1 << 20
MAX_MANIFEST_OCTETS = 1 << 20


class Damaged(DomainError):
    """No backup of ours, or not what was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is in a backup."""

    version: str  # of Paceline
    schema: str
    taken_at: str  # ISO 8601
    postgresql: int  # major version
    counts: Mapping[str, int]
    octets: int = 0
    sha256: str = ""
    format: int = FORMAT


def write(
    file: Path,
    manifest: Manifest,
    dump: Callable[[Callable[[bytes], object]], None],
    read_back: Callable[[Path], None],
) -> Manifest:
    """Make one, of what `dump` hands on in pieces; `read_back` raises where it is good for nothing.

    Raises `Conflict` where there is one already.
    """
    if file.exists():
        raise Conflict(f"{file} is there already: a backup replaces none")
    draft = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w+b") as output:
            with zipfile.ZipFile(output, "w") as packed:
                digest, octets = hashlib.sha256(), 0
                with packed.open(DUMP, "w", force_zip64=True) as member:

                    def take(piece: bytes) -> None:
                        nonlocal octets
                        member.write(piece)
                        digest.update(piece)
                        octets += len(piece)

                    dump(take)
                whole = {**asdict(manifest), "octets": octets, "sha256": digest.hexdigest()}
                packed.writestr(MANIFEST, json.dumps(whole, indent=2) + "\n")
            output.flush()
            os.fsync(output.fileno())
        made = check(draft)
        read_back(draft)
        os.link(draft, file)
    except FileExistsError:
        raise Conflict(f"{file} is there already: a backup replaces none") from None
    except OSError as error:
        raise Conflict(f"{file} cannot be written: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)
    return made


def check(file: Path) -> Manifest:
    """Read all of it. Raises `Damaged`."""
    manifest = read_manifest(file)
    digest, octets = hashlib.sha256(), 0
    with opened(file) as dump:
        try:
            while piece := dump.read(PIECE):
                digest.update(piece)
                octets += len(piece)
        except (zipfile.BadZipFile, EOFError) as error:
            raise Damaged(f"{file} is damaged: {error}") from error
    if (octets, digest.hexdigest()) != (manifest.octets, manifest.sha256):
        raise Damaged(f"{file} is damaged: its checksum is not the one that its manifest says")
    return manifest


def read_manifest(file: Path) -> Manifest:
    """Raises `Damaged`."""
    try:
        with zipfile.ZipFile(file) as packed, packed.open(MANIFEST) as member:
            said: dict[str, Any] = json.loads(member.read(MAX_MANIFEST_OCTETS))
        if said.get("format") != FORMAT:
            raise Damaged(f"{file} is of a form that this version does not know: upgrade first")
        return Manifest(**said)
    except OSError as error:
        raise Damaged(f"{file} cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError) as error:
        raise Damaged(f"{file} is no backup of Paceline's, or not whole") from error


@contextmanager
def opened(file: Path) -> Iterator[IO[bytes]]:
    """What pg_dump wrote."""
    with zipfile.ZipFile(file) as packed, packed.open(DUMP) as member:
        yield member
