"""The pool of SMTP connections, as the settings want it."""

from __future__ import annotations

import asyncio
import logging
import socket

from paceline.auth.secretbox import SecretBox
from paceline.delivery import Pool
from paceline.domain.host_names import public_name
from paceline.persistence.database import Database
from paceline.persistence.standing import Standing
from paceline.sending.grants import KeptGrants
from paceline.settings import Settings

log = logging.getLogger(__name__)


async def smtp_pool(settings: Settings, database: Database) -> Pool:
    """One per process; whoever asks closes it."""
    grants = KeptGrants(Standing(database), SecretBox.of(settings.secrets))
    if not settings.api.verify_certificates:
        log.warning("SMTP_VERIFY=no: the certificates of SMTP servers are not checked")
    return Pool(
        allow_private_hosts=settings.api.allow_private_hosts,
        verify_certificates=settings.api.verify_certificates,
        helo_name=settings.api.helo_name or await _own_name(),
        keep_grant=grants.keep,
    )


async def _own_name() -> str | None:
    # The resolver may take its time over it.
    return public_name(await asyncio.to_thread(socket.getfqdn))
