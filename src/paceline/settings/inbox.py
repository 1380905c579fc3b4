"""The dev inbox, and an account at ethereal.email."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from paceline.domain.addresses import InvalidAddress, parse_address
from paceline.errors import SettingsError
from paceline.settings.values import number


@dataclass(frozen=True, kw_only=True, slots=True)
class DevInboxSettings:
    """Where the dev inbox takes SMTP: what it listens on, and what senders that lead there name."""

    host: str = "127.0.0.1"
    port: int = 1025


@dataclass(frozen=True, kw_only=True, slots=True)
class EtherealSettings:
    """An account at ethereal.email, for a sender that everybody has from the beginning."""

    email: str
    password: str = field(repr=False)


def read_devinbox(env: Mapping[str, str]) -> DevInboxSettings:
    """From DEVINBOX_HOST and DEVINBOX_PORT."""
    return DevInboxSettings(
        host=env.get("DEVINBOX_HOST", "127.0.0.1"),
        port=number(env, "DEVINBOX_PORT", 1025, 1, 65535),
    )


def read_ethereal(env: Mapping[str, str]) -> EtherealSettings | None:
    """From ETHEREAL_EMAIL and ETHEREAL_PASS, which go together."""
    email, password = env.get("ETHEREAL_EMAIL"), env.get("ETHEREAL_PASS")
    if (email is None) != (password is None):
        lacking = "ETHEREAL_PASS" if password is None else "ETHEREAL_EMAIL"
        raise SettingsError(f"{lacking} is not set: ETHEREAL_EMAIL and ETHEREAL_PASS go together")
    if email is None or password is None:
        return None
    try:
        return EtherealSettings(email=parse_address(email).address, password=password)
    except InvalidAddress as error:
        raise SettingsError(f"ETHEREAL_EMAIL is no address: {error}") from None
