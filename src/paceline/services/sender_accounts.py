"""From a stored sender to its server and back: the account, its sealed password, a test message."""

from __future__ import annotations

import uuid

from paceline import clock
from paceline.auth.secretbox import SecretBox, smtp_password_label
from paceline.delivery import Account, Headers, Kind, MessageTemplate, Result, Security
from paceline.persistence.stores.senders import SenderRecord
from paceline.services.content import helo_name


def sealed(
    secrets: SecretBox, owner_id: uuid.UUID, sender_id: uuid.UUID, password: str | None
) -> bytes | None:
    """The password as it is stored."""
    if password is None:
        return None
    return secrets.seal(password, label=smtp_password_label(owner_id=owner_id, sender_id=sender_id))


def account_of(secrets: SecretBox, record: SenderRecord) -> Account:
    """How to reach the sender's server. Raises `SecretUnreadable`."""
    password = None
    if record.smtp_password is not None:
        label = smtp_password_label(owner_id=record.owner_id, sender_id=record.id)
        password = secrets.open(record.smtp_password, label=label)
    return Account(
        host=record.smtp_host,
        port=record.smtp_port,
        security=Security(record.smtp_security),
        username=record.smtp_username,
        password=password,
        helo_name=helo_name(),
    )


def test_message(record: SenderRecord, *, to: str, message_id: str) -> bytes:
    """A short message that says where it came from."""
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
            date=clock.now(),
            boundary_seed=message_id,
        ),
    )


def told(result: Result) -> str:
    """What became of a message, for the person who waits for it."""
    if result.kind is Kind.IN_DOUBT:
        return f"sent, but the server's answer was lost; look into the mailbox ({result.detail})"
    return str(result.reply) if result.reply else result.detail
