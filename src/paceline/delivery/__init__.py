"""The way out: accounts, templates, messages and the SMTP conversation. The public door."""

from paceline.delivery.account import Account, Envelope, Security
from paceline.delivery.results import CheckResult, Kind, Phase, Reply, Result, Scope

__all__ = [
    "Account",
    "CheckResult",
    "Envelope",
    "Kind",
    "Phase",
    "Reply",
    "Result",
    "Scope",
    "Security",
]
