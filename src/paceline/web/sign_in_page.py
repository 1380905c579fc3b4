"""The sign-in page: how to get in, and what went wrong before."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from paceline.auth.acting import address_of
from paceline.auth.oidc import ProviderSignIn
from paceline.auth.oidc.transactions import BUTTON_LIFETIME
from paceline.auth.refusals import ProviderUnreachable, SignInRefused
from paceline.auth.sessions import Origin
from paceline.web.access import local_path
from paceline.web.headers import sign_in_policy
from paceline.web.parts import Parts
from paceline.web.provider_words import Problem, problem_of, unreachable
from paceline.web.rendering import render
from paceline.web.transaction_cookies import BUTTON, put_transaction


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
        put_transaction(response, BUTTON, cookie, parts, BUTTON_LIFETIME.total_seconds())
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
        address=address_of(request.scope),
        user_agent=request.headers.get("user-agent"),
    )


def next_of(request: Request) -> str:
    """Where somebody wants to go afterwards; nowhere but here."""
    return local_path(request.query_params.get("next"))
