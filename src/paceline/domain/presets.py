"""How the usual providers take mail, as data: what is filled in for whoever names one.

Hosts, ports and limits are those of the providers' own help pages (2026). A limit per day becomes
the hourly one that keeps to it. Nothing here is enforced: it is offered, and may be changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

CUSTOM = "custom"
DEV_INBOX = "dev-inbox"

_GOOGLE = "smtp.gmail.com"
_SES_REGIONS = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1"),
    *("eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-north-1", "eu-south-1"),
    *("ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1"),
    *("ap-northeast-2", "ap-northeast-3", "af-south-1", "me-south-1", "il-central-1"),
)
_APP_CREDENTIAL = "An app password, not that of the account; it needs 2-Step Verification."


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """Who gives access tokens for a mailbox, and where a person is asked for it (RFC 6749 §4.1).

    `parameters` are its own, without which it gives no refresh token. `scope` is of what a token is
    for; who the account is comes on top.
    """

    name: str  # as people know it
    authorization_endpoint: str
    token_endpoint: str
    scope: str
    issuer: str | None = None  # as it signs its answers (RFC 9207)
    userinfo_endpoint: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


# developers.google.com/identity/protocols/oauth2/web-server: a refresh token comes with a consent.
GOOGLE = OAuth(
    name="Google",
    authorization_endpoint="https://accounts.google.com/o/oauth2/v2/auth",
    token_endpoint="https://oauth2.googleapis.com/token",  # noqa: S106  # an address
    scope="https://mail.google.com/",
    issuer="https://accounts.google.com",
    parameters={"access_type": "offline", "prompt": "consent"},
)
# learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-…-using-oauth
_MICROSOFT = "https://login.microsoftonline.com/common/oauth2/v2.0"
MICROSOFT = OAuth(
    name="Microsoft",
    authorization_endpoint=f"{_MICROSOFT}/authorize",
    token_endpoint=f"{_MICROSOFT}/token",
    scope="https://outlook.office.com/SMTP.Send offline_access",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A provider. `regions` are names and hosts where it has several, `host` the usual one.

    `user_name` and `credential` say in words what belongs there, `credential_url` where it is made.
    `oauth` is set where it takes OAuth 2.0 access tokens.
    """

    key: str
    name: str
    host: str = ""
    port: int = 587
    security: Literal["none", "starttls", "tls"] = "starttls"
    auth: Literal["password", "xoauth2"] = "password"
    user_name: str = ""
    user_name_is_address: bool = False
    credential: str = ""
    credential_url: str | None = None
    hourly_limit: int | None = None
    min_delay_ms: int = 0
    limits: str = ""
    regions: Mapping[str, str] = field(default_factory=dict)
    domains: frozenset[str] = frozenset()  # of addresses that can only be there
    exchangers: tuple[str, ...] = ()  # ends of the MX names of domains that are there
    spf_include: str | None = None  # what SPF of a domain that sends by it has to name
    own_return_path: bool = False  # it puts its own domain there, unless told otherwise
    oauth: OAuth | None = None

    @property
    def token_endpoint(self) -> str | None:
        """Where access tokens are had."""
        return self.oauth.token_endpoint if self.oauth else None

    @property
    def scope(self) -> str | None:
        """What access tokens are for."""
        return self.oauth.scope if self.oauth else None

    def host_in(self, region: str | None = None) -> str:
        """Its server. Raises `ValueError` for a region that it does not have."""
        if not region:
            return self.host
        if region not in self.regions:
            raise ValueError(f"is none of {', '.join(self.regions) or 'its regions: it has one'}")
        return self.regions[region]

    @property
    def hosts(self) -> frozenset[str]:
        """All its servers."""
        return frozenset({self.host, *self.regions.values()}) - {""}


PRESETS: tuple[Preset, ...] = (
    Preset(
        key="gmail",
        name="Gmail",
        host=_GOOGLE,
        user_name="Your Gmail address",
        user_name_is_address=True,
        credential=_APP_CREDENTIAL,
        credential_url="https://myaccount.google.com/apppasswords",
        hourly_limit=20,
        min_delay_ms=2_000,
        limits="Gmail takes 500 recipients in 24 hours: 20 an hour keep to that.",
        domains=frozenset({"gmail.com", "googlemail.com"}),
        spf_include="_spf.google.com",
        oauth=GOOGLE,
    ),
    Preset(
        key="google-workspace",
        name="Google Workspace",
        host=_GOOGLE,
        user_name="Your address there",
        user_name_is_address=True,
        credential=f"{_APP_CREDENTIAL} Your administrator may have switched them off.",
        credential_url="https://myaccount.google.com/apppasswords",
        hourly_limit=80,
        min_delay_ms=1_000,
        limits="Workspace takes 2,000 emails in 24 hours (trials 500): 80 an hour keep to that.",
        exchangers=(".google.com", ".googlemail.com"),
        spf_include="_spf.google.com",
        oauth=GOOGLE,
    ),
    Preset(
        key="microsoft-365",
        name="Microsoft 365",
        host="smtp.office365.com",
        auth="xoauth2",
        user_name="Your address there",
        user_name_is_address=True,
        credential="A refresh token of an app registration: Microsoft is switching passwords off. "
        "Authenticated SMTP must be allowed for the mailbox.",
        credential_url="https://entra.microsoft.com/",
        hourly_limit=400,
        min_delay_ms=2_000,
        limits="Microsoft 365 takes 30 emails a minute and 10,000 recipients a day.",
        exchangers=(".mail.protection.outlook.com", ".mx.microsoft"),
        spf_include="spf.protection.outlook.com",
        oauth=MICROSOFT,
    ),
    Preset(
        key="outlook",
        name="Outlook.com",
        host="smtp-mail.outlook.com",
        auth="xoauth2",
        user_name="Your Outlook.com address",
        user_name_is_address=True,
        credential="A refresh token of an app registration: Outlook.com takes no passwords here.",
        credential_url="https://entra.microsoft.com/",
        hourly_limit=12,
        min_delay_ms=2_000,
        limits="Outlook.com takes 300 recipients a day: 12 an hour keep to that.",
        domains=frozenset({"outlook.com", "hotmail.com", "live.com", "msn.com"}),
        spf_include="spf.protection.outlook.com",
        oauth=MICROSOFT,
    ),
    Preset(
        key="amazon-ses",
        name="Amazon SES",
        host="email-smtp.us-east-1.amazonaws.com",
        user_name="The SMTP user name, which begins with AKIA; no access key of IAM",
        credential="The SMTP password that was made with the user name.",
        credential_url="https://console.aws.amazon.com/ses/home#/smtp",
        min_delay_ms=1_000,
        own_return_path=True,
        limits="A new account is in the sandbox: 200 emails a day, one a second, and only to "
        "verified addresses. Afterwards the console names the quota.",
        regions={r: f"email-smtp.{r}.amazonaws.com" for r in _SES_REGIONS},
    ),
    Preset(
        key="postmark",
        name="Postmark",
        host="smtp.postmarkapp.com",
        user_name="The Server API token",
        credential="The same token once more. For bulk mail use a broadcast stream: its access key "
        "and secret key, at smtp-broadcasts.postmarkapp.com.",
        credential_url="https://account.postmarkapp.com/api_tokens",
        own_return_path=True,
        limits="Postmark names no hourly limit; your plan counts by the month.",
    ),
    Preset(
        key="mailgun",
        name="Mailgun",
        host="smtp.mailgun.org",
        user_name="An SMTP user of your domain, such as postmaster@mg.example.com",
        credential="That user's SMTP password.",
        credential_url="https://app.mailgun.com/mg/sending/domains",
        limits="Your plan names the limit. A new account is held to little until its review.",
        spf_include="mailgun.org",
        regions={"us": "smtp.mailgun.org", "eu": "smtp.eu.mailgun.org"},
    ),
    Preset(
        key="brevo",
        name="Brevo",
        host="smtp-relay.brevo.com",
        user_name="The SMTP login, which ends in @smtp-brevo.com",
        credential="An SMTP key; neither the password of the account nor an API key.",
        credential_url="https://app.brevo.com/settings/keys/smtp",
        hourly_limit=12,
        own_return_path=True,
        limits="Brevo's free plan takes 300 emails a day: 12 an hour keep to that.",
    ),
    Preset(
        key="ethereal",
        name="Ethereal",
        host="smtp.ethereal.email",
        user_name="The address that ethereal.email made for you",
        user_name_is_address=True,
        credential="The password that was made with it.",
        credential_url="https://ethereal.email/create",
        limits="Delivers to nobody: every email can be read at ethereal.email.",
        domains=frozenset({"ethereal.email"}),
    ),
    Preset(
        key=CUSTOM,
        name="Another SMTP server",
        user_name="As your provider says; often the whole address",
        credential="As your provider says.",
    ),
)

_BY_KEY = {preset.key: preset for preset in PRESETS}


def preset_of(key: str) -> Preset | None:
    """The one of this key."""
    return _BY_KEY.get(key)


def preset_for_host(host: str) -> Preset | None:
    """The one whose server this is."""
    name = host.lower().rstrip(".")
    return next((preset for preset in PRESETS if name in preset.hosts), None)


def guess(address: str, exchangers: Iterable[str] = ()) -> Preset | None:
    """Where an address has its mailbox: by its domain, or by the MX names of that."""
    domain = address.rpartition("@")[2].strip().lower()
    return _first(PRESETS, domain, [name.lower().rstrip(".") for name in exchangers])


def _first(presets: Sequence[Preset], domain: str, exchangers: Sequence[str]) -> Preset | None:
    for preset in presets:
        if domain in preset.domains:
            return preset
    for preset in presets:
        if any(f".{name}".endswith(end) for name in exchangers for end in preset.exchangers):
            return preset
    return None
