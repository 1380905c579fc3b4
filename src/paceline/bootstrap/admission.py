"""Who may be here, by the settings."""

from __future__ import annotations

from paceline.auth.admission import Admission
from paceline.settings import Settings


def admission_of(settings: Settings) -> Admission:
    """The rules that every sign-in, session and key is held against."""
    return Admission(
        admins=settings.sign_in.admins,
        allowed_domains=settings.sign_in.allowed_domains,
        only_this_machine=settings.api.only_this_machine,
    )
