"""What somebody is told who was not signed in: what is the matter, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from paceline.auth.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Problem:
    """A title, what to do about it, and the status that it is answered with."""

    title: str
    advice: str
    status: int = 403


def problem_of(reason: Refusal, *, provider: str, email: str | None, redirect_uri: str) -> Problem:
    """The words for one refusal. `provider` is what people know it by."""
    who = email or "This account"
    problem = _PROBLEMS[reason]
    return Problem(
        problem.title.format(provider=provider),
        problem.advice.format(provider=provider, who=who, redirect_uri=redirect_uri),
        problem.status,
    )


def unreachable(provider: str) -> Problem:
    """The provider does not answer."""
    return Problem(
        f"{provider} does not answer",
        "Try again in a minute. Whoever is signed in stays so, and emails go out as planned.",
        503,
    )


_PROBLEMS = {
    Refusal.STALE: Problem(
        "That sign-in is over",
        "It was begun in another browser, more than ten minutes ago, or it was used already. "
        "Sign in again from here.",
        400,
    ),
    Refusal.CANCELLED: Problem(
        "You are not signed in",
        "You cancelled at {provider}. Nothing was changed; sign in whenever you like.",
        400,
    ),
    Refusal.PROVIDER_ERROR: Problem(
        "{provider} reports an error",
        "Try again in a minute. If it stays, tell whoever runs Paceline: its log says which.",
        502,
    ),
    Refusal.MISCONFIGURED: Problem(
        "{provider} does not know this installation",
        "Whoever runs Paceline has to compare its settings with the provider's: the client id, the "
        "client secret, the issuer, and the redirect URI, which is {redirect_uri}",
        502,
    ),
    Refusal.UNTRUSTED: Problem(
        "The answer could not be verified",
        "What came back from {provider} cannot be relied upon, so nobody was signed in. Try again. "
        "If it stays, tell whoever runs Paceline: its log says what was wrong.",
    ),
    Refusal.NO_EMAIL: Problem(
        "{provider} told us no email address",
        "Sign in again and allow your address to be shared, or choose an account that has one.",
    ),
    Refusal.UNVERIFIED_EMAIL: Problem(
        "Your address is not verified",
        "{provider} has not verified {who}. Verify it there, then sign in again.",
    ),
    Refusal.DOMAIN: Problem(
        "This account may not sign in here",
        "{who} is outside the organisations that are let in. Choose your work account, or ask "
        "whoever runs Paceline to add yours to ALLOWED_DOMAINS.",
    ),
    Refusal.NOT_LISTED: Problem(
        "This account may not sign in here",
        "{who} is not among those who are let in. Choose another account, or ask an administrator "
        "for an invitation.",
    ),
    Refusal.NOBODY_CHOSEN: Problem(
        "Nobody is let in yet",
        "Whoever runs Paceline has to say who may sign in: addresses in ADMINS, or your "
        "organisation in ALLOWED_DOMAINS.",
    ),
    Refusal.DISABLED: Problem(
        "This account was closed",
        "{who} may not sign in any more. Ask an administrator to open it again.",
    ),
    Refusal.TAKEN: Problem(
        "That account is somebody else's here",
        "{who} signs in as another user. Choose another account at {provider}.",
        409,
    ),
}
