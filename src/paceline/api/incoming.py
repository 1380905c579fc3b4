"""What comes in, as the OpenAPI document describes it.

Types are taken strictly (`"5"` is no number) and unknown names are refused, so that a misspelt
field is an error rather than a silence. What the values must be like is the services' to say.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SkipValidation,
    StrictBool,
    StrictStr,
    TypeAdapter,
    model_validator,
)

from paceline.delivery import Auth, DkimAlgorithm, Security
from paceline.domain.bounds import DEFAULT_EXPIRY_HOURS, MAX_COLUMNS
from paceline.domain.lifecycle import DoubtPolicy, FailureReason, SenderState
from paceline.domain.numbers import parse_whole_number
from paceline.domain.tables.choices import ENCODINGS, Choices, OptedOut
from paceline.services.emails import Resolution
from paceline.services.persons import Suppressed

_MAX_SAFE = 2**53 - 1  # JSON numbers beyond it do not survive everywhere


def _read_instant(value: object) -> object:
    """RFC 3339 with an offset; numbers and bare dates are not guessed at."""
    if not isinstance(value, str):
        raise ValueError("must be text such as 2026-11-25T10:00:00+01:00")
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        raise ValueError("is no instant; an example is 2026-11-25T10:00:00+01:00") from None
    if moment.tzinfo is None:
        raise ValueError("give an offset, e.g. 2026-11-25T10:00:00+01:00")
    try:
        return moment.astimezone(UTC)
    except (OverflowError, ValueError):
        raise ValueError("is out of range") from None


def _whole(value: object) -> object:
    return parse_whole_number(value) if isinstance(value, str) else value


Instant = Annotated[datetime, BeforeValidator(_read_instant)]
Number = Annotated[int, Field(strict=True, ge=-_MAX_SAFE, le=_MAX_SAFE)]
Value = (
    StrictStr
    | StrictBool
    | Annotated[int, Field(strict=True, ge=-_MAX_SAFE, le=_MAX_SAFE)]
    | Annotated[float, Field(strict=True, allow_inf_nan=False)]
)
_VALUES = (str, bool, int, float, type(None))

MAX_MEMBERS = 1_000  # of one object
T = TypeVar("T")
ToTheFirstMistake = Annotated[list[T], Field(fail_fast=True)]
"""A list that may be long: a mistake takes a kilobyte to tell, and there may be a million."""
CheckedLater = SkipValidation[list[T]]
"""A list that may take seconds to check: as it came. `json_bodies.checked` makes values of it."""


def _few_members(value: object) -> object:
    if isinstance(value, dict) and len(value) > MAX_MEMBERS:
        raise ValueError(f"has {len(value):,} members; at most {MAX_MEMBERS:,} are read")
    return value


def _values(given: object) -> object:
    """Said here once: of a value that is none of these, each would be told as a mistake."""
    if isinstance(given, dict):
        _few_members(given)
        for name, value in given.items():
            if not isinstance(value, _VALUES):
                raise ValueError(f"“{name}” must be text, a number, true or false")
    return given


class Given(BaseModel):
    """Base of what comes in."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _is_small(cls, value: object) -> object:
        """Each name that is not known is a mistake of its own."""
        return _few_members(value)

    def given(self) -> dict[str, Any]:
        """The fields that the caller wrote; a patch leaves the others alone."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class OAuthIn(Given):
    """By what access tokens are had and renewed. Where the server's provider is known, so are
    endpoint and scope."""

    client_id: StrictStr
    client_secret: StrictStr | None = Field(default=None, json_schema_extra={"writeOnly": True})
    refresh_token: StrictStr = Field(json_schema_extra={"writeOnly": True})
    token_endpoint: StrictStr | None = None
    scope: StrictStr | None = None


class SenderIn(Given):
    """A new sender. With `smtp_auth` xoauth2, either `smtp_oauth` says how access tokens are had,
    or the password is one, which nobody renews."""

    name: StrictStr
    from_address: StrictStr
    from_name: StrictStr | None = None
    smtp_host: StrictStr
    smtp_port: Number
    smtp_security: Security
    smtp_auth: Auth = Auth.PASSWORD
    smtp_username: StrictStr | None = None
    smtp_password: StrictStr | None = Field(default=None, json_schema_extra={"writeOnly": True})
    smtp_oauth: OAuthIn | None = None
    hourly_limit: Number | None = None
    min_delay_ms: Number = 0
    max_connections: Number = 4


class SenderPatchIn(Given):
    """What is to change of a sender. `state`: active or paused."""

    name: StrictStr = ""
    from_address: StrictStr = ""
    from_name: StrictStr | None = None
    smtp_host: StrictStr = ""
    smtp_port: Number = 0
    smtp_security: Security = Security.STARTTLS
    smtp_auth: Auth = Auth.PASSWORD
    smtp_username: StrictStr | None = None
    smtp_password: StrictStr | None = Field(default=None, json_schema_extra={"writeOnly": True})
    smtp_oauth: OAuthIn | None = None
    hourly_limit: Number | None = None
    min_delay_ms: Number = 0
    max_connections: Number = 0
    state: SenderState = SenderState.ACTIVE


class DkimIn(Given):
    """A new DKIM key. `selector` null: one of the key's own; `domain` null: that of From."""

    algorithm: DkimAlgorithm = DkimAlgorithm.RSA
    selector: StrictStr | None = None
    domain: StrictStr | None = None


class TestIn(Given):
    """Where a test message is to go."""

    to: StrictStr


class RecipientIn(Given):
    """One recipient; `fields` are what the message may use beside `email` and `name`."""

    email: StrictStr
    name: StrictStr | None = None
    fields: Annotated[dict[str, Value | None], BeforeValidator(_values)] = Field(
        default_factory=dict
    )


RECIPIENTS: TypeAdapter[list[RecipientIn]] = TypeAdapter(ToTheFirstMistake[RecipientIn])


class ChoicesQuery(Given):
    """How a table is to be read, where its owner knows better than what would be found out."""

    encoding: str | None = Field(
        default=None, description=f"Found out if not given. One of: {', '.join(ENCODINGS)}"
    )
    header_line: Annotated[int | None, BeforeValidator(_whole)] = Field(
        default=None,
        description="The line that names the columns, counted from 1; what stands above it is "
        "skipped. 0: there is none, and the first line is a recipient. Found out if not given",
    )
    address_column: str | None = Field(
        default=None,
        description="The column with the recipients' addresses: its title, the field that it would"
        " be, or its number counted from 1. Found out if not given, or asked for where several "
        "could be meant",
    )
    opt_out_column: str | None = Field(
        default=None,
        description="A column that says who has opted out, where that is not found out: its title, "
        "field or number. A yes, a tick, a date or another word in it leaves the row out",
    )
    opt_in_column: str | None = Field(
        default=None,
        description="A column that says who has agreed: its title, field or number. A row in which "
        "it does not say yes is left out, an empty cell among them",
    )
    opted_out: OptedOut = Field(
        default=OptedOut.LEAVE_OUT,
        description="What to do with rows whose status says unsubscribed, bounced, no consent or "
        "the like",
    )

    def choices(self) -> Choices:
        """What was chosen. Raises `InvalidInput`."""
        return Choices(**{name: getattr(self, name) for name in ChoicesQuery.model_fields})

    @property
    def chosen(self) -> list[str]:
        """The names of what the caller settled."""
        return [name for name in ChoicesQuery.model_fields if name in self.model_fields_set]


class PreviewQuery(ChoicesQuery):
    """How a table would be read for a message."""

    field: list[str] = Field(
        default_factory=list,
        max_length=MAX_COLUMNS,
        description="A merge field that the message uses; may be given several times. A row "
        "without a value for it is refused, as at the import",
    )


class RecipientsIn(Given):
    """Recipients to be added."""

    recipients: CheckedLater[RecipientIn]


class CampaignIn(Given):
    """A new campaign; it begins as a draft. `start_at` null: as soon as it is launched."""

    name: StrictStr | None = None
    sender_id: uuid.UUID
    subject: StrictStr
    text: StrictStr | None = None
    html: StrictStr | None = None
    start_at: Instant | None = None
    time_zone: StrictStr = "UTC"
    min_delay_ms: Number = 0
    hourly_limit: Number | None = None
    doubt_policy: DoubtPolicy = DoubtPolicy.HOLD
    expires_after_hours: Number = DEFAULT_EXPIRY_HOURS
    recipients: CheckedLater[RecipientIn] = Field(default_factory=list)


class CampaignPatchIn(Given):
    """What is to change of a campaign. Subject, text and html only while it is a draft."""

    name: StrictStr = ""
    subject: StrictStr = ""
    text: StrictStr | None = None
    html: StrictStr | None = None
    start_at: Instant | None = None
    time_zone: StrictStr = "UTC"
    min_delay_ms: Number = 0
    hourly_limit: Number | None = None
    doubt_policy: DoubtPolicy = DoubtPolicy.HOLD
    expires_after_hours: Number = DEFAULT_EXPIRY_HOURS


class EmailIn(Given):
    """One email to one person, sent as it stands: only a campaign's have merge fields.
    `scheduled_at` null: now."""

    sender_id: uuid.UUID
    to: StrictStr
    to_name: StrictStr | None = None
    subject: StrictStr
    text: StrictStr | None = None
    html: StrictStr | None = None
    scheduled_at: Instant | None = None


class EmailPatchIn(Given):
    """What is to change of an email that waits. Subject, text and html of a single email only;
    `fields` of a campaign's: those that it names are set, or with null taken away. `scheduled_at`
    null: right away."""

    to: StrictStr = ""
    to_name: StrictStr | None = None
    subject: StrictStr = ""
    text: StrictStr | None = None
    html: StrictStr | None = None
    fields: Annotated[dict[str, Value | None], BeforeValidator(_values)] = Field(
        default_factory=dict
    )
    scheduled_at: Instant | None = None


class ResolveIn(Given):
    """How doubt is settled: it was `sent`, or `resend` it."""

    resolution: Resolution


class RetryIn(Given):
    """Which failed emails to try again; without any, all of them."""

    reason: FailureReason | None = None
    reply: str | None = Field(
        default=None,
        max_length=20,
        description="A reply code, `550` or `550 5.7.1`; `none`: what failed without a reply",
    )
    dry_run: StrictBool = Field(default=False, description="Only count them")


class RetryEmailIn(Given):
    """`release`: take its address off the suppression list first."""

    release: StrictBool = False


class PersonIn(Given):
    """Whose data."""

    address: StrictStr


class WipeIn(PersonIn):
    """What becomes of a suppressed address: a `hash` is kept, so that it stays suppressed; it is
    kept as it is (`keep`); or it may be mailed again (`drop`)."""

    suppression: Suppressed = Suppressed.HASH


class SuppressionsIn(Given):
    """Addresses that must not be mailed."""

    addresses: ToTheFirstMistake[StrictStr]
    note: StrictStr | None = None


class SuppressionImportQuery(ChoicesQuery):
    """How a file of suppressed addresses is read, and what is kept beside each of them."""

    note: str | None = Field(None, description="Kept beside each address")
