"""An OpenID Connect provider that misbehaves as it is told: one fault per mode, all else right."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

Claims = dict[str, Any]
CLIENT_ID, CLIENT_SECRET = "paceline-test", "provider's secret"
# A picture of one pixel.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)

OWN_KEY = RSAKey.generate_key(2048, {"kid": "own", "use": "sig"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "own", "use": "sig"})
NEW_KEY = RSAKey.generate_key(2048, {"kid": "new", "use": "sig"})

# What each mode changes about the claims of the ID token; None takes a claim away.
CLAIMS: dict[str, Callable[[Claims], Claims]] = {
    "foreign audience": lambda c: {"aud": "another-client"},
    "foreign audience with our azp": lambda c: {"aud": "another-client", "azp": CLIENT_ID},
    "another audience beside us": lambda c: {"aud": [CLIENT_ID, "another-client"]},
    "authorised party is another": lambda c: {"azp": "another-client"},
    "wrong issuer": lambda c: {"iss": "https://accounts.example"},
    "wrong nonce": lambda c: {"nonce": "another"},
    "no nonce": lambda c: {"nonce": None},
    "expired": lambda c: {"iat": c["iat"] - 7200, "exp": c["iat"] - 3600},
    "no expiry": lambda c: {"exp": None},
    "issued in the future": lambda c: {"iat": c["iat"] + 600, "exp": c["exp"] + 600},
    "not good yet": lambda c: {"nbf": c["iat"] + 600},
    "no subject": lambda c: {"sub": None},
    "an empty subject": lambda c: {"sub": ""},
    "wrong at_hash": lambda c: {"at_hash": "x" * 22},
    "clock a little ahead": lambda c: {"iat": c["iat"] + 30, "exp": c["exp"] + 30},
    "clock a little behind": lambda c: {"iat": c["iat"] - 630, "exp": c["iat"] - 30},
    "right at_hash": lambda c: {"at_hash": _at_hash("token-of-" + c["sub"])},
    "no email": lambda c: {"email": None},
    "unverified email": lambda c: {"email_verified": False},
    "email verified in words": lambda c: {"email_verified": "true"},
    "claims at userinfo only": lambda c: {"email": None, "email_verified": None, "name": None},
}
CLAIMS["userinfo of somebody else"] = CLAIMS["claims at userinfo only"]
CLAIMS["userinfo verifies another address"] = lambda c: {"email_verified": None}


@dataclass
class Provider:
    """Who signs in is `person`; what is wrong is `mode`. It says yes without asking."""

    mode: str = ""
    person: Claims = field(default_factory=dict)
    url: str = ""
    asked: dict[str, str] = field(default_factory=dict)  # of the last authorization request
    fetched: list[str] = field(default_factory=list)  # paths that were asked for
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def reset(self, mode: str = "", **person: Any) -> None:
        self.mode = mode
        self.person = {
            "sub": "ada",
            "email": "ada@example.com",
            "email_verified": True,
            "name": "Ada Lovelace",
            **person,
        }
        self.fetched.clear()

    def app(self) -> Starlette:
        routes = {
            "/.well-known/openid-configuration": self._discovery,
            "/keys": self._keys,
            "/authorize": self._authorize,
            "/token": self._token,
            "/userinfo": self._userinfo,
            "/picture": self._picture,
        }
        return Starlette(
            routes=[
                Route(path, endpoint, methods=["GET", "POST"]) for path, endpoint in routes.items()
            ]
        )

    def id_token(self, nonce: str) -> str:
        """As the token endpoint gives it, and as Google's button does."""
        now = int(time.time())
        claims: Claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 3600,
            "nonce": nonce,
            **self.person,
        }
        change = CLAIMS.get(self.mode)
        claims |= change(claims) if change else {}
        return _signed({k: v for k, v in claims.items() if v is not None}, self.mode)

    async def _discovery(self, request: Request) -> Response:
        self.fetched.append(request.url.path)
        if self.mode == "discovery redirects":
            return RedirectResponse("/elsewhere")
        if self.mode == "discovery is enormous":
            return Response(b"[" + b"0," * 400_000 + b"0]", media_type="application/json")
        if self.mode == "discovery is no JSON":
            return Response("<h1>It works!</h1>")
        another = self.mode == "metadata of another issuer"
        algorithms = ["RS256", "none", "HS256"] if "alg" in self.mode else ["RS256"]
        return JSONResponse(
            {
                "issuer": "https://accounts.example" if another else self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "id_token_signing_alg_values_supported": algorithms,
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def _keys(self, request: Request) -> Response:
        self.fetched.append(request.url.path)
        keys = [OWN_KEY] + ([NEW_KEY] if self.mode == "signed by a new key" else [])
        unusable = {"kty": "XX", "kid": "of a kind that nobody knows"}
        return JSONResponse(
            {"keys": [None, unusable, *(key.as_dict(private=False) for key in keys)]}
        )

    async def _authorize(self, request: Request) -> Response:
        self.asked = dict(request.query_params)
        code = f"code-{len(self._codes)}"
        self._codes[code] = self.asked
        answer = {"state": self.asked["state"], "iss": self.url, "code": code}
        if self.mode.startswith("error="):
            answer = {"state": self.asked["state"], "iss": self.url, "error": self.mode[6:]}
        elif self.mode == "the answer is another provider's":
            answer["iss"] = "https://accounts.example"
        elif self.mode == "the answer does not say whose it is":
            del answer["iss"]
        elif self.mode == "no code":
            del answer["code"]
        return RedirectResponse(f"{self.asked['redirect_uri']}?{urlencode(answer)}", 303)

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        if form["grant_type"] == "refresh_token":
            return JSONResponse({"access_token": f"by-{form['refresh_token']}", "expires_in": 3600})
        asked = self._codes.pop(str(form["code"]), None)  # a code is good once
        if self.mode == "token endpoint is broken":
            return Response("oops", status_code=500)
        if self.mode == "token endpoint is no JSON":
            return Response("oops")
        if form.get("client_secret") != CLIENT_SECRET or self.mode == "client is not known":
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        if asked is None or not _proves(str(form["code_verifier"]), asked["code_challenge"]):
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        answer = {
            "access_token": f"token-of-{self.person['sub']}",
            "token_type": "Bearer",
            "id_token": self.id_token(asked["nonce"]),
        }
        if "offline_access" in asked["scope"] and self.mode != "no refresh token":
            answer["refresh_token"] = f"refresh-of-{self.person['sub']}"
        if self.mode.startswith("scope="):
            answer["scope"] = self.mode[6:]
        if self.mode == "no ID token":
            del answer["id_token"]
        return JSONResponse(answer)

    async def _userinfo(self, request: Request) -> Response:
        self.fetched.append(request.url.path)
        if self.mode == "userinfo of somebody else":
            return JSONResponse({**self.person, "sub": "mallory"})
        if self.mode == "userinfo verifies another address":
            return JSONResponse({"sub": "ada", "email": "own@example.com", "email_verified": True})
        return JSONResponse(self.person)

    async def _picture(self, request: Request) -> Response:
        self.fetched.append(request.url.path)
        if self.mode == "picture redirects":
            return RedirectResponse("/picture?again")
        if self.mode == "picture is a page":
            return Response(b"<svg onload=alert(1)>", media_type="image/png")
        size = 300_000 if self.mode == "picture is enormous" else 0
        return Response(PICTURE + b"\0" * size, media_type="image/png")


@contextlib.contextmanager
def running_provider() -> Iterator[Provider]:
    """One on 127.0.0.1: to a browser another site than localhost, where the pages are."""
    provider = Provider()
    config = uvicorn.Config(
        provider.app(), host="127.0.0.1", port=0, log_config=None, lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="provider")
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline, "the provider did not start"
        time.sleep(0.01)
    provider.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    provider.reset()
    yield provider
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


def _signed(claims: Claims, mode: str) -> str:
    header = {"alg": "RS256", "kid": "own"}
    if mode == "alg none":
        return _compact({"alg": "none"}, claims) + "."
    if mode == "alg HS256 with the public key":
        text = _compact({**header, "alg": "HS256"}, claims)
        public = OWN_KEY.as_pem(private=False)
        return f"{text}.{_base64(hmac.digest(public, text.encode(), 'sha256'))}"
    if mode == "signed by another key":
        return jwt.encode(header, claims, OTHER_KEY)
    if mode == "signed by an unknown key":
        return jwt.encode({**header, "kid": "unknown"}, claims, OTHER_KEY)
    if mode == "signed by a new key":
        return jwt.encode({**header, "kid": "new"}, claims, NEW_KEY)
    token = jwt.encode(header, claims, OWN_KEY)
    return token[:-8] + "AAAAAAAA" if mode == "signature changed" else token


def _proves(verifier: str, challenge: str) -> bool:
    digest = hashlib.sha256(verifier.encode()).digest()
    return _base64(digest) == challenge


def _compact(header: Claims, claims: Claims) -> str:
    return ".".join(_base64(json.dumps(part).encode()) for part in (header, claims))


def _base64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _at_hash(access_token: str) -> str:
    digest = hashlib.sha256(access_token.encode()).digest()
    return _base64(digest[:16])
