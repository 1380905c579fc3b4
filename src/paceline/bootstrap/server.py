"""The HTTP server: the JSON API and the dashboard, in one process on one port."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from paceline.api import problems
from paceline.api.app import create_api
from paceline.api.parts import ApiParts
from paceline.auth.admission import Admission
from paceline.auth.api_keys import ApiKeys
from paceline.auth.avatars import Avatars
from paceline.auth.oidc import Provider, ProviderSignIn
from paceline.auth.oidc.transactions import Transactions
from paceline.auth.preferring import Preferring
from paceline.auth.secretbox import SecretBox
from paceline.auth.sessions import Sessions
from paceline.auth.sign_in import SignInLinks
from paceline.auth.users import Users
from paceline.bootstrap.admission import admission_of
from paceline.bootstrap.framing import OneFraming
from paceline.bootstrap.in_time import BodyInTime
from paceline.bootstrap.metrics import Metrics, Readers
from paceline.bootstrap.readiness import answers, probes_of
from paceline.bootstrap.stopping import EndInTime
from paceline.bootstrap.taking import InPieces
from paceline.bootstrap.unread import ReadToTheEnd
from paceline.bootstrap.unreadable import NothingUnreadable
from paceline.bootstrap.use_cases import UseCases, use_cases
from paceline.observability import AccessLog
from paceline.observability.figures import Figures
from paceline.observability.tracing import traces_of
from paceline.services.administration import Administration
from paceline.services.audit_trail import AuditTrail
from paceline.services.persons import Persons
from paceline.services.sender_consents import SenderConsents
from paceline.services.senders import HostPolicy
from paceline.services.suppressions import Suppressions
from paceline.services.turnstile import Turnstile, for_requests
from paceline.settings import Settings
from paceline.threads import FairThreads
from paceline.web.app import create_web
from paceline.web.caught_mail import CaughtMail
from paceline.web.parts import InboxAddress, Parts
from paceline.web.routes.provider import CALLBACK
from paceline.web.routes.sender_consent import CALLBACK as CONNECTED

# For the last answers, after what is under way had its time.
LAST_SECONDS = 2
BACKLOG = 1024
THREADS = 64
EACH = 2  # of them, for one owner
_API_PATHS = ("/api/", "/healthz", "/readyz", "/metrics")

log = logging.getLogger(__name__)


async def run_api(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set; then what is under way has `settings.stop_seconds`."""
    asyncio.get_running_loop().set_default_executor(FairThreads(THREADS, each=EACH))
    figures = Figures()
    traces = traces_of(settings.tracing, part="api")
    async with use_cases(settings) as cases:
        watching = asyncio.create_task(figures.watch_loop())
        in_time = EndInTime(application(cases, settings, figures), refusal=_refusal)
        app = AccessLog(traces.of_requests(in_time), figures)
        server = _Server(server_config(app, settings))
        serving = asyncio.create_task(server.serve())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        server.should_exit = True
        _, late = await asyncio.wait({serving}, timeout=settings.stop_seconds)
        if late and (broken_off := in_time.end()):
            log.warning("%d requests were not answered in time: told to come back", broken_off)
        await serving
        watching.cancel()
    await traces.close()


def server_config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """How `app` is served. Who asks is what a trusted proxy says in `X-Forwarded-For`."""
    return uvicorn.Config(
        app,
        host=settings.api.host,
        port=settings.api.port,
        forwarded_allow_ips=list(settings.api.trusted_proxies),
        backlog=BACKLOG,
        http=NothingUnreadable,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.stop_seconds + LAST_SECONDS,
    )


def _refusal(request: Request) -> Response:
    if _is_api(request.url.path):
        return problems.stopping(request)
    told = "Paceline is being stopped or restarted. Look in a moment whether this was done."
    return PlainTextResponse(told, 503, headers={"Retry-After": str(problems.RETRY_AFTER_SECONDS)})


def application(cases: UseCases, settings: Settings, figures: Figures | None = None) -> ASGIApp:
    """Both applications behind one door: what is not the API's is the dashboard's."""
    turnstile = for_requests()
    https = settings.api.base_url.startswith("https://")
    provider = _provider(settings)
    api_parts = _api_parts(cases, settings, turnstile, figures or Figures())
    if provider is not None:
        probes = {**api_parts.probes, "sign_in": answers(provider)}
        api_parts = replace(api_parts, probes=probes)
    api = create_api(api_parts, https=https)
    web = create_web(_web_parts(cases, settings, turnstile, provider))

    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        await (api if _is_api(scope.get("path", "")) else web)(scope, receive, send)

    return InPieces(ReadToTheEnd(BodyInTime(OneFraming(both))))


def _is_api(path: str) -> bool:
    return path == "/api" or path.startswith(_API_PATHS)


class _Server(uvicorn.Server):
    """Leaves the signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _api_parts(
    cases: UseCases, settings: Settings, turnstile: Turnstile, figures: Figures
) -> ApiParts:
    figures.pools = cases.database.uses
    probes = probes_of(cases.database, cases.queue, settings)
    readers = Readers.of_api(settings.api)
    metrics = Metrics(figures, readers=readers, probes=probes, whole=cases.database)
    return ApiParts(
        senders=cases.senders,
        sender_dns=cases.sender_dns,
        sender_presets=cases.sender_presets,
        sender_removal=cases.sender_removal,
        sender_uses=cases.sender_uses,
        campaigns=cases.campaigns,
        imports=cases.imports,
        attachments=cases.attachments,
        kept_in_campaigns=cases.kept_in_campaigns,
        emails=cases.emails,
        bulk=cases.bulk,
        exports=cases.exports,
        retrying=cases.retrying,
        queries=cases.queries,
        email_queries=cases.email_queries,
        suppressions=Suppressions(cases.database),
        persons=Persons(cases.database),
        idempotency=cases.idempotency,
        api_keys=ApiKeys(cases.database, admission_of(settings)),
        rates=cases.rates,
        turnstile=turnstile,
        probes=probes,
        metrics=metrics.read,
    )


def _web_parts(
    cases: UseCases, settings: Settings, turnstile: Turnstile, provider: Provider | None
) -> Parts:
    admission = admission_of(settings)
    avatars = Avatars(cases.database, allow_private_hosts=settings.api.allow_private_hosts)
    inbox = InboxAddress(host=settings.devinbox.host, port=settings.devinbox.port)
    return Parts(
        queries=cases.queries,
        email_queries=cases.email_queries,
        activities=cases.activities,
        campaigns=cases.campaigns,
        attachments=cases.attachments,
        drafts=cases.drafts,
        draft_files=cases.draft_files,
        kept_in_campaigns=cases.kept_in_campaigns,
        kept_in_drafts=cases.kept_in_drafts,
        imports=cases.imports,
        scheduling=cases.scheduling,
        idempotency=cases.idempotency,
        senders=cases.senders,
        sender_consents=SenderConsents(
            SecretBox.of(settings.secrets),
            HostPolicy(allow_private_hosts=settings.api.allow_private_hosts),
            redirect_uri=settings.api.base_url + CONNECTED,
            provider=provider,
        ),
        sender_dns=cases.sender_dns,
        sender_entry=cases.sender_entry,
        sender_presets=cases.sender_presets,
        sender_removal=cases.sender_removal,
        sender_uses=cases.sender_uses,
        emails=cases.emails,
        bulk=cases.bulk,
        exports=cases.exports,
        retrying=cases.retrying,
        suppressions=Suppressions(cases.database),
        queue_watch=cases.queue_watch,
        administration=Administration(cases.database, cases.bell, cases.campaigns, admission),
        audit_trail=AuditTrail(cases.database, kept=settings.retention.audit),
        watch=cases.watch,
        api_keys=ApiKeys(cases.database, admission),
        caught_mail=CaughtMail(cases.database),
        preferring=Preferring(cases.database),
        notification_choices=cases.notification_choices,
        sessions=Sessions(cases.database, admission),
        links=SignInLinks(cases.database, admission),
        users=Users(cases.database),
        avatars=avatars,
        provider_sign_in=_provider_sign_in(cases, settings, provider, admission, avatars),
        rates=cases.rates,
        turnstile=turnstile,
        base_url=settings.api.base_url,
        # Only an installation that may talk to this machine can use its dev inbox.
        dev_inbox=inbox if settings.api.allow_private_hosts else None,
    )


def _provider(settings: Settings) -> Provider | None:
    given = settings.sign_in.provider
    if given is None:
        return None
    return Provider(given, redirect_uri=settings.api.base_url + CALLBACK)


def _provider_sign_in(
    cases: UseCases,
    settings: Settings,
    provider: Provider | None,
    admission: Admission,
    avatars: Avatars,
) -> ProviderSignIn | None:
    if provider is None:
        return None
    transactions = Transactions(SecretBox.of(settings.secrets))
    return ProviderSignIn(cases.database, provider, transactions, admission, avatars)
