"""Why a server's certificate is not trusted, in words that say what is wrong with it.

Pure: the reason that OpenSSL gives, and the certificate, if it could be had.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable

from cryptography import x509
from cryptography.x509.oid import NameOID

from paceline.delivery.replies import one_line

MAX_NAMES = 5  # told of a certificate that may have hundreds
MAX_NAME = 100  # characters

# What a server sends as its certificate may be anything.
_UNREADABLE = (
    ValueError,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


def why_not_trusted(
    error: ssl.SSLCertVerificationError, certificate: x509.Certificate | None, *, host: str
) -> str:
    """The reason, on one line. What the certificate says of itself is cut short."""
    why = str(error.verify_message)
    tell = _TELL.get(error.verify_code)
    if certificate is not None and tell is not None:
        with contextlib.suppress(*_UNREADABLE):
            why = tell(certificate, host)
    return f"the certificate is not trusted: {one_line(why)}"


def _other_name(certificate: x509.Certificate, host: str) -> str:
    return f"it is for {_listed(names_of(certificate))}, not for {host}"


def _expired(certificate: x509.Certificate, host: str) -> str:
    return f"that for {host} expired on {certificate.not_valid_after_utc:%Y-%m-%d}"


def _not_yet_valid(certificate: x509.Certificate, host: str) -> str:
    begins = f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
    return f"that for {host} is valid from {begins} on; is the clock of this machine right?"


def _self_signed(certificate: x509.Certificate, host: str) -> str:
    return (
        f"it is self-signed (for {_listed(names_of(certificate))}); "
        "SSL_CERT_FILE can name it as one to trust"
    )


def _unknown_issuer(certificate: x509.Certificate, host: str) -> str:
    return (
        f"its issuer {_issuer(certificate)} is not known here; "
        "SSL_CERT_FILE can name one's own authority"
    )


# By the codes of openssl/x509_vfy.h.
_TELL: dict[int, Callable[[x509.Certificate, str], str]] = {
    2: _unknown_issuer,
    9: _not_yet_valid,
    10: _expired,
    18: _self_signed,
    19: _unknown_issuer,
    20: _unknown_issuer,
    21: _unknown_issuer,
    62: _other_name,
    64: _other_name,
}


def names_of(certificate: x509.Certificate) -> list[str]:
    """The host names and addresses that it is for."""
    try:
        known = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    names = known.get_values_for_type(x509.DNSName)
    return names + [str(ip) for ip in known.get_values_for_type(x509.IPAddress)]


def _listed(names: list[str]) -> str:
    told = ", ".join(name[:MAX_NAME] for name in names[:MAX_NAMES]) or "no name at all"
    return f"{told} and others" if len(names) > MAX_NAMES else told


def _issuer(certificate: x509.Certificate) -> str:
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        if found := certificate.issuer.get_attributes_for_oid(kind):
            return str(found[0].value)[:MAX_NAME]
    return "(without a name)"
