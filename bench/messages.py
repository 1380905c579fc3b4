"""Our messages beside the standard library's: one template, many recipients."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr

from paceline.delivery import Headers, MessageTemplate

TEXT = "Hello {{ name }},\r\n" + "A line of text for everybody to read, as usual.\r\n" * 40
HTML = "<p>Hello {{ name }}</p>" + "<p>A line of text for everybody to read.</p>\r\n" * 40
DATE = datetime(2026, 11, 25, 10, tzinfo=UTC)


def ours(count: int) -> float:
    """Messages per CPU second."""
    template = MessageTemplate.compile(subject="Hello {{ name }}", text=TEXT, html=HTML)
    before = time.process_time()
    for number in range(count):
        headers = Headers(
            from_address="a@example.com",
            from_name="Ada",
            to_address=f"b{number}@example.org",
            to_name="Bärbel",
            message_id=f"<{number}@example.com>",
            date=DATE,
            boundary_seed=str(number),
        )
        template.render({"name": "Bärbel"}, headers=headers)
    return count / (time.process_time() - before)


def standard_library(count: int) -> float:
    """The same by `EmailMessage`, the fields put in by `str.replace`."""
    before = time.process_time()
    for number in range(count):
        message = EmailMessage(policy=SMTP)
        message["From"] = formataddr(("Ada", "a@example.com"))
        message["To"] = formataddr(("Bärbel", f"b{number}@example.org"))
        message["Subject"] = "Hello Bärbel"
        message["Date"] = format_datetime(DATE)
        message["Message-ID"] = f"<{number}@example.com>"
        message.set_content(TEXT.replace("{{ name }}", "Bärbel"))
        message.add_alternative(HTML.replace("{{ name }}", "Bärbel"), subtype="html")
        message.as_bytes()
    return count / (time.process_time() - before)
