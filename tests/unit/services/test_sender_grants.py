"""Grants for access tokens: whose endpoint they may name, and what is filled in."""

from __future__ import annotations

import pytest

from paceline.errors import InvalidInput
from paceline.services.sender_grants import NewGrant, completed

MICROSOFT = "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token"


def new(**values: str) -> NewGrant:
    return NewGrant(**{"client_id": "c", "refresh_token": "r", **values})


def test_endpoint_and_scope_are_those_of_the_provider() -> None:
    google = completed(new(), "smtp.gmail.com", any_endpoint=False)
    assert google.token_endpoint == "https://oauth2.googleapis.com/token"
    assert google.scope is None
    microsoft = completed(new(), "smtp.office365.com", any_endpoint=False)
    assert microsoft.scope == "https://outlook.office.com/SMTP.Send offline_access"


def test_a_tenant_of_microsofts_may_be_named() -> None:
    grant = completed(new(token_endpoint=MICROSOFT), "smtp.office365.com", any_endpoint=False)
    assert grant.token_endpoint == MICROSOFT


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://tokens.example/token",
        "http://169.254.169.254/latest",
        "http://127.0.0.1:8080/token",
        f"{MICROSOFT}?x=1",
        "https://login.microsoftonline.com/a/../b/oauth2/v2.0/token",
        "https://login.microsoftonline.com.evil.example/a/oauth2/v2.0/token",
    ],
)
def test_secrets_go_to_nobody_else(endpoint: str) -> None:
    with pytest.raises(InvalidInput, match=r"Google's or Microsoft's"):
        completed(new(token_endpoint=endpoint), "smtp.gmail.com", any_endpoint=False)


def test_an_installation_of_ones_own_may_name_another() -> None:
    grant = completed(new(token_endpoint="https://tokens.example/t"), "mail.x", any_endpoint=True)
    assert grant.token_endpoint == "https://tokens.example/t"
