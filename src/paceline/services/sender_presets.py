"""The providers that a sender can be filled in for, as this installation has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from paceline.delivery import DnsUnavailable, Resolver, wire_address
from paceline.domain.presets import DEV_INBOX, PRESETS, Preset, guess, preset_for_host
from paceline.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedPresets:
    """All presets, and which one an address seems to need."""

    items: Sequence[Preset]
    guessed: str | None


class SenderPresets:
    """Asked by the page, the API and the command line alike."""

    def __init__(self, resolver: Resolver, *, dev_inbox: tuple[str, int] | None = None) -> None:
        """`dev_inbox`: host and port, where one can be reached from here."""
        self._resolver = resolver
        self._own = () if dev_inbox is None else (_dev_inbox(*dev_inbox),)

    @property
    def all(self) -> tuple[Preset, ...]:
        """The providers, then what this machine has."""
        return (*PRESETS[:-1], *self._own, PRESETS[-1])

    def of(self, key: str) -> Preset | None:
        """The one of this key."""
        return next((preset for preset in self.all if preset.key == key), None)

    def for_host(self, host: str) -> Preset | None:
        """The one whose server this is."""
        return preset_for_host(host)

    async def offered(self, address: str | None) -> OfferedPresets:
        """All of them; with an address, the one that its domain or the MX of that speaks for."""
        found = await self._guess(address) if address else None
        return OfferedPresets(items=self.all, guessed=found.key if found else None)

    async def _guess(self, address: str) -> Preset | None:
        try:
            domain = wire_address(address.strip(), field="address").rpartition("@")[2]
        except InvalidInput:
            return None
        known = guess(address)
        if known is not None:
            return known
        try:
            return guess(address, await self._resolver.exchangers(domain))
        except DnsUnavailable:
            return None


def _dev_inbox(host: str, port: int) -> Preset:
    return Preset(
        key=DEV_INBOX,
        name="Dev inbox of this machine",
        host=host,
        port=port,
        security="none",
        user_name="None",
        credential="None.",
        limits="Delivers to nobody: every email can be read under Dev inbox.",
    )
