"""The use cases and what they stand on, for whoever answers people: the API, the pages, the CLI."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from paceline.auth.secretbox import SecretBox
from paceline.bootstrap.smtp import smtp_pool
from paceline.delivery import Resolver, Security
from paceline.domain.presets import preset_of
from paceline.engine.bell import PatientBell
from paceline.engine.queue import LaneQueue, connect
from paceline.engine.roll import QueueEyes
from paceline.limits import Buckets, Limits
from paceline.persistence.database import Database
from paceline.persistence.standing import Standing
from paceline.services.activity import Activities
from paceline.services.attachments import Attachments
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
from paceline.services.quotas import Quotas
from paceline.services.request_rates import RequestRates
from paceline.services.retrying import Retrying
from paceline.services.scheduling import Scheduling
from paceline.services.sender_dns import SenderDns
from paceline.services.sender_entry import SenderEntry
from paceline.services.sender_presets import SenderPresets
from paceline.services.sender_removal import SenderRemoval
from paceline.services.sender_use import SenderUses
from paceline.services.senders import HostPolicy, NewSender, Senders
from paceline.services.watching import Watch
from paceline.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """One of each, over one pool of the database's and three of Redis' (queue, limits, buckets)."""

    database: Database
    queue: LaneQueue
    bell: PatientBell
    senders: Senders
    sender_dns: SenderDns
    sender_entry: SenderEntry
    sender_presets: SenderPresets
    sender_removal: SenderRemoval
    sender_uses: SenderUses
    campaigns: Campaigns
    drafts: Drafts
    draft_files: DraftFiles
    kept_in_campaigns: KeptFiles
    kept_in_drafts: KeptFiles
    imports: Imports
    scheduling: Scheduling
    idempotency: Idempotency
    attachments: Attachments
    emails: Emails
    notification_choices: NotificationChoices
    bulk: Bulk
    exports: Exports
    retrying: Retrying
    queries: Queries
    email_queries: EmailQueries
    activities: Activities
    queue_watch: QueueWatch
    rates: RequestRates
    watch: Watch


@asynccontextmanager
async def use_cases(settings: Settings) -> AsyncIterator[UseCases]:
    """Everything wired up; closed at the end."""
    async with AsyncExitStack() as stack:
        database = Database.of(settings.database)
        stack.push_async_callback(database.close)
        redis = connect(settings.redis.url)
        stack.push_async_callback(redis.aclose)
        limits = Limits(settings.redis.url, spent=Standing(database).spent)
        stack.push_async_callback(limits.close)
        buckets = Buckets(settings.redis.url)
        stack.push_async_callback(buckets.close)
        pool = await smtp_pool(settings, database)
        stack.push_async_callback(pool.close)
        queue = LaneQueue(redis)
        quotas = Quotas(settings.shares)
        bell = PatientBell(queue)
        resolver = Resolver(settings.api.dns_server)
        secrets = SecretBox.of(settings.secrets)
        senders = Senders(
            database,
            bell,
            secrets,
            pool,
            HostPolicy(allow_private_hosts=settings.api.allow_private_hosts),
            allowance=limits,
            quotas=quotas,
            ready=_ethereal(settings),
        )
        campaigns = Campaigns(database, bell, quotas)
        emails = Emails(database, bell, quotas)
        yield UseCases(
            database=database,
            queue=queue,
            bell=bell,
            senders=senders,
            sender_dns=SenderDns(database, secrets, resolver),
            sender_entry=SenderEntry(database, senders),
            sender_removal=SenderRemoval(database, bell, campaigns),
            sender_uses=SenderUses(database, limits),
            sender_presets=SenderPresets(resolver, dev_inbox=dev_inbox_of(settings)),
            campaigns=campaigns,
            drafts=Drafts(database),
            draft_files=DraftFiles(database),
            kept_in_campaigns=KeptFiles.of_campaigns(database),
            kept_in_drafts=KeptFiles.of_drafts(database),
            imports=Imports(database, bell, quotas),
            scheduling=Scheduling(database, bell, quotas, campaigns),
            idempotency=Idempotency(database, keys_per_owner=settings.shares.idempotency_keys),
            attachments=Attachments(database, quotas),
            emails=emails,
            notification_choices=NotificationChoices(
                database,
                emails,
                secrets,
                allow_private_hosts=settings.api.allow_private_hosts,
            ),
            bulk=Bulk(database, bell),
            exports=Exports(database),
            retrying=Retrying(database, bell),
            queries=Queries(database, limits),
            email_queries=EmailQueries(database, limits),
            activities=Activities(database),
            queue_watch=QueueWatch(database, QueueEyes(redis, queue)),
            rates=RequestRates(buckets, settings.shares),
            watch=Watch(database, limits.answers),
        )


def dev_inbox_of(settings: Settings) -> tuple[str, int] | None:
    """Its address; only an installation that may talk to this machine can use its dev inbox."""
    inbox = settings.devinbox
    return (inbox.host, inbox.port) if settings.api.allow_private_hosts else None


def _ethereal(settings: Settings) -> NewSender | None:
    account, preset = settings.ethereal, preset_of("ethereal")
    if account is None or preset is None:
        return None
    return NewSender(
        name=preset.name,
        from_address=account.email,
        smtp_host=preset.host,
        smtp_port=preset.port,
        smtp_security=Security(preset.security),
        smtp_username=account.email,
        smtp_password=account.password,
    )
