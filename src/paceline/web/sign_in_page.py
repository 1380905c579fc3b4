"""The sign-in page, and the cookies of a sign-in that is under way."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from paceline.auth.oidc import ProviderSignIn, Started
from paceline.auth.oidc.transactions import BUTTON_LIFETIME, LIFETIME
from paceline.auth.refusals import ProviderUnreachable, SignInRefused
from paceline.auth.sessions import Origin
from paceline.web.access import is_https, local_path
from paceline.web.headers import sign_in_policy
from paceline.web.parts import Parts
from paceline.web.provider_words import Problem, problem_of, unreachable
from paceline.web.rendering import render

COOKIE = "paceline-sign-in-"
BUTTON_COOKIE = "paceline-google-button"
MAX_UNDER_WAY = 4  # in one browser: tabs in which somebody left for the provider
_STATE_CHARACTERS = 12


def sign_in_page(
    request: Request, parts: Parts, next_path: str, *, problem: Problem | None = None
) -> Response:
    """How to get in, and what went wrong before."""
    sign_in = parts.provider_sign_in
    button = sign_in if sign_in is not None and sign_in.provider.settings.button else None
    nonce, cookie = button.begin_button(next_path) if button else ("", "")
    response = render(
        request,
        "login.html",
        viewer=None,
        status=problem.status if problem else 200,
        problem=problem,
        next_path=next_path,
        provider=provider_name(sign_in) if sign_in else "",
        is_google=bool(sign_in and sign_in.provider.settings.is_google),
        redirects=bool(sign_in and sign_in.provider.settings.redirects),
        client_id=button.provider.settings.client_id if button else "",
        nonce=nonce,
        base_url=parts.base_url,
    )
    if button:
        put_transaction(response, BUTTON_COOKIE, cookie, parts, BUTTON_LIFETIME.total_seconds())
        response.headers.update(sign_in_policy())
    return response


def words_for(sign_in: ProviderSignIn, error: SignInRefused | ProviderUnreachable) -> Problem:
    """What somebody is told who was not let in."""
    name = provider_name(sign_in)
    if isinstance(error, ProviderUnreachable):
        return unreachable(name)
    return problem_of(
        error.reason,
        provider=name,
        email=error.email,
        redirect_uri=sign_in.provider.redirect_uri,
    )


def provider_name(sign_in: ProviderSignIn) -> str:
    """What people know the provider by."""
    return "Google" if sign_in.provider.settings.is_google else sign_in.provider.host


def origin_of(request: Request, method: str) -> Origin:
    """Where somebody signs in from."""
    return Origin(
        method=method,
        address=request.client.host if request.client else None,
        user_agent=request.headers.get("user-agent"),
    )


def put_started(request: Request, response: Response, started: Started, parts: Parts) -> None:
    """Give the browser the cookie of a sign-in that begins; each tab has its own.

    Those of earlier ones go once there are several: browsers keep only so many octets for a host.
    """
    names = [name for name in request.cookies if name.startswith(_named(COOKIE, parts))]
    for name in names[: max(0, len(names) - MAX_UNDER_WAY + 1)]:
        drop(response, name, parts)
    put_transaction(response, _of(started.state), started.cookie, parts, LIFETIME.total_seconds())


def put_transaction(
    response: Response, name: str, value: str, parts: Parts, seconds: float
) -> None:
    """Lax: it has to come along when the provider sends the browser back."""
    response.set_cookie(
        _named(name, parts),
        value,
        max_age=int(seconds),
        path="/",
        secure=is_https(parts.base_url),
        httponly=True,
        samesite="lax",
    )


def started_cookie(request: Request, state: str, parts: Parts) -> str | None:
    """What this browser was sent away with."""
    return request.cookies.get(_named(_of(state), parts))


def drop_started(response: Response, state: str, parts: Parts) -> None:
    """It came back: once is enough."""
    drop(response, _named(_of(state), parts), parts)


def button_cookie(request: Request, parts: Parts) -> str | None:
    """The cookie that Google's button was shown with."""
    return request.cookies.get(_named(BUTTON_COOKIE, parts))


def drop(response: Response, name: str, parts: Parts) -> None:
    """Take a cookie away."""
    response.delete_cookie(
        name, path="/", secure=is_https(parts.base_url), httponly=True, samesite="lax"
    )


def next_of(request: Request) -> str:
    """Where somebody wants to go afterwards; nowhere but here."""
    return local_path(request.query_params.get("next"))


def _named(name: str, parts: Parts) -> str:
    return f"__Host-{name}" if is_https(parts.base_url) else name


def _of(state: str) -> str:
    """Only what states are made of may become the name of a cookie."""
    return COOKIE + "".join(c for c in state[:_STATE_CHARACTERS] if c.isascii() and c.isalnum())
