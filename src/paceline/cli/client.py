"""The HTTP API as the command line uses it. Problems come back as the lines that a person reads."""

from __future__ import annotations

import mimetypes
import ssl
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2

from paceline.cli.patience import AskAgain, Patience
from paceline.domain.bounds import MAX_PAGE
from paceline.domain.host_names import is_nearby
from paceline.errors import DomainError, OperationalError

TIMEOUT = httpx2.Timeout(30.0, read=600.0)  # a million rows are answered once they are stored
UPLOAD_CHUNK_BYTES = 256 * 1024
MAX_SENDERS = 200
# Whom to trust, where there is no TLS: all authorities would take as long to read as a request.
_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_NO_CONTENT = 204
_CONFLICT = 409
# Refusals before anybody looks at the key: they say nothing of an earlier try of the same request.
_AT_THE_DOOR = frozenset({401, 403, 407, 408, 425, 429})
_KEY = "Idempotency-Key"
_KEY_IN_USE = "was used for a different request before"


class ApiRefused(DomainError):
    """The API said no; the message is its own, one line per field.

    `shape` is how a table was read that has to be asked about; `made` where the thing is that the
    first request under a used key has made.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(_explained(problem))
        self.status = status
        self.fields = _fields(problem)
        self.shape: Mapping[str, Any] | None = problem.get("shape")
        self.made: str | None = problem.get("made")

    @property
    def is_about_the_key(self) -> bool:
        """The idempotency key was used before, for something else."""
        return (_KEY, _KEY_IN_USE) in self.fields


class ApiUnreachable(OperationalError):
    """No answer, or none that is an answer. `may_be_done`: the request may have got there."""

    def __init__(self, message: str, *, may_be_done: bool = True) -> None:
        super().__init__(message)
        self.may_be_done = may_be_done


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API said. `is_replay`: it had been asked the same before, and says it again.

    `tag`: the version of what it shows.
    """

    body: dict[str, Any]
    is_replay: bool = False
    tag: str | None = None


class ApiClient:
    """One server and one key. Close it at the end, or use it as a context.

    What is the same when it is repeated is asked again when an answer is lost.
    """

    def __init__(self, url: str, key: str, *, patience: Patience | None = None) -> None:
        self._url = url.rstrip("/")
        self._patience = patience or Patience()
        self._has_answered = False
        parts = urlsplit(url)
        nearby = is_nearby(parts.hostname or "")
        self._http = httpx2.Client(
            base_url=f"{self._url}/api/v1",
            headers={"Authorization": f"Bearer {key}"},
            timeout=TIMEOUT,
            # A proxy of the environment leads out, and never back to this machine.
            trust_env=not nearby,
            verify=_NOBODY if nearby and parts.scheme == "http" else True,
        )

    def __enter__(self) -> ApiClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    @property
    def url(self) -> str:
        """Where it is, as a person types it."""
        return self._url

    def page(self, campaign_id: str) -> str:
        """Where a person sees it."""
        return f"{self._url}/campaigns/{campaign_id}"

    @property
    def campaigns_page(self) -> str:
        """Where a person sees all of them."""
        return f"{self._url}/campaigns"

    def status(self) -> dict[str, Any]:
        """What is so, and what needs a person."""
        return self._call("GET", "/status")

    def senders(self) -> list[dict[str, Any]]:
        """All senders of the key's owner, up to a limit."""
        answer = self._call("GET", "/senders", params={"limit": MAX_SENDERS})
        return list(answer["items"])

    def create_campaign(self, campaign: Mapping[str, object], *, variant: str, key: str) -> Answer:
        """A draft; with a key that was used before, the one that was made then.

        `variant` stands for what is to follow: with another one it is another request.
        """
        given = {"variant": variant}
        return self._ask("POST", "/campaigns", key=key, params=given, json=dict(campaign))

    def is_used(self, key: str) -> bool:
        """Whether a campaign was asked for under this key. Makes none: it asks for an empty one."""
        try:
            self._call("POST", "/campaigns", key=key, json={})
        except ApiRefused as refused:
            return refused.is_about_the_key
        return True

    def repeats(self, campaign_id: str) -> list[dict[str, Any]]:
        """Campaigns that bring recipients of this one the same subject within a day."""
        return list(self._call("GET", f"/campaigns/{campaign_id}/repeats")["items"])

    def attachments(self, campaign_id: str) -> list[dict[str, Any]]:
        """The files that go along, without what is in them."""
        return list(self._call("GET", f"/campaigns/{campaign_id}/attachments")["items"])

    def campaign(self, campaign_id: str, *, patiently: bool = True) -> dict[str, Any]:
        """As it is now."""
        return self._ask("GET", f"/campaigns/{campaign_id}", patiently=patiently).body

    def version(self, campaign_id: str) -> Answer:
        """As it is now, with its version."""
        return self._ask("GET", f"/campaigns/{campaign_id}")

    def set_start(self, seen: Answer, start_at: str | None) -> dict[str, Any]:
        """When it is to begin; None: as soon as it is launched. 412 if it is another by now."""
        only = {"If-Match": seen.tag} if seen.tag else {}
        path = f"/campaigns/{seen.body['id']}"
        return self._call("PATCH", path, headers=only, json={"start_at": start_at})

    def campaigns(self, *, most: int) -> list[dict[str, Any]]:
        """The newest ones."""
        return list(self._call("GET", "/campaigns", params={"limit": most})["items"])

    def change(self, campaign_id: str, verb: str) -> dict[str, Any]:
        """`pause`, `resume` or `cancel` it; the campaign as it is then."""
        return self._call("POST", f"/campaigns/{campaign_id}/{verb}", key=str(uuid.uuid4()))

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
            key=str(uuid.uuid4()),
        )

    def recipients_named(self, campaign_id: str, address: str) -> list[dict[str, Any]]:
        """Emails of it that are found by an address."""
        given = {"q": address}
        return list(self._call("GET", f"/campaigns/{campaign_id}/emails", params=given)["items"])

    def retry_email(self, email_id: str) -> dict[str, Any]:
        """Try one email again that has failed; asked twice, it is done once."""
        return self._call("POST", f"/emails/{email_id}/retry", key=str(uuid.uuid4()))

    def preview(
        self, file: Path, choices: Mapping[str, str], *, fields: Sequence[str]
    ) -> dict[str, Any]:
        """What an upload of the file would do for a message with these fields."""
        return self._call(
            "POST",
            "/recipients/preview",
            params={**choices, "field": fields},
            content=_Content(file),
            headers={"Content-Type": "text/csv"},
        )

    def upload(
        self, campaign_id: str, file: Path, choices: Mapping[str, str], *, key: str
    ) -> dict[str, Any]:
        """Send the file as it is; the report of how it was read and what was accepted."""
        return self._call(
            "POST",
            f"/campaigns/{campaign_id}/recipients",
            key=key,
            params=choices,
            content=_Content(file),
            headers={"Content-Type": "text/csv"},
        )

    def attach(self, campaign_id: str, file: Path, *, inline: bool, key: str) -> dict[str, Any]:
        """Send a file along with each email of a draft; its kind is told by its name."""
        kind, encoding = mimetypes.guess_type(file.name)
        return self._call(
            "POST",
            f"/campaigns/{campaign_id}/attachments",
            key=key,
            params={"file_name": file.name, "inline": inline},
            content=_Content(file),
            headers={"Content-Type": (not encoding and kind) or "application/octet-stream"},
        )

    def launch(self, campaign_id: str, *, key: str) -> dict[str, Any]:
        """Let it run."""
        return self._call("POST", f"/campaigns/{campaign_id}/launch", key=key)

    def discard(self, campaign_id: str) -> None:
        """Throw a draft away."""
        self._call("DELETE", f"/campaigns/{campaign_id}")

    def suppressions(self, *, most: int, given: Mapping[str, str]) -> list[dict[str, Any]]:
        """Addresses that are not mailed, by address, at most so many."""
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while len(found) < most:
            asked = {**given, **cursor, "limit": min(most - len(found), MAX_PAGE)}
            page = self._call("GET", "/suppressions", params=asked)
            found += page["items"]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        return found

    def suppress(self, addresses: Sequence[str], *, note: str | None) -> int:
        """Suppress addresses; how many were not yet. The same when it is repeated."""
        given = {"addresses": list(addresses), "note": note}
        return int(self._call("POST", "/suppressions", json=given, key=str(uuid.uuid4()))["added"])

    def suppress_file(self, file: Path, given: Mapping[str, str]) -> dict[str, Any]:
        """Suppress the addresses of a file; the report of how it was read."""
        return self._call(
            "POST",
            "/suppressions/import",
            key=str(uuid.uuid4()),
            params=given,
            content=_Content(file),
            headers={"Content-Type": "text/csv"},
        )

    def release(self, address: str, *, note: str | None) -> None:
        """Let an address be mailed again."""
        given = {} if note is None else {"note": note}
        self._call("DELETE", f"/suppressions/{quote(address, safe='@')}", params=given)

    def suppressions_csv(self, given: Mapping[str, str]) -> Iterator[str]:
        """The list as the API exports it, piece by piece."""
        try:
            with self._http.stream("GET", "/suppressions/export", params=given) as answer:
                if not answer.is_success:
                    answer.read()
                    raise ApiRefused(answer.status_code, _body_of(answer) or {})
                yield from answer.iter_text()
        except httpx2.HTTPError as error:
            raise self._lost(error) from error

    def presets(self, address: str | None = None) -> dict[str, Any]:
        """How the usual providers take mail, and which of them the address needs."""
        given = {"address": address} if address else {}
        return self._call("GET", "/senders/presets", params=given)

    def add_sender(self, sender: Mapping[str, object]) -> dict[str, Any]:
        """A new sender; asked twice, it is added once."""
        return self._call("POST", "/senders", json=dict(sender), key=str(uuid.uuid4()))

    def verify_sender(self, sender_id: str) -> dict[str, Any]:
        """Whether it can log in, and what was said."""
        return self._call("POST", f"/senders/{sender_id}/verify")

    def sender_dns(self, sender_id: str) -> dict[str, Any]:
        """SPF, DKIM and DMARC of its domain."""
        return self._call("GET", f"/senders/{sender_id}/dns")

    def delete_sender(self, sender_id: str, *, cancel: bool) -> None:
        """Gone, with its work if that is to be cancelled."""
        given = {"cancel": "true"} if cancel else {}
        self._call("DELETE", f"/senders/{sender_id}", params=given)

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
        return self._ask(method, path, **options).body

    def _ask(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        patiently: bool = True,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Answer:
        sent = {**(headers or {}), **({_KEY: key} if key else {})}
        # Without a key nobody can tell a second POST from the first.
        again = patiently and (method != "POST" or key is not None)

        is_lost = False  # an earlier one may have been carried out all the same

        def once() -> Answer:
            nonlocal is_lost
            try:
                return self._once(method, path, may_ask_again=again, headers=sent, **options)
            except AskAgain as unknown:
                if isinstance(unknown.error, ApiUnreachable):
                    is_lost = unknown.error.may_be_done = is_lost or unknown.error.may_be_done
                raise
            except ApiRefused as refused:
                if is_lost and method == "POST" and refused.status in _AT_THE_DOOR:
                    raise ApiUnreachable(f"{self._url} answered: {refused}") from refused
                raise

        return self._patience.ask(once)

    def _once(self, method: str, path: str, *, may_ask_again: bool, **options: Any) -> Answer:
        try:
            response = self._http.request(method, path, **options)
        except httpx2.HTTPError as error:
            lost = self._lost(error)
            # One that never answered yet is not there at all: waiting for it helps nobody.
            if may_ask_again and (lost.may_be_done or self._has_answered):
                raise AskAgain(lost, after=None, under_way=False) from error
            raise lost from error
        self._has_answered = True
        body = _body_of(response)
        if response.is_success and body is not None:
            is_replay = response.headers.get("Idempotency-Replayed") == "true"
            return Answer(body, is_replay=is_replay, tag=response.headers.get("ETag"))
        after = _seconds(response.headers.get("Retry-After"))
        if body is None or response.status_code >= 500:
            said = f"{self._url} answered {response.status_code}: {_explained(body)}"
            broken = ApiUnreachable(said)
            if may_ask_again and response.status_code >= 500:
                raise AskAgain(broken, after=after, under_way=False)
            raise broken
        refused = ApiRefused(response.status_code, body)
        if may_ask_again and response.status_code == _CONFLICT and after is not None:
            # Another is at it, so it is not refused, however long that takes.
            raise AskAgain(ApiUnreachable(f"{self._url}: {refused}"), after=after, under_way=True)
        raise refused

    def _lost(self, error: httpx2.HTTPError) -> ApiUnreachable:
        never_left = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
        why = str(error) or type(error).__name__
        return ApiUnreachable(f"{self._url} does not answer: {why}", may_be_done=not never_left)


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


def _seconds(header: str | None) -> float | None:
    return float(header) if header is not None and header.isdecimal() else None


@dataclass(frozen=True, slots=True)
class _Content:
    """A file's bytes, from the beginning for each try of a request."""

    file: Path

    def __iter__(self) -> Iterator[bytes]:
        with self.file.open("rb") as source:
            while chunk := source.read(UPLOAD_CHUNK_BYTES):
                yield chunk
