"""The pool of SMTP connections, as the settings want it."""

from __future__ import annotations

import logging

from paceline.delivery import Pool
from paceline.settings import Settings

log = logging.getLogger(__name__)


def smtp_pool(settings: Settings) -> Pool:
    """One per process; whoever asks closes it."""
    if not settings.api.verify_certificates:
        log.warning("SMTP_VERIFY=no: the certificates of SMTP servers are not checked")
    return Pool(
        allow_private_hosts=settings.api.allow_private_hosts,
        verify_certificates=settings.api.verify_certificates,
    )
