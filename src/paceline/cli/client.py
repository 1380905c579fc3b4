"""The HTTP API as the command line uses it. Problems come back as the lines that a person reads."""

from __future__ import annotations

import mimetypes
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2

from paceline.errors import DomainError, OperationalError

TIMEOUT = httpx2.Timeout(30.0, read=600.0)  # a million rows are answered once they are stored
UPLOAD_CHUNK_BYTES = 256 * 1024
MAX_SENDERS = 200
_NO_CONTENT = 204


class ApiRefused(DomainError):
    """The API said no; the message is its own, one line per field.

    `shape` is how a table was read that has to be asked about.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(_explained(problem))
        self.status = status
        self.fields = _fields(problem)
        self.shape: Mapping[str, Any] | None = problem.get("shape")


class ApiUnreachable(OperationalError):
    """No answer, or none that is an answer."""


class ApiClient:
    """One server and one key. Close it at the end, or use it as a context."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url.rstrip("/")
        self._http = httpx2.Client(
            base_url=f"{self._url}/api/v1",
            headers={"Authorization": f"Bearer {key}"},
            timeout=TIMEOUT,
        )

    def __enter__(self) -> ApiClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def page(self, campaign_id: str) -> str:
        """Where a person sees it."""
        return f"{self._url}/campaigns/{campaign_id}"

    def senders(self) -> list[dict[str, Any]]:
        """All senders of the key's owner, up to a limit."""
        answer = self._call("GET", "/senders", params={"limit": MAX_SENDERS})
        return list(answer["items"])

    def create_campaign(self, campaign: Mapping[str, object]) -> dict[str, Any]:
        """A draft."""
        return self._call("POST", "/campaigns", json=dict(campaign))

    def campaign(self, campaign_id: str) -> dict[str, Any]:
        """As it is now."""
        return self._call("GET", f"/campaigns/{campaign_id}")

    def campaigns(self, *, most: int) -> list[dict[str, Any]]:
        """The newest ones."""
        return list(self._call("GET", "/campaigns", params={"limit": most})["items"])

    def change(self, campaign_id: str, verb: str) -> dict[str, Any]:
        """`pause`, `resume` or `cancel` it; the campaign as it is then."""
        return self._call("POST", f"/campaigns/{campaign_id}/{verb}")

    def failed(self, campaign_id: str, *, most: int) -> list[dict[str, Any]]:
        """Emails of it that have failed, at most so many."""
        given = {"state": "failed", "limit": most}
        emails: list[dict[str, Any]]
        emails = self._call("GET", f"/campaigns/{campaign_id}/emails", params=given)["items"]
        return emails

    def failures(self, campaign_id: str) -> list[dict[str, Any]]:
        """Why emails of it failed, by reason and reply."""
        return list(self._call("GET", f"/campaigns/{campaign_id}/failures")["items"])

    def retry_failed(self, campaign_id: str, asked: Mapping[str, object]) -> dict[str, Any]:
        """Try again what has failed, or count it; asked twice, it is done once."""
        return self._call(
            "POST",
            f"/campaigns/{campaign_id}/retry",
            json=dict(asked),
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )

    def preview(
        self, file: Path, choices: Mapping[str, str], *, fields: Sequence[str]
    ) -> dict[str, Any]:
        """What an upload of the file would do for a message with these fields."""
        return self._call(
            "POST",
            "/recipients/preview",
            params={**choices, "field": fields},
            content=_chunks(file),
            headers={"Content-Type": "text/csv"},
        )

    def upload(self, campaign_id: str, file: Path, choices: Mapping[str, str]) -> dict[str, Any]:
        """Send the file as it is; the report of how it was read and what was accepted."""
        return self._call(
            "POST",
            f"/campaigns/{campaign_id}/recipients",
            params=choices,
            content=_chunks(file),
            headers={"Content-Type": "text/csv"},
        )

    def attach(self, campaign_id: str, file: Path, *, inline: bool) -> dict[str, Any]:
        """Send a file along with each email of a draft; its kind is told by its name."""
        kind, encoding = mimetypes.guess_type(file.name)
        return self._call(
            "POST",
            f"/campaigns/{campaign_id}/attachments",
            params={"file_name": file.name, "inline": inline},
            content=_chunks(file),
            headers={"Content-Type": (not encoding and kind) or "application/octet-stream"},
        )

    def launch(self, campaign_id: str) -> dict[str, Any]:
        """Let it run."""
        return self._call("POST", f"/campaigns/{campaign_id}/launch")

    def discard(self, campaign_id: str) -> None:
        """Throw a draft away."""
        self._call("DELETE", f"/campaigns/{campaign_id}")

    def make_dkim_key(self, sender_id: str, key: Mapping[str, object]) -> dict[str, Any]:
        """The record to publish for a new key."""
        return self._call("POST", f"/senders/{sender_id}/dkim", json=dict(key))

    def dkim_record(self, sender_id: str) -> dict[str, Any]:
        """The record to publish for the key that it has."""
        return self._call("GET", f"/senders/{sender_id}/dkim")

    def drop_dkim_key(self, sender_id: str) -> None:
        """Sign no more."""
        self._call("DELETE", f"/senders/{sender_id}/dkim")

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            response = self._http.request(method, path, **options)
        except httpx2.HTTPError as error:
            raise ApiUnreachable(f"{self._url} does not answer: {error}") from error
        body = _body_of(response)
        if response.is_success and body is not None:
            return body
        if body is None or response.status_code >= 500:
            raise ApiUnreachable(f"{self._url} answered {response.status_code}: {_explained(body)}")
        raise ApiRefused(response.status_code, body)


def _body_of(response: httpx2.Response) -> dict[str, Any] | None:
    if response.status_code == _NO_CONTENT:
        return {}
    try:
        body = response.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _explained(problem: Mapping[str, Any] | None) -> str:
    """RFC 9457: the fields, one per line, else the detail, else the title."""
    if problem is None:
        return "this is no Paceline, or something stands between"
    fields = [f"{field}: {message}" for field, message in _fields(problem)]
    return "\n  ".join(fields) or str(problem.get("detail") or problem.get("title") or problem)


def _fields(problem: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (str(entry.get("field", "?")), str(entry.get("message", "")))
        for entry in problem.get("errors") or []
        if isinstance(entry, dict)
    ]


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while chunk := source.read(UPLOAD_CHUNK_BYTES):
            yield chunk
