"""The tables. `emails` is content, `email_jobs` is execution, `attempts` is evidence."""

from paceline.persistence.models.content import Campaign, CampaignAttachment, Email, Sender
from paceline.persistence.models.execution import Attempt, EmailJob, Lane
from paceline.persistence.models.people import ApiKey, Session, SignInLink, User
from paceline.persistence.models.upkeep import (
    AuditEntry,
    IdempotencyKey,
    InboxMessage,
    Suppression,
    WebhookEndpoint,
)

__all__ = [
    "ApiKey",
    "Attempt",
    "AuditEntry",
    "Campaign",
    "CampaignAttachment",
    "Email",
    "EmailJob",
    "IdempotencyKey",
    "InboxMessage",
    "Lane",
    "Sender",
    "Session",
    "SignInLink",
    "Suppression",
    "User",
    "WebhookEndpoint",
]
