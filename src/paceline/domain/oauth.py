"""Who gives access tokens for mailboxes, and where a person is asked for access to theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """One provider (RFC 6749 §4.1).

    `parameters` are its own, without which it gives no refresh token. `scope` is of what a token is
    for; who the account is comes on top.
    """

    name: str  # as people know it
    authorization_endpoint: str
    token_endpoint: str
    scope: str
    issuer: str | None = None  # as it signs its answers (RFC 9207)
    userinfo_endpoint: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


# developers.google.com/identity/protocols/oauth2/web-server: a refresh token comes with a consent.
GOOGLE = OAuth(
    name="Google",
    authorization_endpoint="https://accounts.google.com/o/oauth2/v2/auth",
    token_endpoint="https://oauth2.googleapis.com/token",  # noqa: S106  # an address
    scope="https://mail.google.com/",
    issuer="https://accounts.google.com",
    parameters={"access_type": "offline", "prompt": "consent"},
)
# learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-…-using-oauth
_MICROSOFT = "https://login.microsoftonline.com/common/oauth2/v2.0"
MICROSOFT = OAuth(
    name="Microsoft",
    authorization_endpoint=f"{_MICROSOFT}/authorize",
    token_endpoint=f"{_MICROSOFT}/token",
    scope="https://outlook.office.com/SMTP.Send offline_access",
)
