"""What one command asks for, and what makes two commands the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from paceline.cli.reading import LeadList
from paceline.domain.blocked_files import notes_on_files
from paceline.errors import InvalidInput

_CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """When to begin: as it was asked for, and the instant that this means now (None: at once).

    `problem`: that instant has passed. A campaign that was scheduled for it before is still found.
    """

    words: str
    at: datetime | None = None
    problem: InvalidInput | None = None

    def resolved(self) -> str | None:
        """The instant, as the API reads it."""
        if self.problem is not None:
            raise self.problem
        return None if self.at is None else self.at.isoformat()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """All that one command asks for."""

    campaign: Mapping[str, object]  # as the API takes it, without its start
    start: Start
    leads: LeadList
    files: Sequence[Path]
    chosen: Mapping[str, str] = field(default_factory=dict)  # about the list, before any question

    def is_inline(self, file: Path) -> bool:
        """Whether the HTML shows it."""
        return f"cid:{file.name}" in str(self.campaign.get("html", ""))

    def notes(self) -> tuple[str, ...]:
        """What is to be said of its files, and of images that the HTML shows and nobody gave."""
        from paceline.delivery import missing_images

        html = self.campaign.get("html")
        given = [file.name for file in self.files]
        missing = missing_images(html, given) if isinstance(html, str) else ()
        return (*missing, *notes_on_files(given))

    def key(self) -> str:
        """The same for whoever writes to the same list at the same time, on the same subject.

        It is compared within one account of one server, so those belong to it, too.
        """
        return _hash_of(
            {
                "sender": self.campaign["sender_id"],
                "subject": self.campaign["subject"],
                "start": " ".join(self.start.words.split()).lower(),
                "list": _digest(self.leads.file),
            }
        )

    def variant(self) -> str:
        """The same for whoever asks for the same in everything else as well."""
        return _hash_of(
            {
                "campaign": dict(self.campaign),
                "choices": dict(self.chosen),
                "files": [(file.name, _digest(file)) for file in self.files],
            }
        )


def _hash_of(asked: Mapping[str, object]) -> str:
    text = json.dumps(asked, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as source:
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
