"""The fields of a sender as a form holds them, and what a service takes in their place."""

from __future__ import annotations

from dataclasses import dataclass, fields

from starlette.datastructures import FormData

from paceline.delivery import Security
from paceline.domain.numbers import parse_hourly_limit, parse_seconds, parse_whole_number
from paceline.services.senders import NewSender, SenderPatch
from paceline.services.views import SenderView
from paceline.web.forms import (
    Problems,
    seconds,
    text_of,
)
from paceline.web.parts import InboxAddress

# A service's names for fields, and ours.
FIELDS = {
    "name": "name",
    "from_address": "from_address",
    "from_name": "from_name",
    "smtp_host": "smtp_host",
    "smtp_port": "smtp_port",
    "smtp_security": "smtp_security",
    "smtp_username": "smtp_username",
    "smtp_password": "smtp_password",
    "hourly_limit": "hourly_limit",
    "min_delay_ms": "min_delay",
    "max_connections": "max_connections",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderForm:
    """What stands in the fields, as typed. A stored password never gets here."""

    name: str = ""
    from_address: str = ""
    from_name: str = ""
    smtp_host: str = ""
    smtp_port: str = "587"
    smtp_security: str = Security.STARTTLS.value
    smtp_username: str = ""
    smtp_password: str = ""
    hourly_limit: str = ""
    min_delay: str = "0"
    max_connections: str = "4"

    @classmethod
    def empty(cls) -> SenderForm:
        """With the defaults that fit most providers."""
        return cls()

    @classmethod
    def for_dev_inbox(cls, inbox: InboxAddress) -> SenderForm:
        """A sender whose emails stay on this machine."""
        return cls(
            name="Dev inbox",
            from_address="sender@example.com",
            smtp_host=inbox.host,
            smtp_port=str(inbox.port),
            smtp_security=Security.NONE.value,
        )

    @classmethod
    def of(cls, sender: SenderView) -> SenderForm:
        """A stored sender."""
        return cls(
            name=sender.name,
            from_address=sender.from_address,
            from_name=sender.from_name or "",
            smtp_host=sender.smtp_host,
            smtp_port=str(sender.smtp_port),
            smtp_security=sender.smtp_security.value,
            smtp_username=sender.smtp_username or "",
            hourly_limit=str(sender.hourly_limit or ""),
            min_delay=seconds(sender.min_delay_ms),
            max_connections=str(sender.max_connections),
        )

    @classmethod
    def read(cls, form: FormData) -> SenderForm:
        """What was posted."""
        return cls(**{field.name: text_of(form, field.name) for field in fields(cls)})

    def as_new(self, problems: Problems) -> NewSender | None:
        """A new sender, or None with the problems noted."""
        values = self._numbers(problems)
        security = problems.read("smtp_security", _security, self.smtp_security)
        if problems or security is None:
            return None
        return NewSender(
            name=self.name.strip() or self.from_address.strip(),
            from_address=self.from_address,
            from_name=self.from_name.strip() or None,
            smtp_host=self.smtp_host.strip(),
            smtp_security=security,
            smtp_username=self.smtp_username.strip() or None,
            smtp_password=self.smtp_password or None,
            hourly_limit=values.hourly_limit,
            min_delay_ms=values.min_delay_ms,
            max_connections=values.max_connections,
            smtp_port=values.smtp_port,
        )

    def as_patch(self, problems: Problems, *, before: SenderView) -> SenderPatch | None:
        """Only what differs, or None with the problems noted. An empty password changes nothing."""
        new = self.as_new(problems)
        if new is None:
            return None
        values = {name: getattr(new, name) for name in FIELDS if name != "smtp_password"}
        changes = {n: value for n, value in values.items() if value != getattr(before, n)}
        if new.smtp_password is not None:
            changes["smtp_password"] = new.smtp_password
        return SenderPatch(**changes)

    def _numbers(self, problems: Problems) -> _Numbers:
        return _Numbers(
            smtp_port=problems.read("smtp_port", parse_whole_number, self.smtp_port) or 0,
            max_connections=problems.read(
                "max_connections", parse_whole_number, self.max_connections
            )
            or 0,
            min_delay_ms=problems.read("min_delay", parse_seconds, self.min_delay) or 0,
            hourly_limit=problems.read("hourly_limit", parse_hourly_limit, self.hourly_limit),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbers:
    smtp_port: int
    max_connections: int
    min_delay_ms: int
    hourly_limit: int | None


def _security(text: str) -> Security:
    try:
        return Security(text)
    except ValueError:
        raise ValueError("must be none, starttls or tls") from None
