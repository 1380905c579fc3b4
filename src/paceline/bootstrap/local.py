"""What the command line asks for on this machine: keys, sign-in links, the sample campaign."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from paceline.auth.api_keys import ApiKeys
from paceline.auth.sign_in import SignInLinks, link_path
from paceline.auth.users import Users
from paceline.bootstrap.use_cases import use_cases
from paceline.delivery import Security
from paceline.domain.recipients import RawRecipient
from paceline.persistence.database import Database
from paceline.services.campaigns import NewCampaign
from paceline.services.senders import NewSender
from paceline.settings import Settings

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


async def create_api_key(settings: Settings, email: str | None, *, new_user: bool = False) -> str:
    """A new key for this address (None: the owner of this installation).

    Raises `NotFound` when nobody has the address, unless there may be a new user for it.
    """
    async with _database(settings) as database:
        if email is not None:
            users = Users(database)
            await (users.added(email) if new_user else users.known(email))
        return await ApiKeys(database).create(email, "command line")


async def mint_sign_in_link(settings: Settings) -> str:
    """A link that signs the owner of this installation in, once."""
    async with _database(settings) as database:
        token = await SignInLinks(database).mint()
    return settings.api.base_url + link_path(token)


async def create_sample(settings: Settings, *, devinbox_port: int) -> None:
    """A sender that leads to the dev inbox, and a small campaign that starts at once."""
    async with use_cases(settings) as cases:
        owner = await Users(cases.database).local_owner()
        sender = await cases.senders.create(
            owner.user_id,
            NewSender(
                name="Dev inbox",
                from_address="hello@paceline.example",
                from_name="Paceline",
                smtp_host="127.0.0.1",
                smtp_port=devinbox_port,
                smtp_security=Security.NONE,
            ),
        )
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


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings.database.url)
    try:
        yield database
    finally:
        await database.close()


def _sample_recipients() -> list[RawRecipient]:
    names = [_SAMPLE_NAMES[n % len(_SAMPLE_NAMES)] for n in range(SAMPLE_SIZE)]
    return [
        RawRecipient(email=f"reader{number:02d}@example.com", name=name)
        for number, name in enumerate(names, start=1)
    ]
