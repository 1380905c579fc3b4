"""Response headers: one strict policy for the dashboard, another for the emails it shows.

An email is hostile HTML. It is only ever shown in a sandboxed frame whose policy allows inline
styles (mail has nothing else) and blocks scripts, forms and every remote request, so that opening
a preview cannot ping a tracker.
"""

from __future__ import annotations

from fastapi.responses import HTMLResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from paceline.delivery import image_type
from paceline.domain.file_headers import content_disposition

PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "frame-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    )
)

# What Google's button needs, on the one page that shows it, and only where it is switched on:
# https://developers.google.com/identity/gsi/web/guides/get-google-api-clientid (CSP, COOP).
_GOOGLE = "https://accounts.google.com/gsi/"


def sign_in_policy() -> dict[str, str]:
    """The headers of a sign-in page with Google's button."""
    policy = PAGE_POLICY
    for directive, source in (
        ("script-src 'self'", f"{_GOOGLE}client"),
        ("style-src 'self'", f"{_GOOGLE}style"),
        ("connect-src 'self'", _GOOGLE),
        ("frame-src 'self'", _GOOGLE),
    ):
        policy = policy.replace(directive, f"{directive} {source}")
    return {
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin-allow-popups",  # it asks in a window of its own
        "Referrer-Policy": "strict-origin-when-cross-origin",  # it looks whose page it is on
    }


MAIL_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "font-src 'none'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
        "sandbox allow-popups allow-popups-to-escape-sandbox",
    )
)

_MAIL_HEADERS = {
    "Content-Security-Policy": MAIL_POLICY,
    "X-DNS-Prefetch-Control": "off",  # of where its links lead, before anybody follows one
}

PAGE_HEADERS = (
    # A route that brings its own policy (an email body) keeps it.
    (b"content-security-policy", PAGE_POLICY.encode()),
    # Whatever is shown is somebody's; only the built files may be kept (ImmutableFiles).
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    # Not no-referrer: that turns the Origin of our own forms into "null".
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


class ImmutableFiles(StaticFiles):
    """Every built file carries its hash in its name, so it can be cached for good."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def mail_frame(html: str) -> HTMLResponse:
    """An email's HTML, harmless even when its address is opened outside its frame."""
    return HTMLResponse(html, headers=_MAIL_HEADERS)


def file_of(name: str, content: bytes) -> Response:
    """Somebody's file, to be kept: never shown, whatever it says that it is."""
    return _as_file(name, content, "attachment", "application/octet-stream")


def image_file(name: str, content: bytes) -> Response:
    """A picture, to be shown by a page of ours; what is none is a file like any other.

    Opened by itself it may do no more than an email may.
    """
    kind = image_type(content)
    return _as_file(name, content, "inline", kind) if kind else file_of(name, content)


def _as_file(name: str, content: bytes, how: str, media_type: str) -> Response:
    disposition = content_disposition(name, how)
    return Response(
        content,
        media_type=media_type,
        headers={"Content-Disposition": disposition, "Content-Security-Policy": MAIL_POLICY},
    )
