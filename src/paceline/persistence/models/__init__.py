"""The tables. `emails` is content, `email_jobs` is execution, `attempts` is evidence."""

from paceline.persistence.models.content import Campaign, CampaignAttachment, Email, Sender
from paceline.persistence.models.drafts import Draft, DraftAttachment, DraftListPiece
from paceline.persistence.models.execution import Attempt, EmailJob, Lane
from paceline.persistence.models.history import AttemptDialogue, EmailDecision
from paceline.persistence.models.imports import ImportedList
from paceline.persistence.models.notifying import (
    Notification,
    NotificationMessage,
    NotificationSettings,
)
from paceline.persistence.models.people import (
    ApiKey,
    Avatar,
    ConnectedIdentity,
    Session,
    SignInLink,
    SpentNonce,
    User,
)
from paceline.persistence.models.upkeep import (
    AuditEntry,
    IdempotencyKey,
    InboxMessage,
    Installation,
    RetentionWalk,
    SecretKey,
    Suppression,
    WebhookEndpoint,
    WipedSuppression,
)

__all__ = [
    "ApiKey",
    "Attempt",
    "AttemptDialogue",
    "AuditEntry",
    "Avatar",
    "Campaign",
    "CampaignAttachment",
    "ConnectedIdentity",
    "Draft",
    "DraftAttachment",
    "DraftListPiece",
    "Email",
    "EmailDecision",
    "EmailJob",
    "IdempotencyKey",
    "ImportedList",
    "InboxMessage",
    "Installation",
    "Lane",
    "Notification",
    "NotificationMessage",
    "NotificationSettings",
    "RetentionWalk",
    "SecretKey",
    "Sender",
    "Session",
    "SignInLink",
    "SpentNonce",
    "Suppression",
    "User",
    "WebhookEndpoint",
    "WipedSuppression",
]
