"""Smarthosts that recognise a second copy of the same email, and how they want it marked.

Where one does, doubt has an end: the email is handed over once more under the same key, and the
provider drops it if it has it already. Rules are data, each with its source.
"""

from __future__ import annotations

from datetime import timedelta

# resend.com/docs, "Idempotency keys": the header over SMTP, kept for 24 hours.
IDEMPOTENCY_HEADERS = {"smtp.resend.com": "Resend-Idempotency-Key"}

# Shorter than the shortest memory of any of them, by an hour for clocks and queues.
REMEMBERED_FOR = timedelta(hours=23)


def idempotency_header(smtp_host: str) -> str | None:
    """The header that this server de-duplicates by; None when it is not known to."""
    return IDEMPOTENCY_HEADERS.get(smtp_host.lower().rstrip("."))
