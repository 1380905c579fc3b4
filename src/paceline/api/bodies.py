"""What a request may carry: its kind and its size, judged before anything reads it. Pure ASGI."""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from paceline.api.problems import problem
from paceline.domain.bounds import MAX_ATTACHMENT_OCTETS, MAX_FILE_OCTETS
from paceline.domain.tables.file_kinds import ARCHIVE, EXCEL, NUMBERS, OPEN_DOCUMENT, PDF

PREFIX = "/api/"
MAX_JSON_OCTETS = 2 * 1024 * 1024
# Base64 and multipart are not taken, so what is sent is what is stored.
MAX_INLINE_OCTETS = 8 * 1024 * 1024  # with recipients in it; a longer list comes as a file
# Commas and opening brackets. A parsed value takes up to a hundred octets, and `[[[[` has one in
# each octet; recipients have one in twenty.
MAX_INLINE_VALUES = 500_000
MAX_JSON_VALUES = 200_000  # without recipients: of CSS in HTML, most of all
JSON = "application/json"
# A table may come under any of these names; what it is like is found out by looking at it.
TABLES = (
    *("text/csv", "text/plain", "text/tab-separated-values", "application/csv"),
    *("application/gzip", "application/x-gzip"),  # a table in a file that was packed
    *("application/vnd.ms-excel", "application/octet-stream"),  # what some systems call a CSV file
)
_FORM = "multipart/form-data"
_WORKBOOKS = {
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": EXCEL,
    "application/vnd.oasis.opendocument.spreadsheet": OPEN_DOCUMENT,
    "application/vnd.apple.numbers": NUMBERS,
    "application/pdf": PDF,
    "application/zip": ARCHIVE,
}
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_WITH_RECIPIENTS = re.compile(r"/api/v1/campaigns/?")
_UPLOAD = re.compile(
    r"/api/v1/(?:campaigns/[^/]+/recipients|recipients/preview|suppressions/import)/?"
)
_ATTACHMENT = re.compile(r"/api/v1/campaigns/[^/]+/attachments/?")  # a file of any kind


class BodyRules:
    """Refuses a body of the wrong kind (415) and one that is too large (413)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        kind = media_type(headers)
        most = _most_octets(scope["path"], kind)
        declared = headers.get("content-length")
        if declared is not None and declared.isdecimal() and int(declared) > most:
            await problem(413, _too_large(most))(scope, receive, send)
            return
        has_body = declared not in (None, "0") or "transfer-encoding" in headers
        kinds = _kinds(scope["path"])
        if has_body and scope["method"] in _WITH_BODY and kinds and kind not in kinds:
            await problem(415, _unsuitable(kind, kinds))(scope, receive, send)
            return
        counted = _counted(receive, most)
        await self.app(scope, _few_values(counted, most) if kind == JSON else counted, send)


def media_type(headers: Headers) -> str:
    """What the body says it is, without its parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _counted(receive: Receive, most: int) -> Receive:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise HTTPException(413, _too_large(most))
        return message

    return counted


def _few_values(receive: Receive, most_octets: int) -> Receive:
    found = 0
    most = MAX_JSON_VALUES if most_octets == MAX_JSON_OCTETS else MAX_INLINE_VALUES

    async def counted() -> Message:
        nonlocal found
        message = await receive()
        body = message.get("body", b"")
        found += body.count(b",") + body.count(b"[") + body.count(b"{")
        if found > most:
            raise HTTPException(
                413, f"the body holds more than {most:,} values{_way_out(most_octets)}"
            )
        return message

    return counted


def _kinds(path: str) -> tuple[str, ...]:
    """What a body may be; nothing named: anything."""
    if _ATTACHMENT.fullmatch(path):
        return ()
    return (JSON, *TABLES) if _UPLOAD.fullmatch(path) else (JSON,)


def _most_octets(path: str, kind: str) -> int:
    if _UPLOAD.fullmatch(path):
        return MAX_FILE_OCTETS if kind in TABLES else MAX_INLINE_OCTETS
    if _ATTACHMENT.fullmatch(path):
        return MAX_ATTACHMENT_OCTETS
    return MAX_INLINE_OCTETS if _WITH_RECIPIENTS.fullmatch(path) else MAX_JSON_OCTETS


def _unsuitable(kind: str, kinds: tuple[str, ...]) -> str:
    if kind == _FORM and TABLES[0] in kinds:
        return "send the file itself as the body, not in a form: curl --data-binary @leads.csv"
    if (what := _WORKBOOKS.get(kind)) and TABLES[0] in kinds:
        return f"the file {what}"
    named = " or ".join(kind for kind in kinds if kind in (JSON, "text/csv", "application/gzip"))
    return f"send {named} (the header Content-Type says which)"


def _too_large(most: int) -> str:
    return f"the body is larger than {most >> 20} MiB{_way_out(most)}"


def _way_out(most: int) -> str:
    if most != MAX_INLINE_OCTETS:
        return ""
    return ": a longer list is taken as a file (text/csv to /api/v1/campaigns/{id}/recipients)"
