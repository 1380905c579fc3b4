"""One line per request, and a number that every line, answer and problem of it carries.

What is asked again and again while all is well is told at DEBUG only: health checks, files, what an
open page asks every two seconds, and whatever has not changed (304).

A path is logged without its query, which may hold addresses, words and one-time tokens; bodies
never are. An email address in a path is left out of it. Whoever asks may bring the number along
(`X-Request-Id`), so that it is theirs, too.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from typing import Any

from paceline.observability.figures import Figures

HEADER = b"x-request-id"
MAX_PATH_CHARACTERS = 200
_OFTEN = ("/healthz", "/readyz", "/metrics", "/static/")
_WORD = re.compile(r"[a-z_-]{0,40}|v1")
_PLAIN = re.compile(rb"[A-Za-z0-9._-]{8,64}")

_request_id: ContextVar[str] = ContextVar("request_id", default="")

log = logging.getLogger("paceline.access")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def request_id() -> str:
    """Of the request that is being answered; empty outside of one."""
    return _request_id.get()


class AccessLog:
    """Pure ASGI, outermost: what it sees is what goes over the wire."""

    def __init__(self, app: App, figures: Figures | None = None) -> None:
        self.app = app
        self._figures = figures or Figures()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        number = _number_of(scope)
        status, octets, began = 0, 0, time.perf_counter()

        async def sending(message: Message) -> None:
            nonlocal status, octets
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (HEADER, number.encode())]
            else:
                octets += len(message.get("body", b""))
            await send(message)

        token = _request_id.set(number)
        try:
            await self.app(scope, receive, sending)
        finally:
            took = time.perf_counter() - began
            self._figures.answered(status, took)
            _note(scope, status, octets, milliseconds=round(1000 * took))
        # Not after an error: the server logs it next, in this same task.
        _request_id.reset(token)


def _number_of(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == HEADER and _PLAIN.fullmatch(value):
            return bytes(value).decode("ascii")
    return secrets.token_hex(8)


def words_of(path: str) -> str:
    """Of a path; what stands between them is somebody's, or one of too many."""
    return "/".join(part if _WORD.fullmatch(part) else "{id}" for part in path.split("/"))


def _without_addresses(path: str) -> str:
    """Each part is looked at once: a path may be as long as a head, and anybody may ask for it."""
    parts = path.split("/")
    return "/".join("{address}" if "@" in p or "%40" in p else p for p in parts)


def is_often(path: str) -> bool:
    """Whether whoever watches asks for it every few seconds, or each browser once per page."""
    return path.startswith(_OFTEN)


def _is_expected(scope: Scope, path: str, status: int) -> bool:
    """Whether nobody misses its line: it is asked again and again, and all is well."""
    if not 0 < status < 400:
        return False
    return status == 304 or is_often(path) or _is_open_page(scope)


def _is_open_page(scope: Scope) -> bool:
    """Whether a page that is open asks what is new, as frontend/js/live.js does."""
    headers = dict(scope["headers"])
    is_part = headers.get(b"hx-request-type") == b"partial"
    return scope["method"] == "GET" and is_part and b"if-none-match" in headers


def _note(scope: Scope, status: int, octets: int, *, milliseconds: int) -> None:
    path = _without_addresses(str(scope["path"]))[:MAX_PATH_CHARACTERS]
    level = logging.DEBUG if _is_expected(scope, path, status) else logging.INFO
    client = scope.get("client")
    log.log(
        level,
        "%s %s %s in %d ms",
        scope["method"],
        path,
        status or "no answer",
        milliseconds,
        extra={
            "method": scope["method"],
            "path": path,
            "status": status,
            "octets": octets,
            "milliseconds": milliseconds,
            "address": client[0] if client else None,
        },
    )
