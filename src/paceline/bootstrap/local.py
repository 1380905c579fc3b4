"""What the command line asks for on this machine: keys, sign-in links, the sample campaign."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from paceline.auth.api_keys import SHOWN_CHARACTERS, ApiKeys
from paceline.auth.sign_in import SignInLinks, invitation_path, link_path
from paceline.auth.users import Users
from paceline.bootstrap.admission import admission_of
from paceline.bootstrap.command_line import at_the_command_line
from paceline.bootstrap.use_cases import use_cases
from paceline.delivery import Security
from paceline.domain.recipients import RawRecipient
from paceline.domain.scopes import Scope
from paceline.errors import NotFound
from paceline.persistence.database import Database
from paceline.persistence.stores.identity import ApiKeyRecord
from paceline.services.campaigns import NewCampaign
from paceline.services.senders import NewSender
from paceline.settings import Settings

MIN_PREFIX = 5  # characters of a key, by which it is told apart: `pl_` and more
SAMPLE_SIZE = 24
SAMPLE_MIN_DELAY_MS = 1_500

_SAMPLE_TEXT = """\
Hello {{ name }},

this is Paceline's sample campaign. Its emails go to the dev inbox of this machine, one every
second and a half, and nowhere else. Open the campaign's page to watch it, pause it, change its
pace, or stop it.

What to do next: add a sender of your own, then write a campaign.
"""
_SAMPLE_NAMES = (
    "Ada Lovelace", "Grace Hopper", "Alan Turing", "Barbara Liskov", "Edsger Dijkstra",
    "Katherine Johnson", "Donald Knuth", "Margaret Hamilton", "Radia Perlman", "Vint Cerf",
    "Frances Allen", "Tim Berners-Lee",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """An API key to be made. `expires_at` None: it is good until it is revoked."""

    name: str = "command line"
    scope: Scope = Scope.ADMIN
    expires_at: datetime | None = None


ANY_KEY = NewKey()


async def create_api_key(
    settings: Settings,
    email: str | None,
    key: NewKey = ANY_KEY,
    *,
    new_user: bool = False,
    owner: bool = False,
) -> str:
    """A new key for this address (None: the owner of this installation).

    Raises `NotFound` when nobody has the address, unless there may be a new user for it or the
    `owner`, who had none, takes it; and `InvalidInput` for one that ALLOWED_DOMAINS keeps out: its
    key would open nothing.
    """
    admission = admission_of(settings)
    async with at_the_command_line(settings) as database:
        if email is not None:
            users = Users(database)
            if owner:
                await users.name_owner(email)
            else:
                await (users.added(email, admission) if new_user else users.known(email))
        return await ApiKeys(database, admission).create(
            email, key.name, scope=key.scope, expires_at=key.expires_at
        )


async def api_keys_of(settings: Settings, email: str | None) -> list[ApiKeyRecord]:
    """The keys of this address (None: the owner) that are not revoked. Raises `NotFound`."""
    async with at_the_command_line(settings) as database:
        return await ApiKeys(database).list(await _user_id(database, email))


async def revoke_api_key(settings: Settings, email: str | None, prefix: str) -> ApiKeyRecord:
    """End the one key of this address that begins so, or has this id.

    Raises `NotFound` when there is none, or more than one.
    """
    async with at_the_command_line(settings) as database:
        keys, user_id = ApiKeys(database), await _user_id(database, email)
        found = [
            key
            for key in await keys.list(user_id)
            if str(key.id) == prefix.lower()
            or (len(prefix) >= MIN_PREFIX and key.prefix.startswith(prefix[:SHOWN_CHARACTERS]))
        ]
        if len(found) != 1:
            how_many = "there is no such key" if not found else "that fits more than one key"
            raise NotFound(f"{how_many}: `paceline api-key list` has the ids")
        await keys.revoke(user_id, found[0].id)
        return found[0]


async def _user_id(database: Database, email: str | None) -> uuid.UUID:
    users = Users(database)
    return (await (users.local_owner() if email is None else users.known(email))).user_id


async def mint_sign_in_link(settings: Settings) -> str:
    """A link that signs the owner of this installation in, once."""
    async with at_the_command_line(settings) as database:
        token = await SignInLinks(database).mint()
    return settings.api.base_url + link_path(token)


async def mint_invitation(settings: Settings, email: str) -> str:
    """A link that signs in whoever is invited under this address, once."""
    async with at_the_command_line(settings) as database:
        token = await SignInLinks(database, admission_of(settings)).invite(email)
    return settings.api.base_url + invitation_path(token)


async def create_sample(settings: Settings) -> None:
    """A sender that leads to the dev inbox, and a small campaign that starts at once."""
    async with use_cases(settings) as cases:
        owner = await Users(cases.database).local_owner()
        sender = await cases.senders.create(
            owner.user_id,
            NewSender(
                name="Dev inbox",
                from_address="hello@paceline.example",
                from_name="Paceline",
                smtp_host=settings.devinbox.host,
                smtp_port=settings.devinbox.port,
                smtp_security=Security.NONE,
            ),
        )
        await cases.senders.verify(owner.user_id, sender.id)
        campaign = NewCampaign(
            sender_id=sender.id,
            name="Welcome to Paceline (sample)",
            subject="Welcome, {{ name }}",
            text=_SAMPLE_TEXT,
            min_delay_ms=SAMPLE_MIN_DELAY_MS,
            recipients=_sample_recipients(),
        )
        created = await cases.campaigns.create(owner.user_id, campaign)
        await cases.campaigns.launch(owner.user_id, created.campaign.id)


def _sample_recipients() -> list[RawRecipient]:
    names = [_SAMPLE_NAMES[n % len(_SAMPLE_NAMES)] for n in range(SAMPLE_SIZE)]
    return [
        RawRecipient(email=f"reader{number:02d}@example.com", name=name)
        for number, name in enumerate(names, start=1)
    ]
