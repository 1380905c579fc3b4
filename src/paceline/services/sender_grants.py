"""Grants for access tokens: completed by what is known of the provider, sealed at rest."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import asdict, dataclass

from paceline.auth.secretbox import SecretBox, smtp_grant_label
from paceline.delivery import Grant
from paceline.domain.presets import PRESETS, preset_for_host
from paceline.errors import FieldProblem, InvalidInput

FIELD = "smtp_oauth"
OF_A_TENANT = re.compile(r"https://login\.microsoftonline\.com/[A-Za-z0-9.-]+/oauth2/v2\.0/token")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGrant:
    """As it is given: endpoint and scope are those of the server's provider if they are not."""

    client_id: str
    refresh_token: str
    client_secret: str | None = None
    token_endpoint: str | None = None
    scope: str | None = None


def completed(given: NewGrant, smtp_host: str, *, any_endpoint: bool) -> Grant:
    """The whole grant. Raises `InvalidInput` naming its fields as `smtp_oauth.…`.

    Secrets go to the endpoint, and it is reached from our network: `any_endpoint` allows others
    than those of the providers that are known.
    """
    preset = preset_for_host(smtp_host)
    endpoint = given.token_endpoint or (preset.token_endpoint if preset else None)
    if endpoint is None:
        raise InvalidInput.of(f"{FIELD}.token_endpoint", "is missing: this server's is not known")
    if not any_endpoint and not _is_known(endpoint):
        raise InvalidInput.of(f"{FIELD}.token_endpoint", "must be Google's or Microsoft's")
    try:
        return Grant(
            token_endpoint=endpoint,
            client_id=given.client_id,
            client_secret=given.client_secret or None,
            refresh_token=given.refresh_token,
            scope=given.scope or _scope_of(smtp_host, endpoint),
        )
    except InvalidInput as invalid:
        raise InvalidInput(
            [FieldProblem(f"{FIELD}.{p.field}", p.message) for p in invalid.problems]
        ) from None


def sealed(secrets: SecretBox, owner_id: uuid.UUID, sender_id: uuid.UUID, grant: Grant) -> bytes:
    """As it is stored."""
    label = smtp_grant_label(owner_id=owner_id, sender_id=sender_id)
    values = asdict(grant)
    del values["of"]  # it is the row's own
    return secrets.seal(json.dumps(values), label=label)


def _is_known(endpoint: str) -> bool:
    known = {preset.token_endpoint for preset in PRESETS}
    return endpoint in known or OF_A_TENANT.fullmatch(endpoint) is not None


def _scope_of(smtp_host: str, endpoint: str) -> str | None:
    """Google's refresh tokens carry their scope; Microsoft's are for several, and one is named."""
    preset = preset_for_host(smtp_host)
    if preset is None or "google" in endpoint:
        return None
    return preset.scope
