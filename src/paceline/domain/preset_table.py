"""The usual providers as tables, by the key of each: `presets.py` puts them together.

Hosts, ports and limits are those of the providers' own help pages (2026). A limit per day becomes
the hourly one that keeps to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from paceline.domain.oauth import GOOGLE, MICROSOFT, OAuth

_GOOGLE = "smtp.gmail.com"
_GOOGLE_PASSWORDS = "https://myaccount.google.com/apppasswords"
_MICROSOFT_APPS = "https://entra.microsoft.com/"
_APP_PASSWORD = "An app password, not that of the account; it needs 2-Step Verification."  # noqa: S105  # words
_SES = "email-smtp.{}.amazonaws.com"
_SES_REGIONS = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1"),
    *("eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-north-1", "eu-south-1"),
    *("ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1"),
    *("ap-northeast-2", "ap-northeast-3", "af-south-1", "me-south-1", "il-central-1"),
)


class Pace(NamedTuple):
    """Its server, what keeps to its limits, and those in words. 0: none."""

    name: str
    host: str
    hourly_limit: int
    min_delay_ms: int
    limits: str


class LogIn(NamedTuple):
    """What belongs in the fields, in words, and where it is made."""

    user_name: str
    credential: str
    url: str | None = None
    user_name_is_address: bool = False


class Domain(NamedTuple):
    """How a domain that is there is known, and what its mail looks like from there."""

    domains: frozenset[str] = frozenset()
    exchangers: tuple[str, ...] = ()
    spf_include: str | None = None
    own_return_path: bool = False


PACES: Mapping[str, Pace] = {
    "gmail": Pace("Gmail", _GOOGLE, 20, 2_000,
        "Gmail takes 500 recipients in 24 hours: 20 an hour keep to that."),
    "google-workspace": Pace("Google Workspace", _GOOGLE, 80, 1_000,
        "Workspace takes 2,000 emails in 24 hours (trials 500): 80 an hour keep to that."),
    "microsoft-365": Pace("Microsoft 365", "smtp.office365.com", 400, 2_000,
        "Microsoft 365 takes 30 emails a minute and 10,000 recipients a day."),
    "outlook": Pace("Outlook.com", "smtp-mail.outlook.com", 12, 2_000,
        "Outlook.com takes 300 recipients a day: 12 an hour keep to that."),
    "amazon-ses": Pace("Amazon SES", _SES.format("us-east-1"), 0, 1_000,
        "A new account is in the sandbox: 200 emails a day, one a second, and only to verified "
        "addresses. Afterwards the console names the quota."),
    "postmark": Pace("Postmark", "smtp.postmarkapp.com", 0, 0,
        "Postmark names no hourly limit; your plan counts by the month."),
    "mailgun": Pace("Mailgun", "smtp.mailgun.org", 0, 0,
        "Your plan names the limit. A new account is held to little until its review."),
    "brevo": Pace("Brevo", "smtp-relay.brevo.com", 12, 0,
        "Brevo's free plan takes 300 emails a day: 12 an hour keep to that."),
    "ethereal": Pace("Ethereal", "smtp.ethereal.email", 0, 0,
        "Delivers to nobody: every email can be read at ethereal.email."),
    "custom": Pace("Another SMTP server", "", 0, 0, ""),
}  # fmt: skip

LOG_INS: Mapping[str, LogIn] = {
    "gmail": LogIn("Your Gmail address", _APP_PASSWORD, _GOOGLE_PASSWORDS, True),
    "google-workspace": LogIn("Your address there",
        f"{_APP_PASSWORD} Your administrator may have switched them off.",
        _GOOGLE_PASSWORDS, True),
    "microsoft-365": LogIn("Your address there",
        "A refresh token of an app registration: Microsoft is switching passwords off. "
        "Authenticated SMTP must be allowed for the mailbox.",
        _MICROSOFT_APPS, True),
    "outlook": LogIn("Your Outlook.com address",
        "A refresh token of an app registration: Outlook.com takes no passwords here.",
        _MICROSOFT_APPS, True),
    "amazon-ses": LogIn("The SMTP user name, which begins with AKIA; no access key of IAM",
        "The SMTP password that was made with the user name.",
        "https://console.aws.amazon.com/ses/home#/smtp"),
    "postmark": LogIn("The Server API token",
        "The same token once more. For bulk mail use a broadcast stream: its access key and "
        "secret key, at smtp-broadcasts.postmarkapp.com.",
        "https://account.postmarkapp.com/api_tokens"),
    "mailgun": LogIn("An SMTP user of your domain, such as postmaster@mg.example.com",
        "That user's SMTP password.",
        "https://app.mailgun.com/mg/sending/domains"),
    "brevo": LogIn("The SMTP login, which ends in @smtp-brevo.com",
        "An SMTP key; neither the password of the account nor an API key.",
        "https://app.brevo.com/settings/keys/smtp"),
    "ethereal": LogIn("The address that ethereal.email made for you",
        "The password that was made with it.",
        "https://ethereal.email/create", True),
    "custom": LogIn("As your provider says; often the whole address", "As your provider says."),
}  # fmt: skip

DOMAINS: Mapping[str, Domain] = {
    "gmail": Domain(frozenset({"gmail.com", "googlemail.com"}), (), "_spf.google.com"),
    "google-workspace": Domain(
        exchangers=(".google.com", ".googlemail.com"), spf_include="_spf.google.com"
    ),
    "microsoft-365": Domain(
        exchangers=(".mail.protection.outlook.com", ".mx.microsoft"),
        spf_include="spf.protection.outlook.com",
    ),
    "outlook": Domain(
        frozenset({"outlook.com", "hotmail.com", "live.com", "msn.com"}),
        spf_include="spf.protection.outlook.com",
    ),
    "amazon-ses": Domain(own_return_path=True),
    "postmark": Domain(own_return_path=True),
    "mailgun": Domain(spf_include="mailgun.org"),
    "brevo": Domain(own_return_path=True),
    "ethereal": Domain(frozenset({"ethereal.email"})),
}

AUTHS: Mapping[str, Literal["xoauth2"]] = {"microsoft-365": "xoauth2", "outlook": "xoauth2"}
OAUTHS: Mapping[str, OAuth] = {
    **{"gmail": GOOGLE, "google-workspace": GOOGLE},
    **{"microsoft-365": MICROSOFT, "outlook": MICROSOFT},
}
REGIONS: Mapping[str, Mapping[str, str]] = {
    "amazon-ses": {region: _SES.format(region) for region in _SES_REGIONS},
    "mailgun": {"us": "smtp.mailgun.org", "eu": "smtp.eu.mailgun.org"},
}
