"""All families of bad input, in one list: what is not in it is not tried."""

from __future__ import annotations

from tests.fuzz.accounts import ACCOUNTS
from tests.fuzz.addresses import ADDRESSES
from tests.fuzz.api import api_family
from tests.fuzz.bodies import BODIES, WIRE
from tests.fuzz.conversations import SMTP
from tests.fuzz.files import FILES
from tests.fuzz.headers import HEADERS
from tests.fuzz.hunting import Family
from tests.fuzz.reply_streams import REPLIES
from tests.fuzz.signatures import DKIM
from tests.fuzz.sockets import SOCKETS
from tests.fuzz.tables import TABLES
from tests.fuzz.templates import TEMPLATES
from tests.fuzz.verdicts import VERDICTS
from tests.fuzz.words import WORDS

WITHOUT_SERVERS = (
    *(SMTP, SOCKETS, REPLIES, VERDICTS, ADDRESSES, HEADERS, WIRE),
    *(BODIES, TEMPLATES, TABLES, FILES, DKIM, ACCOUNTS, WORDS),
)


def families(database_url: str) -> dict[str, Family]:
    """By name. The database is migrated, and is left full of what the API took."""
    return {family.name: family for family in (*WITHOUT_SERVERS, api_family(database_url))}
