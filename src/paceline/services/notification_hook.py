"""Posts one text to a web hook in the form that Slack reads: `{"text": "…"}`.

An owner names the address, so it is a way into our own network: it is judged as the hosts of
senders are, connected to at an address that was judged, and followed nowhere else. Of the answer
only its status is read.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

import httpx2

from paceline.auth.bounded_http import Bounded
from paceline.delivery.hosts import Unreachable, public_addresses, refuse_destination
from paceline.errors import InvalidInput

SECONDS = 10.0  # for all of it
CONNECT_SECONDS = 3.0  # to one of its addresses
MAX_ANSWER_OCTETS = 64 * 1024
MAX_URL_CHARACTERS = 2_000
_HTTPS_PORT, _HTTP_PORT = 443, 80
_NOT_CONNECTED = (httpx2.ConnectError, httpx2.ConnectTimeout)
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of it, in words that name nothing secret. `again`: another try may help."""

    taken: bool
    says: str
    again: bool = False


def check_url(url: str, *, allow_private: bool) -> None:
    """Raises `InvalidInput` for an address that nothing is posted to."""
    problem = _problem(url, allow_private=allow_private)
    if problem is not None:
        raise InvalidInput.of("hook_url", problem)


def masked(url: str) -> str:
    """What a person knows it by: whoever has all of it can post there."""
    return f"{host_of(url)}/…{url[-4:]}"


def host_of(url: str) -> str:
    """Which server it is at."""
    return httpx2.URL(url).host


async def post(url: str, text: str, *, allow_private: bool) -> Answer:
    """Post it. Never raises for what the other side does."""
    problem = _problem(url, allow_private=allow_private)
    if problem is not None:
        return Answer(taken=False, says=f"Its address {problem}.")
    try:
        async with asyncio.timeout(SECONDS):
            status = await _post(httpx2.URL(url), _escaped(text), allow_private=allow_private)
    except (TimeoutError, httpx2.ReadTimeout, httpx2.WriteTimeout):
        return Answer(taken=False, again=True, says=f"No answer within {SECONDS:g} s.")
    except InvalidInput:
        return Answer(taken=False, says="Its host leads to what is not a public address.")
    except (Unreachable, *_NOT_CONNECTED) as error:
        told = "Its certificate is not accepted." if _is_about_tls(error) else "Not reached."
        return Answer(taken=False, again=True, says=told)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError):
        return Answer(taken=False, again=True, says="It was reached, but does not speak HTTP.")
    return answer_of(status)


def answer_of(status: int) -> Answer:
    """What a status means."""
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    said = f"It answered {status} {phrase}".rstrip()
    if 200 <= status < 300:
        return Answer(taken=True, says=f"{said}.")
    if 300 <= status < 400:
        return Answer(taken=False, says=f"{said}: redirects are not followed.")
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return Answer(taken=False, says=f"{said}: that web hook is no longer there.")
    again = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _LATER
    return Answer(taken=False, again=again, says=f"{said}.")


async def _post(url: httpx2.URL, text: str, *, allow_private: bool) -> int:
    port = url.port or (_HTTPS_PORT if url.scheme == "https" else _HTTP_PORT)
    addresses = await public_addresses(url.host, port, allow_private=allow_private)
    for address in addresses[:-1]:
        with suppress(*_NOT_CONNECTED):  # nothing was posted yet
            return await _post_to(address, url, text)
    return await _post_to(addresses[-1], url, text)


async def _post_to(address: str, url: httpx2.URL, text: str) -> int:
    # To an address that was judged, under the name that was asked for: the certificate is held
    # against that name.
    timeout = httpx2.Timeout(SECONDS, connect=CONNECT_SECONDS)
    request = httpx2.Request(
        "POST",
        url.copy_with(host=address),
        headers={"Host": url.netloc.decode("ascii"), "User-Agent": "Paceline"},
        json={"text": text},
        extensions={"sni_hostname": url.host, "timeout": timeout.as_dict()},
    )
    async with httpx2.AsyncClient(transport=Bounded(MAX_ANSWER_OCTETS)) as http:
        response = await http.send(request, stream=True)
        await response.aclose()
    return response.status_code


def _problem(url: str, *, allow_private: bool) -> str | None:
    try:
        asked = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError, TypeError):
        return "is no web address"
    schemes = {"http", "https"} if allow_private else {"https"}
    wrong = {
        "must begin with https://": asked.scheme not in schemes or not asked.host,
        f"has more than {MAX_URL_CHARACTERS:,} characters": len(url) > MAX_URL_CHARACTERS,
        "has characters that no web address has": not url.isascii() or " " in url,
        "is no web address": "%" in asked.host,
        "must not hold a user and a password": bool(asked.userinfo),
        "must be on the port of https": bool(asked.port) and not allow_private,
    }
    problem = next((told for told, is_so in wrong.items() if is_so), None)
    return problem or _host_problem(asked.host, allow_private=allow_private)


def _host_problem(host: str, *, allow_private: bool) -> str | None:
    try:
        refuse_destination(host, 465, allow_private=allow_private)  # of any port that is allowed
    except InvalidInput as error:
        return error.problems[0].message
    return None


def _is_about_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _escaped(text: str) -> str:
    """As Slack reads it: what somebody called a campaign calls nobody, and links nowhere."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
