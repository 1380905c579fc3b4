from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.integration.api.conftest import SENDER, Client
from tests.integration.delivery.sink import Sink
from tests.token_endpoint import TokenEndpoint


class Mailbox:
    """Takes whatever comes."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []

    async def handle_DATA(  # noqa: N802  # aiosmtpd's name for it
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        self.messages.append(envelope.content)
        return "250 2.0.0 Thanks"


class Server(Controller):
    """An SMTP server on a port of its own, with the password `secret`."""

    mailbox: Mailbox

    def factory(self) -> SMTP:
        return SMTP(
            self.handler,
            authenticator=_authenticate,
            auth_require_tls=False,
            hostname="sink.test",
        )


def _authenticate(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
) -> AuthResult:
    right = isinstance(data, LoginPassword) and data.password == b"secret"
    return AuthResult(success=right, handled=False)


@pytest.fixture
def server(unused_tcp_port: int) -> Iterator[Server]:
    mailbox = Mailbox()
    server = Server(mailbox, hostname="127.0.0.1", port=unused_tcp_port)
    server.mailbox = mailbox
    server.start()
    yield server
    server.stop()


async def test_a_sender_never_shows_its_password(ann: Client) -> None:
    sender = await ann.sender(smtp_username="ann", smtp_password="hunter2")
    assert sender["smtp_password_set"] is True
    for path in ("/senders", f"/senders/{sender['id']}"):
        assert "hunter2" not in (await ann.get(path)).text


async def test_a_sender_that_can_log_in_is_verified(ann: Client, server: Server) -> None:
    sender = await ann.sender(smtp_port=server.port, smtp_username="ann", smtp_password="secret")
    report = (await ann.post(f"/senders/{sender['id']}/verify")).json()
    assert report["ok"] is True
    assert "SIZE" in " ".join(report["extensions"]).upper()


async def test_a_wrong_password_is_told_in_the_servers_words(ann: Client, server: Server) -> None:
    sender = await ann.sender(smtp_port=server.port, smtp_username="ann", smtp_password="wrong")
    report = (await ann.post(f"/senders/{sender['id']}/verify")).json()
    assert (report["ok"], report["phase"]) == (False, "auth")
    assert "535" in report["detail"]


async def test_how_a_check_ended_is_kept_with_the_dialogue_and_the_next_step(
    ann: Client, server: Server
) -> None:
    sender = await ann.sender(smtp_port=server.port, smtp_username="ann", smtp_password="wrong")
    assert (sender["verified_at"], sender["last_check"]) == (None, None)
    report = (await ann.post(f"/senders/{sender['id']}/verify")).json()
    assert "user name and password again" in report["next_step"]
    assert any("535" in line for line in report["dialogue"])
    kept = (await ann.get(f"/senders/{sender['id']}")).json()
    assert (kept["verified_at"], kept["last_check"]) == (None, report)
    assert kept["updated_at"] == sender["updated_at"]


async def test_a_sender_is_verified_until_its_account_changes(
    ann: Client, server: Server, world: Any
) -> None:
    sender = await ann.sender(smtp_port=server.port, smtp_username="ann", smtp_password="secret")
    path = f"/senders/{sender['id']}"
    report = (await ann.post(f"{path}/verify")).json()
    assert (await ann.get(path)).json()["verified_at"] == report["checked_at"]
    renamed = (await ann.patch(path, {"name": "Other", "smtp_port": server.port})).json()
    assert renamed["verified_at"] == report["checked_at"]
    await world.execute("UPDATE senders SET state = 'broken'")
    assert (await ann.get(path)).json()["verified_at"] is None
    mended = (await ann.patch(path, {"smtp_password": "other"})).json()
    assert (mended["verified_at"], mended["last_check"]) == (None, None)


async def test_a_broken_sender_that_can_log_in_again_is_set_going(
    ann: Client, server: Server, world: Any
) -> None:
    sender = await ann.sender(smtp_port=server.port)
    await world.execute("UPDATE senders SET state = 'broken', state_reason = '535 no'")
    await ann.post(f"/senders/{sender['id']}/verify")
    healed = (await ann.get(f"/senders/{sender['id']}")).json()
    assert (healed["state"], healed["state_reason"]) == ("active", None)


async def test_a_test_message_arrives(ann: Client, server: Server) -> None:
    sender = await ann.sender(smtp_port=server.port)
    sent = await ann.post(f"/senders/{sender['id']}/test", {"to": "ann@example.org"})
    report = sent.json()
    assert report["ok"] is True, report
    (message,) = server.mailbox.messages
    assert report["message_id"].encode() in message
    assert b"To: ann@example.org" in message


async def test_a_server_that_is_not_there_is_told_and_nothing_breaks(ann: Client) -> None:
    sender = await ann.sender(smtp_port=1)
    checked = await ann.post(f"/senders/{sender['id']}/verify")
    assert checked.status_code == 200
    assert checked.json()["phase"] == "connect"
    tried = await ann.post(f"/senders/{sender['id']}/test", {"to": "ann@example.org"})
    assert tried.json()["ok"] is False


async def test_a_patch_changes_what_it_names_and_nothing_else(ann: Client) -> None:
    sender = await ann.sender(
        smtp_username="ann", smtp_password="secret", hourly_limit=100, max_connections=2
    )
    path = f"/senders/{sender['id']}"
    patched = (await ann.patch(path, {"hourly_limit": None, "name": "Other"})).json()
    changed = {name for name in sender if sender[name] != patched[name]}
    assert changed == {"hourly_limit", "name", "updated_at"}
    assert patched["smtp_password_set"] is True


async def test_a_sender_from_before_todays_rules_can_be_paused_and_slowed_down(
    ann: Client, world: Any
) -> None:
    sender = await ann.sender(smtp_username="ann", smtp_password="secret")
    await world.execute("UPDATE senders SET smtp_host = '8.8.8.8', smtp_security = 'none'")
    path = f"/senders/{sender['id']}"
    for change in ({"state": "paused"}, {"hourly_limit": 50}, {"name": "Old"}):
        changed = await ann.patch(path, change)
        assert changed.status_code == 200, changed.text
    refused = await ann.patch(path, {"smtp_password": "other"})
    assert refused.status_code == 422
    assert "none would send the password in the clear" in refused.text


async def test_a_grant_without_which_its_sender_cannot_log_in_is_not_taken_away(
    ann: Client, world: Any
) -> None:
    sender = await ann.sender(smtp_username="ann", smtp_auth="xoauth2", smtp_password="token")
    await world.execute("UPDATE senders SET smtp_grant = 'x'::bytea, smtp_password = NULL")
    refused = await ann.patch(f"/senders/{sender['id']}", {"smtp_oauth": None})
    assert refused.status_code == 422


async def test_pausing_and_mending_a_sender(ann: Client, world: Any) -> None:
    sender = await ann.sender()
    path = f"/senders/{sender['id']}"
    assert (await ann.patch(path, {"state": "paused"})).json()["state"] == "paused"
    assert (await ann.patch(path, {"smtp_port": 26})).json()["state"] == "paused"
    assert (await ann.patch(path, {"state": "active"})).json()["state"] == "active"
    assert (await ann.patch(path, {"state": "broken"})).status_code == 422
    await world.execute("UPDATE senders SET state = 'broken', state_reason = '535 no'")
    mended = (await ann.patch(path, {"smtp_username": "a", "smtp_password": "b"})).json()
    assert (mended["state"], mended["state_reason"]) == ("active", None)


async def test_a_username_that_is_taken_away_takes_the_password_along(ann: Client) -> None:
    sender = await ann.sender(smtp_username="ann", smtp_password="secret")
    patched = (await ann.patch(f"/senders/{sender['id']}", {"smtp_username": None})).json()
    assert (patched["smtp_username"], patched["smtp_password_set"]) == (None, False)


async def test_the_list_is_paged(ann: Client) -> None:
    made = [(await ann.sender(name=f"S{i}"))["id"] for i in range(3)]
    first = (await ann.get("/senders?limit=2")).json()
    second = (await ann.get(f"/senders?limit=2&cursor={first['next_cursor']}")).json()
    assert [s["id"] for s in first["items"] + second["items"]] == made[::-1]
    assert second["next_cursor"] is None


async def test_two_patches_at_once_both_count(ann: Client) -> None:
    sender = await ann.sender()
    path = f"/senders/{sender['id']}"
    await asyncio.gather(ann.patch(path, {"hourly_limit": 5}), ann.patch(path, {"min_delay_ms": 7}))
    after = (await ann.get(path)).json()
    assert (after["hourly_limit"], after["min_delay_ms"]) == (5, 7)


WRONG: list[tuple[dict[str, object], str]] = [
    ({"name": ""}, "name"),
    ({"name": "a\nb"}, "name"),
    ({"from_address": "nobody"}, "from_address"),
    ({"from_address": "a@x.org\r\nBcc: b@x.org"}, "from_address"),
    ({"from_name": "a\r\nBcc: b@x.org"}, "from_name"),
    ({"from_name": "a\u0000"}, "from_name"),
    ({"smtp_host": "bad host"}, "smtp_host"),
    ({"smtp_host": ""}, "smtp_host"),
    ({"smtp_port": 0}, "smtp_port"),
    ({"smtp_port": 65536}, "smtp_port"),
    ({"smtp_port": "25"}, "smtp_port"),
    ({"smtp_port": True}, "smtp_port"),
    ({"smtp_security": "ssl"}, "smtp_security"),
    ({"smtp_username": "a"}, "smtp_password"),
    ({"smtp_password": "a"}, "smtp_username"),
    ({"smtp_username": "a\u0000b", "smtp_password": "c"}, "smtp_username"),
    ({"hourly_limit": 0}, "hourly_limit"),
    ({"hourly_limit": -1}, "hourly_limit"),
    ({"hourly_limit": 10**30}, "hourly_limit"),
    ({"min_delay_ms": -1}, "min_delay_ms"),
    ({"min_delay_ms": 1.5}, "min_delay_ms"),
    ({"max_connections": 0}, "max_connections"),
    ({"max_connections": 65}, "max_connections"),
    ({"colour": "blue"}, "colour"),
]


async def test_a_sender_with_a_wrong_field_is_refused_by_its_name(ann: Client) -> None:
    for values, field in WRONG:
        refused = await ann.post("/senders", {**SENDER, **values})
        assert refused.status_code == 422, (values, refused.text)
        assert refused.headers["content-type"] == "application/problem+json"
        assert [e["field"] for e in refused.json()["errors"]] == [field], values
    assert (await ann.get("/senders")).json()["items"] == []


OAUTH = {"client_id": "client", "client_secret": "hush", "refresh_token": "refresh-0"}
OVER_TLS = {"smtp_security": "starttls", "smtp_username": "ann@x.example"}


async def test_a_sender_with_a_grant_shows_none_of_it(ann: Client, world: Any) -> None:
    given = {"smtp_host": "smtp.gmail.com", "smtp_port": 587, **OVER_TLS, "smtp_oauth": OAUTH}
    sender = await ann.sender(**given)
    assert (sender["smtp_auth"], sender["smtp_oauth_set"]) == ("xoauth2", True)
    assert "hush" not in str(sender)
    assert "refresh-0" not in str(sender)
    stored = await world.fetchval("SELECT smtp_grant FROM senders")
    assert b"refresh-0" not in stored


async def test_one_kind_of_secret_takes_the_place_of_another(ann: Client, world: Any) -> None:
    sender = await ann.sender(smtp_host="smtp.gmail.com", **OVER_TLS, smtp_password="secret")
    path = f"/senders/{sender['id']}"
    granted = (await ann.patch(path, {"smtp_oauth": OAUTH})).json()
    kinds = ("smtp_auth", "smtp_password_set", "smtp_oauth_set")
    assert [granted[kind] for kind in kinds] == ["xoauth2", False, True]
    assert (await ann.patch(path, {"smtp_auth": "password"})).status_code == 422
    assert (await ann.patch(path, {"name": "Other"})).json()["smtp_oauth_set"] is True
    again = {"smtp_auth": "password", "smtp_password": "secret"}
    back = (await ann.patch(path, again)).json()
    assert [back[kind] for kind in kinds] == ["password", True, False]


async def test_a_grant_logs_in(ann: Client) -> None:
    async with TokenEndpoint() as tokens, Sink(extensions=("AUTH XOAUTH2",)) as sink:
        oauth = {**OAUTH, "token_endpoint": tokens.url}
        sender = await ann.sender(smtp_port=sink.port, smtp_username="ann", smtp_oauth=oauth)
        report = (await ann.post(f"/senders/{sender['id']}/verify")).json()
        assert report["ok"] is True, report
        tokens.answers = [(400, {"error": "invalid_grant"})]
        other = await ann.sender(
            smtp_port=sink.port, smtp_username="bob", smtp_oauth={**oauth, "client_id": "other"}
        )
        report = (await ann.post(f"/senders/{other['id']}/verify")).json()
    assert (report["ok"], report["phase"]) == (False, "auth")
    assert "invalid_grant" in report["detail"]
    assert "new refresh token" in report["next_step"]


async def test_a_grant_that_lacks_something_is_refused_by_its_name(ann: Client) -> None:
    refused = await ann.post("/senders", {**SENDER, "smtp_username": "a", "smtp_oauth": OAUTH})
    assert [e["field"] for e in refused.json()["errors"]] == ["smtp_oauth.token_endpoint"]
    both = {"smtp_host": "smtp.gmail.com", **OVER_TLS, "smtp_oauth": OAUTH, "smtp_password": "x"}
    refused = await ann.post("/senders", {**SENDER, **both})
    assert [e["field"] for e in refused.json()["errors"]] == ["smtp_oauth"]


async def test_a_stored_secret_is_not_told_to_another_server(ann: Client) -> None:
    account = {"smtp_host": "smtp.gmail.com", **OVER_TLS}
    secrets = {"smtp_password": {"smtp_password": "secret"}, "smtp_oauth": {"smtp_oauth": OAUTH}}
    elsewhere = {"smtp_host": "smtp.elsewhere.example"}
    for field, secret in secrets.items():
        sender = await ann.sender(**account, **secret)
        path = f"/senders/{sender['id']}"
        refused = await ann.patch(path, elsewhere)
        assert refused.status_code == 422, field
        assert [e["field"] for e in refused.json()["errors"]] == [field]
        assert (await ann.patch(path, {"smtp_host": "SMTP.gmail.com."})).status_code == 200
        given = {**elsewhere, "smtp_auth": "password", "smtp_password": "of the other one"}
        assert (await ann.patch(path, given)).status_code == 200
    nobody = await ann.sender(smtp_host="smtp.gmail.com")
    assert (await ann.patch(f"/senders/{nobody['id']}", elsewhere)).status_code == 200


@pytest.mark.parametrize(
    ("change", "whereto"),
    [
        ({"smtp_port": 465}, "another port"),
        ({"smtp_security": "starttls"}, "spoken to in another way"),
        ({"smtp_username": "bob"}, "for another user"),
    ],
)
async def test_a_stored_secret_is_not_told_to_another_service_of_the_same_server(
    change: dict[str, object], whereto: str, ann: Client
) -> None:
    account = {"smtp_host": "smtp.example.com", "smtp_port": 587, "smtp_security": "tls"}
    secret = {"smtp_username": "ann", "smtp_password": "secret"}
    sender = await ann.sender(**account, **secret)
    path = f"/senders/{sender['id']}"
    refused = await ann.patch(path, change)
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert error["field"] == "smtp_password"
    assert whereto in error["message"]
    assert (await ann.patch(path, {**change, "smtp_password": "again"})).status_code == 200
    assert (await ann.patch(path, {**change, "name": "Other"})).status_code == 200
