"""What was decided about a whole campaign, as far as it met one of its emails.

It is written down once, in the audit log, rather than at each of a million emails; which of them it
met follows from what is known of each.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from paceline.domain.acts import Act
from paceline.domain.decisions import CampaignDecision
from paceline.domain.lifecycle import UNFINISHED, JobState
from paceline.persistence.stores import audit
from paceline.persistence.stores.audit import AuditRecord
from paceline.persistence.stores.email_records import EmailRecord
from paceline.persistence.stores.session import Session
from paceline.services.views import AttemptView, DecisionView

MAX_ACTS = 100  # about one campaign, the newest
_RETRIED = "retried"
_MEANT = {
    Act.LAUNCHED: CampaignDecision.LAUNCHED,
    Act.TESTED: CampaignDecision.LAUNCHED,
    Act.CHANGED: CampaignDecision.MOVED,
    Act.PAUSED: CampaignDecision.PAUSED,
    Act.RESUMED: CampaignDecision.RESUMED,
    Act.CANCELLED: CampaignDecision.CANCELLED,
}


async def decided_with_all(
    session: Session, owner_id: uuid.UUID, email: EmailRecord, attempts: Sequence[AttemptView]
) -> list[DecisionView]:
    """What was decided about all emails of its campaign while this one waited, the oldest first."""
    if email.campaign_id is None:
        return []
    acts = await audit.acts_about(
        session, owner_id, email.campaign_id, actions=list(_MEANT), limit=MAX_ACTS
    )
    return [_view(act) for act in acts if has_met(act, email, attempts)]


def has_met(act: AuditRecord, email: EmailRecord, attempts: Sequence[AttemptView]) -> bool:
    """Whether the email waited when it was done, and was moved by it if it is a move."""
    if not email.created_at <= act.at:
        return False
    over = None if JobState(email.state) in UNFINISHED else email.sent_at or email.updated_at
    if over is not None and over < act.at:
        return False
    if act.action != Act.CHANGED:
        return True
    return "start_was" in act.detail and not _is_tried(attempts, act.at)


def _is_tried(attempts: Sequence[AttemptView], at: datetime) -> bool:
    """Whether it had been tried by then: what is tried again keeps its own time."""
    before = [a for a in attempts if (a.dot_at or a.ended_at or at) < at]
    return bool(before) and before[-1].outcome != _RETRIED


def _view(act: AuditRecord) -> DecisionView:
    detail: dict[str, object] = {}
    if act.action == Act.CHANGED:
        detail = {"scheduled_at": [act.detail["start_was"], act.detail["start_at"]]}
    return DecisionView(what=_MEANT[Act(act.action)], by=act.actor, at=act.at, detail=detail)
