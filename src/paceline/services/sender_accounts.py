"""From a stored sender to what is made of it: its view, a test message."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from paceline import clock
from paceline.auth.secretbox import SecretBox, smtp_password_label
from paceline.delivery import (
    Auth,
    DkimAlgorithm,
    Headers,
    Kind,
    MessageTemplate,
    Result,
    Security,
)
from paceline.domain.lifecycle import SenderState
from paceline.persistence.stores.senders import SenderRecord
from paceline.sending.identities import signer_of
from paceline.services import sender_checks
from paceline.services.versions import version_of_sender
from paceline.services.views import DkimView, SenderView


def view_of(record: SenderRecord) -> SenderView:
    """The sender as it may be shown."""
    check = sender_checks.read(record.last_check)
    step = sender_checks.way_out(record)
    is_broken = record.state == SenderState.BROKEN  # whatever was true once
    derived: dict[str, Any] = {
        "smtp_password_set": record.smtp_password is not None,
        "smtp_oauth_set": record.smtp_grant is not None,
        "smtp_security": Security(record.smtp_security),
        "smtp_auth": Auth(record.smtp_auth),
        "state": SenderState(record.state),
        "version": version_of_sender(record),
        "dkim": _dkim_view(record),
        "last_check": check,
        "next_step": step.text if step else None,
        "next_step_url": step.url if step else None,
        "verified_at": check.checked_at if check and check.ok and not is_broken else None,
    }
    stored = {n: getattr(record, n) for n in SenderView.__slots__ if n not in derived}
    return SenderView(**stored, **derived)


def _dkim_view(record: SenderRecord) -> DkimView | None:
    selector, domain, algorithm = record.dkim_selector, record.dkim_domain, record.dkim_algorithm
    if selector is None or domain is None or algorithm is None:
        return None
    return DkimView(
        selector=selector,
        domain=domain,
        algorithm=DkimAlgorithm(algorithm),
        is_lost=record.has_lost_key,
    )


def sealed(secrets: SecretBox, owner_id: uuid.UUID, sender_id: uuid.UUID, password: str) -> bytes:
    """The password as it is stored."""
    return secrets.seal(password, label=smtp_password_label(owner_id=owner_id, sender_id=sender_id))


def test_message(secrets: SecretBox, record: SenderRecord, *, to: str, message_id: str) -> bytes:
    """A short message that says where it came from, signed if the sender's emails are."""
    signer = signer_of(secrets, record.id, record)
    date = clock.now()
    content = _unsigned_test(record, to=to, message_id=message_id, date=date)
    return content if signer is None else signer.sign(content, signed_at=date)


def _unsigned_test(record: SenderRecord, *, to: str, message_id: str, date: datetime) -> bytes:
    template = MessageTemplate.compile(
        subject="Paceline can send",
        text=(
            "This is a test message.\n\n"
            f"It left {record.smtp_host} port {record.smtp_port} for the sender that you set up."
        ),
        html=None,
    )
    return template.render(
        {},
        headers=Headers(
            from_address=record.from_address,
            from_name=record.from_name,
            to_address=to,
            to_name=None,
            message_id=message_id,
            date=date,
            boundary_seed=message_id,
        ),
    )


def told(result: Result) -> str:
    """What became of a message, for the person who waits for it."""
    if result.kind is Kind.IN_DOUBT:
        return f"sent, but the server's answer was lost; look into the mailbox ({result.detail})"
    return str(result.reply) if result.reply else result.detail
