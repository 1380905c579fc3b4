"""A small OAuth 2.0 token endpoint on loopback (RFC 6749 §6)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from paceline.delivery import Grant
from tests.loopback import LoopbackHttp

Answer = tuple[int, dict[str, object]]


@dataclass(kw_only=True)
class TokenEndpoint(LoopbackHttp):
    """Gives `token-1`, `token-2` … unless `answers` say otherwise, in their order."""

    answers: list[Answer | bytes | None] = field(default_factory=list)  # None: silence
    expires_in: int | None = 3600
    forms: list[dict[str, str]] = field(default_factory=list)  # what was asked with

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/token"

    @property
    def grant(self) -> Grant:
        return Grant(
            token_endpoint=self.url,
            client_id="client",
            client_secret="hush",
            refresh_token="refresh-0",
            scope="https://mail.example/",
        )

    def answer_to(self, head: str, body: bytes) -> bytes | None:
        self.forms.append({name: values[0] for name, values in parse_qs(body.decode()).items()})
        answer = self.answers.pop(0) if self.answers else self._token()
        return _response(answer) if isinstance(answer, tuple) else answer

    def _token(self) -> Answer:
        token: dict[str, object] = {"access_token": f"token-{len(self.forms)}"}
        if self.expires_in is not None:
            token["expires_in"] = self.expires_in
        return 200, {**token, "token_type": "Bearer"}


def _response(answer: Answer) -> bytes:
    status, body = answer
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} Answer\r\nContent-Type: application/json\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content
