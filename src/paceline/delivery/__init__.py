"""The way out: accounts, templates, messages and the SMTP conversation. The public door."""

from paceline.delivery.account import Account, Envelope, Security
from paceline.delivery.headers import RenderError
from paceline.delivery.hosts import refuse_destination
from paceline.delivery.mime import Headers, message
from paceline.delivery.pool import Pool
from paceline.delivery.results import CheckResult, Kind, Phase, Reply, Result, Scope
from paceline.delivery.session import Guard
from paceline.delivery.templates import MessageTemplate
from paceline.delivery.timeouts import Timeouts

__all__ = [
    "Account",
    "CheckResult",
    "Envelope",
    "Guard",
    "Headers",
    "Kind",
    "MessageTemplate",
    "Phase",
    "Pool",
    "RenderError",
    "Reply",
    "Result",
    "Scope",
    "Security",
    "Timeouts",
    "message",
    "refuse_destination",
]
