"""What the API is made from. The composition root fills it in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request

from paceline.auth.api_keys import ApiKeys
from paceline.observability.troubles import Trouble, unanswered
from paceline.services.attachments import Attachments
from paceline.services.bulk import Bulk
from paceline.services.campaigns import Campaigns
from paceline.services.email_queries import EmailQueries
from paceline.services.emails import Emails
from paceline.services.exports import Exports
from paceline.services.idempotency import Idempotency
from paceline.services.imports import Imports
from paceline.services.kept_files import KeptFiles
from paceline.services.persons import Persons
from paceline.services.queries import Queries
from paceline.services.request_rates import RequestRates
from paceline.services.retrying import Retrying
from paceline.services.sender_dns import SenderDns
from paceline.services.sender_presets import SenderPresets
from paceline.services.sender_removal import SenderRemoval
from paceline.services.sender_use import SenderUses
from paceline.services.senders import Senders
from paceline.services.suppressions import Suppressions
from paceline.services.turnstile import Turnstile, for_answers, for_bodies, for_requests

PARTS = "api_parts"  # their name in a request's state


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiParts:
    """Handed to `create_api`.

    `probes` are asked by `/readyz`: each returns when its part of the world answers, and raises
    `OperationalError`, worded for anybody, when it does not. Without a `vital` one no work can be
    taken; without another one it waits. `metrics` is told the headers `Authorization` and `Host`,
    and answers with figures, or with the status of a refusal.
    """

    senders: Senders
    sender_dns: SenderDns
    sender_presets: SenderPresets
    sender_removal: SenderRemoval
    sender_uses: SenderUses
    campaigns: Campaigns
    imports: Imports
    attachments: Attachments
    kept_in_campaigns: KeptFiles
    emails: Emails
    bulk: Bulk
    exports: Exports
    retrying: Retrying
    queries: Queries
    email_queries: EmailQueries
    suppressions: Suppressions
    persons: Persons
    idempotency: Idempotency
    api_keys: ApiKeys
    rates: RequestRates
    probes: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    metrics: Callable[[str, str], Awaitable[bytes | int]] | None = None
    vital: frozenset[str] = frozenset({"postgresql"})
    unanswered: Trouble = field(default_factory=unanswered)
    turnstile: Turnstile = field(default_factory=for_requests)
    uploads: Turnstile = field(default_factory=for_bodies)
    downloads: Turnstile = field(default_factory=for_answers)


def parts_of(request: Request) -> ApiParts:
    """What this request was handed over with."""
    return cast("ApiParts", getattr(request.state, PARTS))


async def _wired(request: Request) -> ApiParts:
    """On the loop: the framework has a thread for each dependency that is no coroutine, of forty
    that all owners share, and every request would wait for one."""
    return parts_of(request)


Wired = Annotated[ApiParts, Depends(_wired)]
