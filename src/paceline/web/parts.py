"""What the pages are made from: the services they show, and the ways to sign in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request

from paceline.auth.api_keys import ApiKeys
from paceline.auth.avatars import Avatars
from paceline.auth.oidc import ProviderSignIn
from paceline.auth.preferring import Preferring
from paceline.auth.sessions import Sessions
from paceline.auth.sign_in import SignInLinks
from paceline.auth.users import Users
from paceline.observability.troubles import Trouble, silent_provider, unanswered
from paceline.services.activity import Activities
from paceline.services.administration import Administration
from paceline.services.attachments import Attachments
from paceline.services.audit_trail import AuditTrail
from paceline.services.bulk import Bulk
from paceline.services.campaigns import Campaigns
from paceline.services.draft_files import DraftFiles
from paceline.services.drafts import Drafts
from paceline.services.email_queries import EmailQueries
from paceline.services.emails import Emails
from paceline.services.exports import Exports
from paceline.services.idempotency import Idempotency
from paceline.services.imports import Imports
from paceline.services.kept_files import KeptFiles
from paceline.services.notification_settings import NotificationChoices
from paceline.services.queries import Queries
from paceline.services.queue_watch import QueueWatch
from paceline.services.request_rates import RequestRates
from paceline.services.retrying import Retrying
from paceline.services.scheduling import Scheduling
from paceline.services.sender_consents import SenderConsents
from paceline.services.sender_dns import SenderDns
from paceline.services.sender_entry import SenderEntry
from paceline.services.sender_presets import SenderPresets
from paceline.services.sender_removal import SenderRemoval
from paceline.services.sender_use import SenderUses
from paceline.services.senders import Senders
from paceline.services.suppressions import Suppressions
from paceline.services.turnstile import Turnstile, for_requests
from paceline.services.watching import Watch
from paceline.web.caught_mail import CaughtMail

PARTS = "web_parts"  # their name in a request's state


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxAddress:
    """Where the dev inbox of this machine takes mail by SMTP."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Handed to `create_web` by the composition root."""

    queries: Queries
    email_queries: EmailQueries
    activities: Activities
    campaigns: Campaigns
    attachments: Attachments
    drafts: Drafts
    draft_files: DraftFiles
    kept_in_campaigns: KeptFiles
    kept_in_drafts: KeptFiles
    imports: Imports
    scheduling: Scheduling
    senders: Senders
    sender_consents: SenderConsents
    sender_dns: SenderDns
    sender_entry: SenderEntry
    sender_presets: SenderPresets
    sender_removal: SenderRemoval
    sender_uses: SenderUses
    emails: Emails
    bulk: Bulk
    exports: Exports
    retrying: Retrying
    idempotency: Idempotency
    caught_mail: CaughtMail
    suppressions: Suppressions
    queue_watch: QueueWatch
    administration: Administration
    audit_trail: AuditTrail
    watch: Watch
    api_keys: ApiKeys
    preferring: Preferring
    notification_choices: NotificationChoices
    sessions: Sessions
    links: SignInLinks
    users: Users
    avatars: Avatars
    rates: RequestRates
    base_url: str  # as people type it; decides cookies, accepted hosts and accepted origins
    provider_sign_in: ProviderSignIn | None = None  # where one is set up
    dev_inbox: InboxAddress | None = None  # offered as a first sender where there is one
    unanswered: Trouble = field(default_factory=unanswered)
    silent_provider: Trouble = field(default_factory=silent_provider)
    turnstile: Turnstile = field(default_factory=for_requests)


def parts_of(request: Request) -> Parts:
    """The parts of the application that this request came to."""
    return cast("Parts", getattr(request.state, PARTS))


async def _wired(request: Request) -> Parts:
    """On the loop: the framework has a thread for each dependency that is no coroutine, of forty
    that all owners share, and every request would wait for one."""
    return parts_of(request)


Wired = Annotated[Parts, Depends(_wired)]
