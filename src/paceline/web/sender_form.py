"""The fields of a sender as a form holds them, and what a service takes in their place."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from starlette.datastructures import FormData

from paceline.delivery import Auth, Security
from paceline.domain.numbers import parse_hourly_limit, parse_seconds, parse_whole_number
from paceline.domain.presets import CUSTOM, DEV_INBOX, Preset
from paceline.errors import FieldProblem, InvalidInput
from paceline.services.senders import NewGrant, NewSender, SenderPatch
from paceline.services.views import SenderView
from paceline.web.forms import (
    Problems,
    seconds,
    text_of,
)

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
    "client_id": "oauth_client_id",
    "client_secret": "oauth_client_secret",
    "refresh_token": "oauth_refresh_token",
    "token_endpoint": "oauth_token_endpoint",
    "smtp_oauth": "oauth_refresh_token",
}
_OF_GRANT = "smtp_oauth."
_SECRETS = frozenset({"smtp_password", "smtp_oauth", "smtp_auth"})
_PLAIN = frozenset(name for name, field in FIELDS.items() if not field.startswith("oauth_"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderForm:
    """What stands in the fields, as typed. A stored secret never gets here."""

    preset: str = CUSTOM
    region: str = ""
    name: str = ""
    from_address: str = ""
    from_name: str = ""
    smtp_host: str = ""
    smtp_port: str = "587"
    smtp_security: str = Security.STARTTLS.value
    smtp_username: str = ""
    smtp_password: str = ""
    oauth_client_id: str = ""
    oauth_client_secret: str = ""
    oauth_refresh_token: str = ""
    oauth_token_endpoint: str = ""
    hourly_limit: str = ""
    min_delay: str = "0"
    max_connections: str = "4"

    @classmethod
    def filled_in(cls, preset: Preset, address: str = "") -> SenderForm:
        """As the provider wants it, with the limits that keep to its own."""
        is_inbox = preset.key == DEV_INBOX
        return cls(
            preset=preset.key,
            region=next(iter(preset.regions), ""),
            name=preset.name if is_inbox else "",
            from_address=address or ("sender@example.com" if is_inbox else ""),
            smtp_host=preset.host,
            smtp_port=str(preset.port),
            smtp_security=preset.security,
            smtp_username=address if preset.user_name_is_address else "",
            hourly_limit=str(preset.hourly_limit or ""),
            min_delay=seconds(preset.min_delay_ms),
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

    def as_new(self, problems: Problems, preset: Preset | None = None) -> NewSender | None:
        """A new sender, or None with the problems noted.

        With a preset, its region is the server, and the address is the user where that is usual.
        """
        values = self._numbers(problems)
        security = problems.read("smtp_security", _security, self.smtp_security)
        host = self._host(problems, preset)
        if problems or security is None:
            return None
        grant = self._grant()
        username = self.smtp_username.strip()
        if preset is not None and preset.user_name_is_address and (self.smtp_password or grant):
            username = username or self.from_address.strip()
        return NewSender(
            # Without an address it is refused for that alone: nobody has to give a name.
            name=self.name.strip() or self.from_address.strip() or "-",
            from_address=self.from_address,
            from_name=self.from_name.strip() or None,
            smtp_host=host,
            smtp_security=security,
            smtp_auth=Auth.PASSWORD if grant is None else Auth.XOAUTH2,
            smtp_username=username or None,
            smtp_password=self.smtp_password or None,
            smtp_oauth=grant,
            hourly_limit=values.hourly_limit,
            min_delay_ms=values.min_delay_ms,
            max_connections=values.max_connections,
            smtp_port=values.smtp_port,
        )

    def as_patch(self, problems: Problems, *, before: SenderView) -> SenderPatch | None:
        """Only what differs, or None with the problems noted. An empty secret stays."""
        new = self.as_new(problems)
        if new is None:
            return None
        values = {name: getattr(new, name) for name in _PLAIN - _SECRETS}
        changes = {n: value for n, value in values.items() if value != getattr(before, n)}
        if new.smtp_password is not None or new.smtp_oauth is not None:
            changes |= {"smtp_auth": new.smtp_auth}
            secrets = {"smtp_password": new.smtp_password, "smtp_oauth": new.smtp_oauth}
            changes |= {name: secret for name, secret in secrets.items() if secret is not None}
        return SenderPatch(**changes)

    def with_grant(self, grant: NewGrant) -> SenderForm:
        """As if that had been typed, in place of a password."""
        return replace(
            self,
            smtp_password="",
            oauth_client_id=grant.client_id,
            oauth_client_secret=grant.client_secret or "",
            oauth_refresh_token=grant.refresh_token,
            oauth_token_endpoint=grant.token_endpoint or "",
        )

    def _grant(self) -> NewGrant | None:
        given = (self.oauth_client_id, self.oauth_client_secret, self.oauth_refresh_token)
        if not any(text.strip() for text in given):
            return None
        return NewGrant(
            client_id=self.oauth_client_id.strip(),
            client_secret=self.oauth_client_secret.strip() or None,
            refresh_token=self.oauth_refresh_token.strip(),
            token_endpoint=self.oauth_token_endpoint.strip() or None,
        )

    def _host(self, problems: Problems, preset: Preset | None) -> str:
        if preset is None or not preset.regions:
            return self.smtp_host.strip()
        return problems.read("region", preset.host_in, self.region) or ""

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


def take(problems: Problems, found: InvalidInput) -> None:
    """Note what a service refused, at the fields of the form."""
    named = [FieldProblem(p.field.removeprefix(_OF_GRANT), p.message) for p in found.problems]
    problems.take(named, names=FIELDS)


def _security(text: str) -> Security:
    try:
        return Security(text)
    except ValueError:
        raise ValueError("must be none, starttls or tls") from None
