"""People's pictures: fetched by us at sign-in, so that no page of ours loads anything from others.

The provider names the address, and people may have told it the provider: it is connected to only
where it is public, at the address that was checked, without redirects, within few octets and less
than two seconds. Without a picture there are initials.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import uuid
from datetime import timedelta

import httpx2

from paceline.auth.bounded_http import Bounded
from paceline.delivery.hosts import public_addresses
from paceline.errors import PacelineError
from paceline.persistence.database import Database
from paceline.persistence.stores import vouching

SECONDS = 2.0  # that a sign-in may wait for it
MAX_OCTETS = 256 * 1024
MAX_URL_CHARACTERS = 2_000
KEPT = timedelta(days=1)  # then the same address is fetched again
# By their first octets, whatever the answer calls itself. No SVG: it is a document, not a picture.
_KINDS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)

_NOT_TO_BE_HAD = (
    *(TimeoutError, OSError, ValueError, PacelineError),
    *(httpx2.HTTPError, httpx2.InvalidURL),
)

log = logging.getLogger(__name__)


class Avatars:
    """Fetches and keeps them."""

    def __init__(self, database: Database, *, allow_private_hosts: bool = False) -> None:
        self._database = database
        self._allow_private_hosts = allow_private_hosts

    async def refresh(self, user_id: uuid.UUID, url: str | None) -> None:
        """Have the picture at this address, if it can be had: never an error, a sign-in goes on."""
        async with self._database.transaction() as session:
            if url is None:
                await vouching.drop_avatar(session, user_id)
                return
            if await vouching.avatar_url(session, user_id, newer_than=KEPT) == url:
                return
        try:
            async with asyncio.timeout(SECONDS):
                content = await self._fetch(url)
        except _NOT_TO_BE_HAD as error:
            log.info("a picture could not be had: %s", type(error).__name__)
            return
        media_type = kind_of(content)
        if media_type is None:
            log.info("a picture could not be had: it is none")
            return
        async with self._database.transaction() as session:
            await vouching.store_avatar(
                session,
                user_id,
                url=url,
                media_type=media_type,
                content=content,
                version=hashlib.sha256(content).hexdigest()[:16],
            )

    async def of(self, user_id: uuid.UUID) -> tuple[str, bytes] | None:
        """(media type, picture), where there is one."""
        async with self._database.transaction() as session:
            return await vouching.avatar_of(session, user_id)

    async def _fetch(self, url: str) -> bytes:
        if len(url) > MAX_URL_CHARACTERS:
            raise ValueError("too long")
        asked = httpx2.URL(url)
        plain_too = {"http", "https"} if self._allow_private_hosts else {"https"}
        if asked.scheme not in plain_too or (asked.port and not self._allow_private_hosts):
            raise ValueError("not https on its own port")
        addresses = await public_addresses(
            asked.host,
            asked.port or (443 if asked.scheme == "https" else 80),
            allow_private=self._allow_private_hosts,
        )
        # To the address that was checked, under the name that was asked for: the certificate is
        # held against that name.
        request = httpx2.Request(
            "GET",
            asked.copy_with(host=addresses[0]),
            headers={"Host": asked.netloc.decode("ascii"), "Accept": "image/png, image/jpeg"},
            extensions={"sni_hostname": asked.host, "timeout": httpx2.Timeout(SECONDS).as_dict()},
        )
        async with httpx2.AsyncClient(transport=Bounded(MAX_OCTETS), timeout=SECONDS) as http:
            response = await http.send(request)
        if response.status_code != httpx2.codes.OK:
            raise ValueError(f"status {response.status_code}")
        return response.content


def kind_of(content: bytes) -> str | None:
    """The media type of a picture that browsers show; None for all else."""
    for head, media_type in _KINDS:
        if content.startswith(head):
            return media_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None
