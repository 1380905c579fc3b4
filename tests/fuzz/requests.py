"""What is asked of the API by people who mean no good: requests with hostile values in them.

Owns the making only. `{sender}`, `{draft}`, `{campaign}` and `{email}` in a path or a body stand
for ids that exist.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from urllib.parse import quote

from tests.fuzz import addresses, alphabet, files, tables, templates, words

ODD = (
    *(None, True, 0, -1, 1, 2**31, 2**53, 2**63, -(2**63), 1.5, 1e308, "", " ", "1", [], {}, ["a"]),
    *(
        {"a": 1},
        "\0",
        "a\r\nb",
        "\ud800",
        "é\u202e",
        "x" * 300,
        "{{ x }}",
        "{% for %}",
        "null",
        "=?utf-8?q?=0A?=",
    ),
    *(
        "2027-01-01T00:00:00",
        "2027-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
    ),
    *("Europe/Berlin", "../../etc", "hold", "resend", "sent", "paused", "starttls", "xoauth2"),
    *("a@x.org, b@x.org", "a@x.org\r\nBcc: v@x.org", "127.0.0.1", "[::1]", "localhost:25"),
)
SENDER = {
    "name": "News",
    "from_address": "news@example.com",
    "from_name": "The News",
    "smtp_host": "127.0.0.1",
    "smtp_port": 2525,
    "smtp_security": "none",
    "smtp_username": None,
    "smtp_password": None,
    "hourly_limit": 100,
    "min_delay_ms": 0,
    "max_connections": 4,
}
CAMPAIGN = {
    "sender_id": "{sender}",
    "name": "Launch",
    "subject": "Hello {{ name }}",
    "text": "Dear {{ name }}",
    "html": None,
    "start_at": None,
    "time_zone": "UTC",
    "min_delay_ms": 0,
    "hourly_limit": None,
    "doubt_policy": "hold",
    "expires_after_hours": 72,
}
EMAIL = {
    "sender_id": "{sender}",
    "to": "ann@example.com",
    "to_name": "Ann",
    "subject": "Hello",
    "text": "Dear Ann",
    "html": None,
    "scheduled_at": "2027-12-31T00:00:00Z",
}
JSON = "application/json"


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    body: bytes = b""
    kind: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


def make(dice: Random) -> Asked:
    """One request to one of the routes."""
    asked = dice.choice(_MAKERS)(dice)
    if dice.random() < 0.08:
        key = dice.choice(("k", "k" * 256, "é", "a b", "", f"k{dice.randrange(5)}"))
        asked = Asked(asked.method, asked.path, asked.body, asked.kind, (("Idempotency-Key", key),))
    if asked.body and dice.random() < 0.1:
        return Asked(
            asked.method, asked.path, alphabet.spoiled(dice, asked.body), asked.kind, asked.headers
        )
    return asked


def _spoil(dice: Random, good: dict[str, object]) -> bytes:
    """The body with one field or two replaced, left out or added."""
    values = dict(good)
    for name in dice.sample(sorted(values), k=min(len(values), dice.choice((0, 1, 1, 2)))):
        turn = dice.random()
        if turn < 0.1:
            del values[name]
        elif turn < 0.15:
            values[dice.choice(("x", "id", "owner_id", "state", ""))] = values[name]
        else:
            values[name] = _value(dice, name)
    return _json(dice, values)


def _value(dice: Random, name: str) -> object:
    turn = dice.random()
    if turn < 0.4:
        return dice.choice(ODD)
    if name in ("to", "from_address", "smtp_host", "email"):
        return addresses.make(dice)
    if name in ("subject", "text", "html"):
        return templates.make(dice).text
    if name in ("start_at", "scheduled_at", "time_zone"):
        return words.make(dice).text
    return alphabet.text(dice) if turn < 0.8 else dice.randint(-(10**9), 10**9)


def _json(dice: Random, values: object) -> bytes:
    turn = dice.random()
    if turn < 0.03:
        return dice.choice(
            (b"", b"{", b"[" * 5_000, b"nul", b'{"a":NaN}', b'"\xff"', b'{"a":1,"a":2}')
        )
    return json.dumps(values, ensure_ascii=turn < 0.9).encode(errors="surrogatepass")


def _senders(dice: Random) -> Asked:
    if dice.random() < 0.7:
        return Asked("POST", "/senders", _spoil(dice, SENDER))
    fields = dice.sample(sorted(SENDER), k=dice.choice((1, 2)))
    return Asked(
        "PATCH", "/senders/{sender}", _spoil(dice, {name: SENDER[name] for name in fields})
    )


def _dkim(dice: Random) -> Asked:
    body: dict[str, object] = {
        "algorithm": "ed25519",
        "selector": f"s{dice.randrange(99)}",
        "domain": "example.com",
    }
    for name in dice.sample(("selector", "domain"), k=dice.choice((0, 1, 1))):
        body[name] = _value(dice, name)
    return Asked("POST", "/senders/{sender}/dkim", _json(dice, body))


def _campaigns(dice: Random) -> Asked:
    if dice.random() < 0.75:
        recipients = [_recipient(dice) for _ in range(dice.choice((0, 1, 3)))]
        return Asked("POST", "/campaigns", _spoil(dice, {**CAMPAIGN, "recipients": recipients}))
    fields = dice.sample(sorted(CAMPAIGN), k=dice.choice((1, 2)))
    target = dice.choice(("{draft}", "{campaign}"))
    return Asked(
        "PATCH", f"/campaigns/{target}", _spoil(dice, {name: CAMPAIGN[name] for name in fields})
    )


def _recipient(dice: Random) -> dict[str, object]:
    given: dict[str, object] = {"email": f"u{dice.randrange(50)}@example.com", "name": "Ann"}
    if dice.random() < 0.4:
        given["email"] = addresses.make(dice)
    if dice.random() < 0.2:
        given["name"] = dice.choice(ODD)
    if dice.random() < 0.3:
        given["fields"] = {dice.choice(("city", "x", "é", "", "if", "name")): dice.choice(ODD)}
    return given


def _recipients(dice: Random) -> Asked:
    path = f"/campaigns/{dice.choice(('{draft}', '{draft}', '{campaign}'))}/recipients"
    if dice.random() < 0.7:
        kind = dice.choice(("text/csv", "text/plain; charset=utf-8", "application/csv"))
        return Asked("POST", path, tables.make(dice).data, kind)
    listed = [_recipient(dice) for _ in range(dice.choice((0, 1, 3)))]
    return Asked("POST", path, _json(dice, {"recipients": listed}))


def _emails(dice: Random) -> Asked:
    turn = dice.random()
    if turn < 0.7:
        return Asked("POST", "/emails", _spoil(dice, EMAIL))
    if turn < 0.85:
        return Asked(
            "PATCH", "/emails/{email}", _spoil(dice, {"scheduled_at": EMAIL["scheduled_at"]})
        )
    return Asked("POST", "/emails/{email}/resolve", _json(dice, {"resolution": dice.choice(ODD)}))


def _suppressions(dice: Random) -> Asked:
    if dice.random() < 0.3:
        return Asked(
            "DELETE", f"/suppressions/{quote(addresses.make(dice), safe='', errors='replace')}"
        )
    listed: list[object] = [addresses.make(dice) for _ in range(dice.choice((1, 1, 3)))]
    if dice.random() < 0.3:
        listed.append(dice.choice(ODD))
    return Asked("POST", "/suppressions", _json(dice, {"addresses": listed}))


def _lists(dice: Random) -> Asked:
    path = dice.choice(
        (
            "/emails",
            "/emails",
            "/campaigns",
            "/senders",
            "/suppressions",
            "/campaigns/{draft}/emails",
        )
    )
    parameters = []
    for name in dice.sample(
        ("cursor", "limit", "state", "q", "campaign_id", "sender_id", "x"), k=2
    ):
        kinds = ("cursor", "position")
        cursor = next(c.text for _ in range(99) if (c := words.make(dice)).kind in kinds)
        odd: dict[str, Callable[[], object]] = {
            "cursor": lambda c=cursor: dice.choice((c, words.packed([alphabet.text(dice)]))),
            "limit": lambda: dice.choice((1, 200, 0, 201, -1, "x", "9" * 30, "٣")),
            "state": lambda: dice.choice(("sent", "scheduled", "x", "", "draft")),
            "campaign_id": lambda: dice.choice(("{draft}", str(uuid.UUID(int=1)), "x")),
        }
        value = odd.get(name, lambda: alphabet.text(dice, most=3))()
        parameters.append(f"{name}={_in_address(str(value))}")
    return Asked("GET", f"{path}?{'&'.join(parameters)}")


def _in_address(text: str) -> str:
    return (
        quote(text, safe="{}", errors="surrogatepass")
        if "{" in text and "}" in text
        else quote(text, safe="", errors="surrogatepass")
    )


def _attachments(dice: Random) -> Asked:
    file = files.make(dice)
    query = f"file_name={quote(file.name, safe='', errors='replace')}"
    if file.content_id is not None:
        query += f"&inline=true&content_id={quote(file.content_id, safe='', errors='replace')}"
    kind = (
        file.kind.encode("ascii", "replace")
        .decode()
        .replace("\r", "")
        .replace("\n", "")
        .replace("\0", "")
    )
    return Asked("POST", f"/campaigns/{{draft}}/attachments?{query}", file.content[:300], kind)


def _strays(dice: Random) -> Asked:
    paths = (
        "/campaigns/{draft}",
        "/emails/{email}",
        "/senders/{sender}",
        "/api-keys",
        "/",
        "//",
        "/x",
    )
    path = dice.choice(paths)
    odd_id = quote(
        dice.choice(("x", "\0", "0" * 32, str(uuid.UUID(int=5)), "../senders", "é")), safe=""
    )
    if dice.random() < 0.5:
        path = path.partition("{")[0] + odd_id
    tail = dice.choice(
        ("", "", "/cancel", "/launch", "/pause", "/resume", "/verify/x", "/emails", "/dkim")
    )
    if "{draft}" in path and tail in ("/cancel", "/launch"):
        tail = ""  # it is needed as it is
    method = dice.choice(("GET", "POST", "PUT", "PATCH", "HEAD", "OPTIONS", "TRACE"))
    return Asked(method, path + tail, b"{}" if method in ("POST", "PUT", "PATCH") else b"")


_MAKERS: tuple[Callable[[Random], Asked], ...] = (
    *(_senders, _campaigns, _campaigns, _emails, _emails, _recipients, _recipients),
    *(_suppressions, _lists, _lists, _attachments, _dkim, _strays),
)
