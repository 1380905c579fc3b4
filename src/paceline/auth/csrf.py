"""Is this request from one of our own pages? Two checks; a browser's write has to pass both.

The browser's own word (`Sec-Fetch-Site`, else `Origin`) stops other sites; the token of the sign-in
stops whatever that misses. API keys need neither: no browser sends them by itself.
"""

from __future__ import annotations

import hmac


def same_origin(*, fetch_site: str | None, origin: str | None, base_url: str) -> bool:
    """Judge by the headers. Neither header means no browser of ours, so it is refused."""
    if fetch_site is not None:
        return fetch_site == "same-origin"
    return origin is not None and origin == base_url.rstrip("/")


def token_matches(expected: str, given: str | None) -> bool:
    """Compare in constant time, so that a guess learns nothing from how long it took."""
    return given is not None and hmac.compare_digest(expected.encode(), given.encode())
