"""The files of running campaigns, for the emails that are being made: encoded once per process.

Two bounds keep the memory flat: what is kept for the next email, and what the emails under way hold
between them. Emails without files ask nothing here.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from paceline.delivery import Attached, Attachment, encoded_octets
from paceline.errors import OperationalError
from paceline.persistence.standing import Standing

MAX_KEPT_OCTETS = 64 * 1024 * 1024  # encoded
# Of messages under way; each is there up to three times while it is signed and written.
MAX_UNDER_WAY_OCTETS = 64 * 1024 * 1024


# For so long an email that was claimed waits for room; then it is handed back, so that what is
# decided meanwhile holds for it as well.
PATIENCE_SECONDS = 1.0


class FilesAway(OperationalError):
    """The files could not be read just now, or there is no room for one more email with them."""


class AttachedFiles:
    """Hands out campaigns' files, as long as there is room for emails with them."""

    def __init__(
        self,
        standing: Standing,
        *,
        max_kept_octets: int = MAX_KEPT_OCTETS,
        max_under_way_octets: int = MAX_UNDER_WAY_OCTETS,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._standing = standing
        self._max_kept_octets = max_kept_octets
        self._kept: OrderedDict[uuid.UUID, Attached] = OrderedDict()
        self._reading = asyncio.Lock()
        self._room = _Room(max_under_way_octets, patience_seconds=patience_seconds)

    @property
    def kept_octets(self) -> int:
        """What is kept for the next email."""
        return sum(files.octets for files in self._kept.values())

    @asynccontextmanager
    async def for_one_email(self, campaign_id: uuid.UUID, octets: int) -> AsyncIterator[Attached]:
        """The campaign's files, of so many octets, for as long as one email is under way.

        Raises `FilesAway`.
        """
        async with self._room.taken(encoded_octets(octets)):
            yield await self.of(campaign_id)

    async def of(self, campaign_id: uuid.UUID) -> Attached:
        """The campaign's files; read and encoded where they are not at hand.

        Raises `FilesAway`.
        """
        async with self._reading:  # one at a time, so that none is read twice at once
            files = self._kept.get(campaign_id)
            if files is None:
                files = self._kept[campaign_id] = await self._read(campaign_id)
            self._kept.move_to_end(campaign_id)
            while len(self._kept) > 1 and self.kept_octets > self._max_kept_octets:
                self._kept.popitem(last=False)
            return files

    async def _read(self, campaign_id: uuid.UUID) -> Attached:
        try:
            stored = await self._standing.attachments(campaign_id)
        except OperationalError as error:
            raise FilesAway(str(error)) from error
        files = [
            Attachment(
                file_name=file.file_name,
                content_type=file.content_type,
                content=file.content,
                content_id=file.content_id,
            )
            for file in stored
        ]
        return await asyncio.to_thread(Attached.compile, files)


class _Room:
    """So many octets, taken and returned in the order of asking."""

    def __init__(self, octets: int, *, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._all = self._free = octets
        self._turn = asyncio.Lock()  # no large email is overtaken by small ones for ever
        self._returned = asyncio.Event()

    @asynccontextmanager
    async def taken(self, octets: int) -> AsyncIterator[None]:
        """Wait for so much room. Whoever needs more than there is takes all of it.

        Raises `FilesAway`.
        """
        octets = min(octets, self._all)
        try:
            async with asyncio.timeout(self._patience_seconds), self._turn:
                while self._free < octets:
                    self._returned.clear()
                    await self._returned.wait()
                self._free -= octets
        except TimeoutError:
            raise FilesAway("too many emails with files are under way") from None
        try:
            yield
        finally:
            self._free += octets
            self._returned.set()
