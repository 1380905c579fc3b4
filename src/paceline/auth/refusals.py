"""Why somebody was not signed in. The pages have words for each; the log has the detail."""

from __future__ import annotations

from enum import StrEnum

from paceline.errors import DomainError, OperationalError


class Refusal(StrEnum):
    """What is told apart because something else helps."""

    STALE = "stale"  # not begun in this browser, too long ago, or carried out already
    CANCELLED = "cancelled"  # the person said no at the provider
    PROVIDER_ERROR = "provider_error"  # the provider reports an error
    MISCONFIGURED = "misconfigured"  # the provider does not know us, or is not the one we asked
    UNTRUSTED = "untrusted"  # what came back cannot be relied upon
    NO_EMAIL = "no_email"
    UNVERIFIED_EMAIL = "unverified_email"
    DOMAIN = "domain"  # outside ALLOWED_DOMAINS
    NOT_LISTED = "not_listed"  # ADMINS names others, and nobody else may in
    NOBODY_CHOSEN = "nobody_chosen"  # reachable from elsewhere, with neither of them set
    DISABLED = "disabled"
    TAKEN = "taken"  # to be connected, but it is another user's


class SignInRefused(DomainError):
    """This sign-in is not accepted. The message is for the log: it holds no secret."""

    def __init__(self, reason: Refusal, detail: str, *, email: str | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.email = email


class ProviderUnreachable(OperationalError):
    """The provider did not answer, or not with anything that we could use."""
