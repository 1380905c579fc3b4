"""What to do about a server that could not be reached or logged in to, in one or two sentences.

Pure: from how far the check came and what the server said, with what is known of its provider.
"""

from __future__ import annotations

from dataclasses import dataclass

from paceline.domain.host_names import is_nearby
from paceline.domain.presets import Preset, preset_for_host

_GOOGLE_KEYS = frozenset({"gmail", "google-workspace"})
_MICROSOFT_KEYS = frozenset({"microsoft-365", "outlook"})
# How we say that nothing came, whatever the step (delivery/channel.py; asyncio, of a handshake).
_NOTHING_CAME = ("no answer", "did not answer", "taking longer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """How a check ended. `phase` is a step of the conversation, `code` None without a reply."""

    phase: str
    code: int | None
    detail: str
    host: str
    port: int
    security: str
    auth: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """What to do, and the page where it is done, if there is one."""

    text: str
    url: str | None = None


def next_step(trouble: Trouble) -> NextStep:
    """The way to mend it."""
    preset = preset_for_host(trouble.host)
    detail = trouble.detail.lower()
    if trouble.code is not None and 400 <= trouble.code < 500:
        return NextStep(text="The server asks to come back later. Wait some minutes, verify again.")
    match trouble.phase:
        case "connect":
            return _about_connection(trouble, detail)
        case "greeting" | "tls" | "ehlo":
            return _about_protection(trouble, detail)
        case "auth":
            return _about_log_in(trouble, detail, preset)
        case _:
            return NextStep(text="Ask the provider of the server what it wants.")


def _about_connection(trouble: Trouble, detail: str) -> NextStep:
    if "has no address" in detail or "looked up" in detail:
        return NextStep(text=f"DNS does not know {trouble.host}. Look for a slip in the name.")
    if "public" in detail or "must be one of" in detail:
        return NextStep(text="Name a server on the public internet, on one of the usual ports.")
    return NextStep(
        text=f"Nothing answers at {trouble.host}, port {trouble.port}. Try 587 with STARTTLS or "
        "465 with TLS. Many hosting providers block outgoing mail: then ask yours, or try 2525."
    )


def _about_protection(trouble: Trouble, detail: str) -> NextStep:
    if "certificate" in detail:
        return NextStep(
            text="The server's certificate is not for this name, or nobody vouches for it. Enter "
            "the name that the provider gives; with an authority of your own, set SSL_CERT_FILE."
        )
    if trouble.code is not None:
        return NextStep(
            text="The server does not want this machine. Ask its provider, or look at HELO_NAME."
        )
    if "not offer starttls" in detail and is_nearby(trouble.host):
        return NextStep(
            text="It offers no STARTTLS, as servers within a network of one's own often do not. "
            "Choose None as its security; a password then travels unprotected there."
        )
    is_silent = any(words in detail for words in _NOTHING_CAME)
    if not is_silent and ("tls" in detail or trouble.phase == "tls"):
        return NextStep(
            text="Port and security do not fit. Choose TLS with port 465, or STARTTLS with 587."
        )
    return NextStep(
        text="What answers there is no mail server, or takes too long. Check name and port: "
        "587 with STARTTLS, 465 with TLS."
    )


def _about_log_in(trouble: Trouble, detail: str, preset: Preset | None) -> NextStep:
    url = preset.credential_url if preset is not None else None
    if trouble.auth == "xoauth2":
        return NextStep(
            text="The access was refused. Connect the sender again on its page, or make a new "
            "refresh token for this user, with the scope "
            f"{preset.scope if preset and preset.scope else 'for SMTP'}, and enter it.",
            url=url,
        )
    if trouble.code == 530 or ("plain text" in detail and trouble.security == "none"):
        return NextStep(text="The server wants the connection protected. Choose STARTTLS.")
    return NextStep(text=_about_password(trouble, detail, preset), url=url)


def _about_password(trouble: Trouble, detail: str, preset: Preset | None) -> str:
    key = preset.key if preset is not None else None
    if key in _MICROSOFT_KEYS or "basic authentication is disabled" in detail:
        return (
            "Microsoft takes no passwords here. Choose OAuth 2.0 and enter a refresh token; your "
            "administrator must allow Authenticated SMTP for the mailbox."
        )
    if "xoauth2" in detail:
        return "The server takes no passwords. Choose OAuth 2.0."
    if trouble.code is None:
        return "Choose another port, or leave user name and password out."
    if key in _GOOGLE_KEYS:
        return (
            "Google takes no account password here. Switch 2-Step Verification on, make an app "
            "password, and enter its 16 letters."
        )
    if preset is not None:
        return f"Enter both again. User name: {preset.user_name}. Password: {preset.credential}"
    return (
        "Enter user name and password again. The user name is often the whole address; some "
        "providers want a password of its own for SMTP."
    )
