"""Senders' DKIM keys: sealed at rest, shown as the record to publish.

A private key is made here and never shown. The domain is kept with it: changing a sender's address
must not make its signatures name a domain where nothing is published.
"""

from __future__ import annotations

from dataclasses import dataclass

from paceline.auth.secretbox import SecretBox, dkim_key_label
from paceline.delivery import DkimAlgorithm, DkimKey, wire_address
from paceline.errors import InvalidInput, NotFound
from paceline.persistence.stores.senders import SenderRecord
from paceline.sending.identities import key_of


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimRecord:
    """The TXT record to publish: `value` is for a zone file, in quoted strings; `text` is whole."""

    name: str
    value: str
    text: str
    selector: str
    domain: str
    algorithm: DkimAlgorithm


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key about to be given to a sender: what is stored of it, and what is shown."""

    columns: dict[str, object]
    record: DkimRecord


LOST = (
    "its DKIM key is lost with the secret key that it was sealed with: drop it, and make another "
    "if its emails shall be signed"
)
NO_KEY: dict[str, object] = dict.fromkeys(
    ("dkim_selector", "dkim_domain", "dkim_algorithm", "dkim_key")
)


def new_key(
    secrets: SecretBox,
    sender: SenderRecord,
    key: DkimKey,
    *,
    selector: str | None,
    domain: str | None,
) -> NewKey:
    """The key for this sender. Raises `InvalidInput` naming selector or domain."""
    selector = (selector or key.default_selector()).strip().lower()
    domain = _aligned(sender.from_address, domain)
    record = _shown(key, selector=selector, domain=domain)
    label = dkim_key_label(owner_id=sender.owner_id, sender_id=sender.id)
    columns: dict[str, object] = {
        "dkim_selector": selector,
        "dkim_domain": domain,
        "dkim_algorithm": key.algorithm,
        "dkim_key": secrets.seal(key.secret(), label=label),
    }
    return NewKey(columns=columns, record=record)


def record_of(secrets: SecretBox, sender: SenderRecord) -> DkimRecord:
    """What has to be published for the sender's key. Raises `NotFound`, `SecretUnreadable`."""
    if sender.has_lost_key:
        raise NotFound(LOST)
    key = key_of(secrets, sender.id, sender)
    if key is None or sender.dkim_selector is None or sender.dkim_domain is None:
        raise NotFound("this sender has no DKIM key")
    return _shown(key, selector=sender.dkim_selector, domain=sender.dkim_domain)


def _shown(key: DkimKey, *, selector: str, domain: str) -> DkimRecord:
    record = key.dns_record(selector=selector, domain=domain)
    return DkimRecord(
        name=record.name,
        value=record.value,
        text=record.text,
        selector=selector,
        domain=domain,
        algorithm=key.algorithm,
    )


def _aligned(from_address: str, domain: str | None) -> str:
    """The signing domain: From's own, or one above it, as DMARC asks (RFC 7489 §3.1.1)."""
    own = wire_address(from_address, field="from_address").rpartition("@")[2].lower()
    if domain is None:
        return own
    try:
        asked = wire_address(f"x@{domain.strip()}", field="domain").rpartition("@")[2].lower()
    except InvalidInput:
        raise InvalidInput.of("domain", f"is not a domain name: {domain[:80]!a}") from None
    if asked != own and not ("." in asked and own.endswith(f".{asked}")):
        raise InvalidInput.of("domain", f"must be {own} or a domain above it, not {asked[:80]}")
    return asked
