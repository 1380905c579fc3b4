"""What somebody is told whose sender was not connected: at which field, and what to do."""

from __future__ import annotations

from paceline.auth.consents import ConsentRefusal, ConsentRefused

STALE = (
    "That consent is over: it was begun in another sign-in, more than ten minutes ago, or was used "
    "already. Open the sender and connect it again."
)


def told(
    refused: ConsentRefused, *, provider: str, account: str, redirect_uri: str
) -> tuple[str, str]:
    """(field of the form or "", the words)."""
    field, words = _WORDS[refused.reason]
    if refused.reason is ConsentRefusal.WRONG_ACCOUNT and not refused.account:
        words = "{provider} does not say whose account that was, so it was not connected."
    return field, words.format(
        provider=provider, account=account, other=refused.account, redirect_uri=redirect_uri
    )


def unreachable(provider: str) -> str:
    """The provider does not answer."""
    return f"{provider} does not answer. Try again in a minute; what you typed is still here."


_WORDS = {
    ConsentRefusal.STALE: ("", STALE),
    ConsentRefusal.DECLINED: (
        "",
        "{provider} gave no access: you, or whoever administers the account, refused it. Nothing "
        "was changed. Connect again, or use one of the other ways to log in.",
    ),
    ConsentRefusal.CLIENT: (
        "oauth_client_id",
        "{provider} does not take this client. Compare its ID and secret with your app there, and "
        "the redirect URI, which is {redirect_uri}",
    ),
    ConsentRefusal.PROVIDER_ERROR: (
        "",
        "{provider} reports an error. Try again in a minute. If it stays, tell whoever runs "
        "Paceline: its log says which.",
    ),
    ConsentRefusal.UNTRUSTED: (
        "",
        "What came back from {provider} cannot be relied upon, so nothing was connected. Try "
        "again. If it stays, tell whoever runs Paceline: its log says what was wrong.",
    ),
    ConsentRefusal.NO_REFRESH_TOKEN: (
        "",
        "{provider} gave access for an hour only, without a refresh token. Take the app out of the "
        "account's list of connected apps at {provider}, then connect again.",
    ),
    ConsentRefusal.NO_MAIL: (
        "",
        "You signed in at {provider}, but sending mail was not allowed. Connect again, and leave "
        "the box for mail ticked.",
    ),
    ConsentRefusal.WRONG_ACCOUNT: (
        "smtp_username",
        "This is {account}, but you signed in at {provider} as {other}. Choose that account there, "
        "or change the user name.",
    ),
}
