"""A sender's DKIM key: made, kept as text, and published in the DNS.

Owns what a key is and how its public half reads as a record. The private half leaves only as the
text of `secret`, which whoever stores it must seal first.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from paceline.errors import InvalidInput

RSA_BITS = 2048  # RFC 8301 §3.2; a larger one no longer fits one DNS answer over UDP everywhere
MAX_STRING = 255  # octets of one string of a TXT record (RFC 1035 §3.3)
MAX_NAME = 253  # RFC 1035 §2.3.4, in text form
MAX_SELECTOR = 63

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


class DkimAlgorithm(StrEnum):
    """What kind of key. RSA is understood everywhere; Ed25519 is short and not yet."""

    RSA = "rsa"  # rsa-sha256 (RFC 6376)
    ED25519 = "ed25519"  # ed25519-sha256 (RFC 8463)


@dataclass(frozen=True, kw_only=True, slots=True)
class DnsRecord:
    """A TXT record. `strings` hold at most 255 octets each; receivers join them without a gap."""

    name: str
    strings: tuple[str, ...]

    @property
    def text(self) -> str:
        """The whole text, for forms that cut it themselves."""
        return "".join(self.strings)

    @property
    def value(self) -> str:
        """Quoted strings, as a zone file has them."""
        return " ".join(f'"{string}"' for string in self.strings)


class DkimKey:
    """One private key. Made by `generate`, or by `load` from what `secret` gave."""

    __slots__ = ("_private", "algorithm")

    def __init__(self, private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> None:
        self._private = private
        is_rsa = isinstance(private, rsa.RSAPrivateKey)
        self.algorithm = DkimAlgorithm.RSA if is_rsa else DkimAlgorithm.ED25519

    @classmethod
    def generate(cls, algorithm: DkimAlgorithm) -> DkimKey:
        """A new key. RSA takes a good part of a second: not on an event loop."""
        if algorithm is DkimAlgorithm.RSA:
            return cls(rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS))
        return cls(ed25519.Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, secret: str) -> DkimKey:
        """From PKCS #8 in PEM. Raises `ValueError` for anything but a key of the two kinds."""
        private = serialization.load_pem_private_key(secret.encode(), password=None)
        if not isinstance(private, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
            raise ValueError("neither an RSA nor an Ed25519 key")
        return cls(private)

    def secret(self) -> str:
        """The private key in PEM, to be sealed."""
        return self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode("ascii")

    def sign(self, data: bytes) -> bytes:
        """The signature of the SHA-256 of `data`: PKCS #1 v1.5, or PureEdDSA over the hash itself
        (RFC 8463 §3)."""
        if isinstance(self._private, rsa.RSAPrivateKey):
            return self._private.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self._private.sign(hashlib.sha256(data).digest())

    def default_selector(self) -> str:
        """A name of this key's own: a new key never takes the place of one that is published."""
        return f"pl-{hashlib.sha256(self._public()).hexdigest()[:8]}"

    def dns_record(self, *, selector: str, domain: str) -> DnsRecord:
        """What has to be published. Raises `InvalidInput` naming selector or domain."""
        name = record_name(selector=selector, domain=domain)
        public = base64.b64encode(self._public()).decode("ascii")
        text = f"v=DKIM1; k={self.algorithm}; p={public}"
        starts = range(0, len(text), MAX_STRING)
        return DnsRecord(
            name=name, strings=tuple(text[start : start + MAX_STRING] for start in starts)
        )

    def _public(self) -> bytes:
        public = self._private.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            # RFC 6376 §3.6.1 says RSAPublicKey; everybody publishes this form (its erratum 3017).
            return public.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        return public.public_bytes_raw()


def record_name(*, selector: str, domain: str) -> str:
    """Where the record belongs. Both in lower case. Raises `InvalidInput` naming the one at fault.

    What passes can stand in a header as it is: letters, digits, hyphens and dots.
    """
    if len(selector) > MAX_SELECTOR or not _NAME.fullmatch(selector):
        raise InvalidInput.of("selector", "must be a-z, 0-9, hyphens and dots, such as mail-2027")
    name = f"{selector}._domainkey.{domain}"
    if not _NAME.fullmatch(domain) or len(name) > MAX_NAME:
        raise InvalidInput.of("domain", f"is not a domain name: {domain[:80]!a}")
    return name
